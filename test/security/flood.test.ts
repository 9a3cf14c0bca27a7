/** One client's flood, of any kind, against another's steady checks (security.md "Abuse and bad input"): real HTTP, the server and the flooder in processes of their own. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Agent, request } from 'undici'
import type { Flood, FloodCount } from '../support/flooder.ts'
import { checkOf } from '../support/server.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'

/** Checks that the steady client makes in a second, and how long one round takes. */
const STEADY_PER_SECOND = 50
const ROUND_MS = 2_000
/** The long form, on a machine with nothing else to do: CPIS_FLOOD_ROUNDS=3 npm test -- -i test/security/flood */
const LONG_ROUNDS = Number(process.env['CPIS_FLOOD_ROUNDS'] ?? 0)
/** In the long form the median p99 with the flood is at most twice that without, or this where that is less than the clock of a busy machine tells. */
const MOST_RATIO = 2
const FLOOR_MS = 25
/** Beside other tests a ratio says nothing: then one round in five must keep the promise that staff learn within a second. */
const SHORT_ROUNDS = 5
const SHORT_MS = 1_000
/** So often at least the flooder is refused over all rounds; few times, because each refusal is held back, and huge bodies are slow to send. */
const LEAST_REFUSED = 4

const folder = mkdtempSync(join(tmpdir(), 'cpis-flood-'))
let server: ServerProcess
let token: string
const agent = new Agent({ connections: 32 })

beforeAll(async () => {
  const limits = join(folder, 'limits.json')
  // the person of the steady client stands for a ward of them
  writeFileSync(
    limits,
    JSON.stringify({
      checksPerUserPerMinute: 100_000,
      checksPerUserPerHour: 1_000_000,
      // a little more than the steady client needs
      requestsPerClientPerMinute: 3_600,
    }),
  )
  server = await startServerProcess({ CPIS_LIMITS: limits })
  token = await server.token('paramedic')
  await round()
}, 90_000)
afterAll(async () => {
  await agent.close()
  await server.close()
  rmSync(folder, { recursive: true, force: true })
}, 30_000)

interface Round {
  readonly p99: number
  readonly statuses: Readonly<Record<string, number>>
}

/** Checks at a steady rate, whatever the answers do. */
async function round(): Promise<Round> {
  const times: number[] = []
  const statuses: Record<string, number> = {}
  const pending: Promise<void>[] = []
  const from = performance.now()
  for (let nth = 0; nth < (ROUND_MS / 1000) * STEADY_PER_SECOND; nth += 1) {
    const dueAt = from + (nth * 1000) / STEADY_PER_SECOND
    if (dueAt > performance.now()) await sleep(Math.max(1, dueAt - performance.now()))
    pending.push(
      check().then((status) => {
        times.push(performance.now() - dueAt)
        statuses[status] = (statuses[status] ?? 0) + 1
      }),
    )
  }
  await Promise.all(pending)
  times.sort((a, b) => a - b)
  return { p99: times[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN, statuses }
}

async function check(): Promise<string> {
  const { statusCode, body } = await request(`${server.url}/FHIR/R4/Patient/$cpis-check`, {
    method: 'POST',
    dispatcher: agent,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/fhir+json',
      'x-request-id': crypto.randomUUID(),
    },
    body: JSON.stringify(checkOf('9996621235', 'ambulance')),
  })
  await body.dump()
  return String(statusCode)
}

async function startFlood(flood: Omit<Flood, 'port'>): Promise<ChildProcess> {
  const child = fork(new URL('../support/flooder.ts', import.meta.url).pathname, { execArgv: [], stdio: 'ignore' })
  await once(child, 'spawn')
  child.send({ ...flood, port: server.port })
  return child
}

async function tell(child: ChildProcess, message: 'count' | 'stop'): Promise<FloodCount> {
  const answer = once(child, 'message')
  child.send(message)
  return (await answer)[0] as FloodCount
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

interface Compared {
  /** Longest that the steady client's p99 may be, and what it was. */
  readonly most: number
  readonly during: number
  readonly statuses: readonly string[]
  readonly count: FloodCount
}

/** Rounds without and with the flood in turn, so that what else the machine does meets both. */
async function compare(flood: Omit<Flood, 'port'>): Promise<Compared> {
  const without: number[] = []
  const during: number[] = []
  const statuses = new Set<string>()
  const counts: FloodCount[] = []
  for (let nth = 0; nth < LONG_ROUNDS; nth += 1) {
    without.push((await round()).p99)
    const flooded = await roundUnder(flood)
    during.push(flooded.p99)
    for (const status of Object.keys(flooded.statuses)) statuses.add(status)
    counts.push(flooded.count)
  }
  if (process.env['CPIS_SHOW'] !== undefined) console.log(without, during, counts)
  const most = Math.max(FLOOR_MS, median(without) * MOST_RATIO)
  return { most, during: median(during), statuses: [...statuses], count: sum(counts) }
}

/** The best of a few rounds; every answer of all of them counts. */
async function look(flood: Omit<Flood, 'port'>): Promise<Compared> {
  const statuses = new Set<string>()
  const counts: FloodCount[] = []
  let during = Number.POSITIVE_INFINITY
  for (let nth = 0; nth < SHORT_ROUNDS && during > SHORT_MS; nth += 1) {
    const flooded = await roundUnder(flood)
    during = Math.min(during, flooded.p99)
    for (const status of Object.keys(flooded.statuses)) statuses.add(status)
    counts.push(flooded.count)
  }
  return { most: SHORT_MS, during, statuses: [...statuses], count: sum(counts) }
}

async function roundUnder(flood: Omit<Flood, 'port'>): Promise<Round & { readonly count: FloodCount }> {
  const child = await startFlood(flood)
  const flooded = await round()
  return { ...flooded, count: await tell(child, 'stop') }
}

function sum(counts: readonly FloodCount[]): FloodCount {
  const statuses: Record<string, number> = {}
  for (const count of counts) {
    for (const [status, times] of Object.entries(count.statuses)) statuses[status] = (statuses[status] ?? 0) + times
  }
  const total = (of: (count: FloodCount) => number): number => counts.reduce((before, one) => before + of(one), 0)
  return {
    statuses,
    sent: total((one) => one.sent),
    withoutRetryAfter: total((one) => one.withoutRetryAfter),
    cut: total((one) => one.cut),
  }
}

const get = (path: string, bearer: string): string =>
  `GET /FHIR/R4/${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bearer}\r\n\r\n`
const post = (path: string, bearer: string, length: number): string =>
  `POST /FHIR/R4${path} HTTP/1.1\r\nHost: x\r\nX-Request-ID: ${crypto.randomUUID()}\r\nAuthorization: Bearer ${bearer}\r\nContent-Type: application/fhir+json\r\nContent-Length: ${length}\r\n\r\n`
const checkText = JSON.stringify(checkOf('9996621235'))

/** The token with another signature in each: none was seen before. */
function badTokens(of: string): readonly string[] {
  return Array.from({ length: 2_000 }, (_, nth) => {
    const signature = Buffer.from(of.slice(of.lastIndexOf('.') + 1), 'base64url')
    signature.writeUInt32BE(nth + 1, 8)
    return of.slice(0, of.lastIndexOf('.') + 1) + signature.toString('base64url')
  })
}

const hugeBundle = (): string =>
  JSON.stringify({
    resourceType: 'Bundle',
    type: 'batch',
    entry: Array.from({ length: 999 }, () => ({ request: { method: 'GET', url: 'x' }, note: 'y'.repeat(9_000) })),
  })

type Kind = readonly [words: string, flood: () => Promise<Omit<Flood, 'port'>>, refused: readonly string[]]
const KINDS: readonly Kind[] = [
  [
    'checks far over what the client may',
    async () => {
      const nurse = await server.token('ed-nurse')
      const requests = Array.from(
        { length: 5_000 },
        () => post('/Patient/$cpis-check', nurse, checkText.length) + checkText,
      )
      return { how: 'ask', sockets: 250, perSecond: 2_000, requests }
    },
    ['429'],
  ],
  [
    'searches far over what the client may',
    async () => {
      const requests = [get('EpisodeOfCare?_count=500', await server.token('la-E10000008'))]
      return { how: 'ask', sockets: 250, perSecond: 2_000, requests }
    },
    ['429'],
  ],
  [
    'tokens with a wrong signature',
    async () => {
      const requests = badTokens(await server.token('la-E10000008')).map((bad) => get('EpisodeOfCare', bad))
      return { how: 'ask', sockets: 250, perSecond: 2_000, requests }
    },
    ['401'],
  ],
  [
    'Bundles of 9 MB',
    async () => {
      const body = hugeBundle()
      const requests = [post('', await server.token('la-E10000008'), body.length) + body]
      return { how: 'ask', sockets: 16, perSecond: 100, requests }
    },
    ['429'],
  ],
  [
    'bodies that come a byte a second',
    async () => {
      const requests = [post('', await server.token('la-E10000008'), 1_000_000)]
      return { how: 'drip', sockets: 200, perSecond: 200, requests }
    },
    [],
  ],
  ['connections on which nothing is said', async () => ({ how: 'hold', sockets: 200, perSecond: 0, requests: [] }), []],
]

describe('while one client floods, another that checks steadily is answered as before', () => {
  test.each(KINDS)(
    '%s',
    async (_words, flood, refused) => {
      const compareOrLook = LONG_ROUNDS > 0 ? compare : look
      const { most, during, statuses, count } = await compareOrLook(await flood())
      expect(statuses).toEqual(['200'])
      expect(during).toBeLessThanOrEqual(most)
      for (const status of refused) expect(count.statuses[status]).toBeGreaterThan(LEAST_REFUSED)
      expect(count.withoutRetryAfter).toBe(0)
    },
    300_000,
  )
})
