/** One round of alerts: checks at their own times, each matched with the receipt of its notification by the AuditEvent that both name. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Alerts, Asked, Council } from './councils.ts'
import type { Endpoints, Receipt } from './endpoints.ts'
import { buildRound, type Round } from './latencies.ts'
import type { Random } from './random.ts'

/** Longest wait for the last notification of a round, ms. */
const PATIENCE_MS = 30_000

export interface AlertLoop {
  readonly alerts: Alerts
  readonly endpoints: Endpoints
  readonly random: Random
  readonly perSecond: number
  readonly seconds: number
}

export interface AlertRound {
  /** From the answer of the check, which follows its commit, to receipt. */
  readonly fromAnswer: Round
  /** From the sending of the check to receipt. */
  readonly fromRequest: Round
  /** The times behind fromAnswer, in ms. */
  readonly times: readonly number[]
  /** Everything that came meanwhile, events of other causes among it. */
  readonly receipts: number
}

/** Arrivals of a Poisson process; ends when every event has come. Throws when one does not. */
export async function runAlerts(loop: AlertLoop, councils: readonly Council[]): Promise<AlertRound> {
  const { alerts, endpoints, random, perSecond, seconds } = loop
  await endpoints.take()
  const asked: Promise<Asked>[] = []
  const start = performance.now()
  for (let due = start; due < start + seconds * 1000; due += (-Math.log(1 - random.fraction()) * 1000) / perSecond) {
    const early = due - performance.now()
    if (early > 0) await sleep(early)
    asked.push(alerts.check(councils))
  }
  const answers = await Promise.all(asked)
  const receipts = await receiveAll(endpoints, new Set(answers.map(({ audit }) => audit)))
  const at = new Map(receipts.map(([, , audit, when]) => [audit, when]))
  const timesFrom = (name: 'answeredAt' | 'sentAt'): number[] =>
    answers.map((one) => (at.get(one.audit) ?? Number.NaN) - one[name])
  const roundOf = (times: readonly number[]): Round => buildRound([{ times, seconds, cpuMicros: {} }])
  const times = timesFrom('answeredAt')
  return { fromAnswer: roundOf(times), fromRequest: roundOf(timesFrom('sentAt')), times, receipts: receipts.length }
}

async function receiveAll(endpoints: Endpoints, expected: Set<string>): Promise<readonly Receipt[]> {
  const all: Receipt[] = []
  for (const end = performance.now() + PATIENCE_MS; expected.size > 0; await sleep(20)) {
    for (const receipt of await endpoints.take()) {
      all.push(receipt)
      expected.delete(receipt[2])
    }
    if (performance.now() > end) throw new Error(`${expected.size} notifications have not come.`)
  }
  return all
}
