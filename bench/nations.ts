/** `npm run bench -- nations`: all 153 councils send their nightly batches at once while checks go on at 30 a second, and every check made after an acknowledged upload must show it (issue 8, item 4). */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Arena } from './arena.ts'
import { buildChecker, type Checker } from './checker.ts'
import { buildBatches, buildChildren, type Child } from './children.ts'
import { buildCountry } from './country.ts'
import { type HttpCaller, openCaller } from './http-caller.ts'
import { buildRound, type Round } from './latencies.ts'
import { runOpenLoop } from './open-loop.ts'
import type { BenchOptions } from './options.ts'
import { type Measured, runInArena } from './publish-run.ts'
import { buildRandom, type Random } from './random.ts'
import { figure, type Table } from './report.ts'
import { say } from './say.ts'
import { SCENARIO_NUMBERS } from './scenario-numbers.ts'

const CHILDREN = 60_000
const CHECKS_PER_SECOND = 30
/** Children of each acknowledged batch that are asked for at once. */
const LOOKED_FOR = 3
const CALM_SECONDS = 10

interface Council {
  readonly token: () => Promise<string>
  readonly children: readonly Child[]
  readonly bodies: readonly string[]
}

interface Outcome {
  readonly seconds: number
  readonly children: number
  readonly batches: Round
  /** Batches that were told to come again (503, 429), and did. */
  readonly repeated: number
  readonly before: Round
  readonly during: Round
  /** Checks of a child whose batch had been acknowledged: each was known, or the run would have ended. */
  readonly seen: Round
}

export async function benchNations(options: BenchOptions): Promise<void> {
  await runInArena('nations', options, async (arena) => {
    const outcome = await measure(arena, options)
    return { tables: [nationsTable(outcome)], figures: outcome } satisfies Measured
  })
}

async function measure(arena: Arena, { seed }: BenchOptions): Promise<Outcome> {
  const random = buildRandom(seed)
  const taken = new Set(SCENARIO_NUMBERS)
  const councils = buildCountry(random).map(({ authority, share }): Council => {
    const children = buildChildren(Math.max(1, Math.round(share * CHILDREN)), random, taken)
    return { token: arena.token(`la-${authority.gss}`), children, bodies: buildBatches(children) }
  })
  const children = councils.reduce((sum, one) => sum + one.children.length, 0)
  // Misses only: what is being filed is asked for by the looking below, which knows when it must be there
  const checker = buildChecker({ arena, random, filed: [], taken, hits: 0 })
  const finder = buildChecker({ arena, random, filed: [], taken })
  const loop = (seconds: number) =>
    runOpenLoop({ perSecond: CHECKS_PER_SECOND, seconds, random, pids: arena.pids }, checker.checkAnyhow)
  // this process times the checks: it must not build and sign for all councils meanwhile
  for (const { token } of councils) await token()
  await loop(2)
  const before = buildRound([await loop(CALM_SECONDS)])
  const night: Night = { arena, random, finder, batchTimes: [], lookTimes: [], repeated: 0 }
  const during = { isOver: false, samples: [] as Awaited<ReturnType<typeof loop>>[] }
  const start = performance.now()
  const checking = (async () => {
    while (!during.isOver) during.samples.push(await loop(1))
  })()
  await Promise.all(councils.map((council, place) => send(council, place, night)))
  const seconds = (performance.now() - start) / 1000
  during.isOver = true
  await checking
  await Promise.all([checker.close(), finder.close()])
  say(`${children} children of ${councils.length} councils in ${figure(seconds)} s`)
  const round = (times: readonly number[]): Round => buildRound([{ times, seconds, cpuMicros: {} }])
  return {
    seconds,
    children,
    batches: round(night.batchTimes),
    repeated: night.repeated,
    before,
    during: buildRound(during.samples),
    seen: round(night.lookTimes),
  }
}

interface Night {
  readonly arena: Arena
  readonly random: Random
  readonly finder: Checker
  readonly batchTimes: number[]
  readonly lookTimes: number[]
  repeated: number
}

/** Batches one after the other; after each, some of its children are asked for. */
async function send({ token, children, bodies }: Council, place: number, night: Night): Promise<void> {
  const { arena, random, finder, batchTimes, lookTimes } = night
  const http = openCaller(arena.origin)
  for (const [nth, body] of bodies.entries()) {
    const sent = children.slice(nth * 1000, (nth + 1) * 1000)
    const begun = performance.now()
    await sendUntilTaken(http, { body, token, count: sent.length, night })
    batchTimes.push(performance.now() - begun)
    for (let look = 0; look < LOOKED_FOR; look++) {
      const child = sent[random.below(sent.length)]
      if (child === undefined) continue
      const asked = performance.now()
      await finder.find(place, child)
      lookTimes.push(performance.now() - asked)
    }
  }
  await http.close()
}

interface Sending {
  readonly body: string
  readonly token: () => Promise<string>
  readonly count: number
  readonly night: Night
}

async function sendUntilTaken(http: HttpCaller, { body, token, count, night }: Sending): Promise<void> {
  for (;;) {
    const { status, text, retryAfter } = await http.send({
      method: 'POST',
      path: '/FHIR/R4',
      token: await token(),
      requestId: night.random.uuid(),
      body,
    })
    if (status === 200) {
      const taken = text.match(/"status":"20[01]/g)?.length ?? 0
      if (taken !== count) throw new Error(`${taken} of ${count} plans were taken: ${text.slice(0, 500)}`)
      return
    }
    if (status !== 503 && status !== 429) throw new Error(`A batch was answered ${status}: ${text.slice(0, 500)}`)
    night.repeated += 1
    await sleep(Number(retryAfter ?? '1') * 1000)
  }
}

function nationsTable({ seconds, children, batches, repeated, before, during, seen }: Outcome): Table {
  const times = (round: Round): string[] => [round.p50Ms, round.p99Ms, round.mostMs].map(figure)
  return {
    title: `153 councils by size send ${children.toLocaleString('en-GB')} plans at once (${figure(seconds)} s, ${figure(children / seconds)} children/s, ${repeated} batches told to come again), checks at ${CHECKS_PER_SECOND} a second`,
    columns: ['', 'operations', 'p50 ms', 'p99 ms', 'longest ms'],
    rows: [
      ['checks before', String(before.operations), ...times(before)],
      ['checks during', String(during.operations), ...times(during)],
      ['checks of what was just acknowledged, all of them shown', String(seen.operations), ...times(seen)],
      ['batches', String(batches.operations), ...times(batches)],
    ],
  }
}
