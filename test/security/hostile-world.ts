/** A server under attack: what is judged of each answer, whether anything was changed, and what the process went through meanwhile. */
import { createHash } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { OperationOutcome } from '@medplum/fhirtypes'
import { MongoClient } from 'mongodb'
import { CATALOGUE } from '../../src/fhir/catalogue.ts'
import { resourceOf, startTestServer, type TestAnswer, type TestServer } from '../support/server.ts'
import { waitFor } from '../support/wait-for.ts'
import { makeRows, type Rows } from './access-world.ts'

/** Of a child whose content is in hostile requests: no answer may say it. */
export const MARKED_NAME = 'Zzyzxmarker'
export const MARKED_NUMBER = '9995973952'

const KEPT = ['episodesOfCare', 'flags', 'patients', 'organizations', 'subscriptions']
const COLLECTIONS = [
  ...KEPT,
  ...KEPT.map((name) => `${name}History`),
  'children',
  'accesses',
  'numberNotices',
  'events',
  'bundleReplies',
]
const P99_MS = 200
const REST_BYTES = 64 * 1024 * 1024

export interface HostileWorld {
  readonly server: TestServer
  readonly rows: Rows
  readonly as: string
  /** What is wrong with an answer; empty when nothing is. */
  judge(answer: TestAnswer, words: string): readonly string[]
  /** Counts and sums of versions of all collections, as one text. */
  state(): Promise<string>
  /** Throws when the event loop stood still, or memory was not given back, since the start. */
  checkRest(): Promise<void>
  close(): Promise<void>
}

export async function openHostileWorld(env: Readonly<Record<string, string>> = {}): Promise<HostileWorld> {
  const server = await startTestServer({ env })
  const rows = await makeRows(server, 'E10000007')
  // Its handshake finds no one; what follows from that is no change of an attacker's
  const path = `Subscription/${rows.subscription.id}`
  await waitFor('the handshake', async () => {
    const answer = await server.send({ as: 'la-E10000007', path })
    return resourceOf(answer, 'Subscription').status !== 'requested'
  })
  const client = await MongoClient.connect(server.context.config.mongodbUrl ?? '')
  const db = client.db(server.context.config.mongodbDatabase)
  const crashes: string[] = []
  const onCrash = (error: unknown): void => void crashes.push(error instanceof Error ? error.name : 'unknown')
  process.on('unhandledRejection', onCrash)
  const delay = monitorEventLoopDelay({ resolution: 10 })
  const restBytes = heapInUse()
  delay.enable()
  return {
    server,
    rows,
    as: 'la-E10000007',
    judge,
    async state() {
      const lines = []
      for (const name of COLLECTIONS) {
        const [sum] = await db
          .collection(name)
          .aggregate([{ $group: { _id: null, count: { $sum: 1 }, versions: { $sum: '$version' } } }])
          .toArray()
        const ids = await db.collection(name).distinct('_id')
        const hash = createHash('sha256').update(ids.map(String).sort().join()).digest('hex').slice(0, 12)
        lines.push(`${name} ${sum?.['count'] ?? 0} ${sum?.['versions'] ?? 0} ${hash}`)
      }
      return lines.join('\n')
    },
    async checkRest() {
      delay.disable()
      const p99 = delay.percentile(99) / 1e6
      if (p99 > P99_MS) throw new Error(`the event loop stood still: p99 ${Math.round(p99)} ms`)
      const grown = heapInUse() - restBytes
      if (grown > REST_BYTES) throw new Error(`memory was not given back: ${Math.round(grown / 1024 / 1024)} MB more`)
      if (crashes.length > 0) throw new Error(`crashes: ${crashes.join()}`)
      const live = await server.send({ path: 'metadata' })
      if (live.status !== 200) throw new Error(`not served any more: ${live.status}`)
    },
    async close() {
      process.off('unhandledRejection', onCrash)
      await client.close()
      await server.close()
    },
  }
}

/** After a full collection of garbage. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect === 'function') collect()
  return process.memoryUsage().heapUsed
}

function judge(answer: TestAnswer, words: string): readonly string[] {
  const faults: string[] = []
  const say = (fault: string): void =>
    void faults.push(`${words}: ${answer.status} ${fault} ${answer.text.slice(0, 200)}`)
  if (answer.status >= 500) say('is a failure of the server')
  const outcome = outcomeOf(answer.json)
  if (answer.status >= 400 && outcome === undefined) say('is no OperationOutcome')
  if (outcome === undefined) return faults
  if (outcome.issue.length === 0) say('has no issue')
  for (const one of outcome.issue) {
    const code = one.details?.coding?.[0]?.code ?? ''
    if (!Object.hasOwn(CATALOGUE, code)) say('has a code that is not in the catalogue')
  }
  if (answer.text.includes(MARKED_NAME) || answer.text.includes(MARKED_NUMBER)) say('says a value of a patient')
  if (/\bat .+\.ts:\d+|node_modules|MongoServerError|<html/i.test(answer.text)) say('tells of the inside')
  return faults
}

function outcomeOf(body: unknown): OperationOutcome | undefined {
  const isOutcome =
    typeof body === 'object' && body !== null && 'resourceType' in body && body.resourceType === 'OperationOutcome'
  return isOutcome ? (body as OperationOutcome) : undefined
}

/** Runs all, so many at once. */
export async function inBatches<T, R>(
  all: readonly T[],
  run: (one: T) => Promise<R>,
  atOnce = 16,
): Promise<readonly R[]> {
  const done: R[] = []
  for (let from = 0; from < all.length; from += atOnce) {
    done.push(...(await Promise.all(all.slice(from, from + atOnce).map(run))))
  }
  return done
}
