/** `npm run bench -- peer --base URL`: the same work against any other FHIR R4 server (HAPI, say), so that ratios can be taken against `check` and `upload` on the same machine (issue 8, item 1). */
import { randomUUID } from 'node:crypto'
import process from 'node:process'
import { buildChildren, type Child, SYSTEM } from './children.ts'
import { runClosedLoop } from './closed-loop.ts'
import { type HttpCaller, openCaller } from './http-caller.ts'
import { buildRound, type Round, summarise } from './latencies.ts'
import { runOpenLoop } from './open-loop.ts'
import type { BenchOptions } from './options.ts'
import { buildPeerCheck, buildPeerUpload, readPeerCheck, readPeerUpload } from './peer-requests.ts'
import { buildRandom, type Random } from './random.ts'
import { describeMachine, figure, publish, type Table } from './report.ts'
import { say } from './say.ts'

const HITS = 0.02
const FILED = 2_000
const BATCH = 1_000
const BATCHES = 3
const PER_SECOND = 100
const UPLOADERS = [1, 8]

/** Connections to the peer, one for each caller. */
export interface Peer {
  check(caller: number): Promise<void>
  upload(caller: number, children: readonly Child[]): Promise<void>
  close(): Promise<void>
}

export interface PeerFacts {
  /** Base of the FHIR server. */
  readonly base: string
  /** Bearer token; empty for none. */
  readonly token: string
  readonly random: Random
  readonly filed: readonly Child[]
  readonly taken: ReadonlySet<string>
}

/**
 * Every answer is looked at: a search that finds another number of plans than were filed, or a record that is not stored, ends the run.
 * The numbers stand in a system of this run alone: a server that a run has warmed still keeps that run's children, and the same seed gives the same numbers.
 */
export function openPeer({ base, token, random, filed, taken }: PeerFacts): Peer {
  const { origin, pathname } = new URL(base)
  const path = pathname === '/' ? '/' : pathname.replace(/\/$/, '')
  const system = `${SYSTEM.nhs}/${randomUUID()}`
  const callers = new Map<number, HttpCaller>()
  const post = async (caller: number, body: string): Promise<string> => {
    const http = callers.get(caller) ?? openCaller(origin)
    callers.set(caller, http)
    const { status, text } = await http.send({ method: 'POST', path, token, requestId: random.uuid(), body })
    if (status !== 200 && status !== 201) throw new Error(`The peer answered ${status}: ${text.slice(0, 500)}`)
    return text
  }
  return {
    async check(caller) {
      const child = random.fraction() < HITS ? filed[random.below(filed.length)] : undefined
      const value = child?.nhsNumber ?? unknownNumber(random, taken)
      const text = await post(caller, buildPeerCheck({ system, value }, new Date()))
      const wanted = child === undefined ? 0 : 1
      const found = readPeerCheck(text)
      if (found !== wanted) throw new Error(`A check told of ${found} plans where ${wanted} stood.`)
    },
    async upload(caller, children) {
      readPeerUpload(await post(caller, buildPeerUpload(children, system, random)), children.length)
    },
    async close() {
      await Promise.all([...callers.values()].map((one) => one.close()))
    },
  }
}

function unknownNumber(random: Random, taken: ReadonlySet<string>): string {
  for (;;) {
    const number = random.nhsNumber()
    if (!taken.has(number)) return number
  }
}

/** Needs --base; CPIS_PEER_TOKEN may hold a bearer token. */
export async function benchPeer(options: BenchOptions): Promise<void> {
  const { base } = options
  if (base === undefined) throw new Error('Name the other server: --base http://127.0.0.1:8090/fhir')
  const random = buildRandom(options.seed)
  const taken = new Set<string>()
  const filed = buildChildren(FILED, random, taken)
  const peer = openPeer({ base, token: process.env['CPIS_PEER_TOKEN'] ?? '', random, filed, taken })
  const machine = describeMachine()
  const uploads = await measureUploads(peer, { filed, random, taken }, options)
  await runClosedLoop({ callers: 16, seconds: Math.max(2, options.seconds), pids: {} }, peer.check)
  const rungs: [number, readonly Round[]][] = []
  for (const callers of options.callers)
    rungs.push([
      callers,
      await rounds(options, () => runClosedLoop({ callers, seconds: options.seconds, pids: {} }, peer.check)),
    ])
  const open = await openRound(peer, random, options)
  await peer.close()
  const tables = [checkTable(rungs, options), uploadTable(uploads), openTable(open)]
  const { command, seed } = options
  publish(
    { name: 'peer', command, mongodVersion: 'none', tables, figures: { seed, base, rungs, uploads, open } },
    machine,
    options.inReadme,
  )
}

async function rounds(
  options: BenchOptions,
  run: () => Promise<Parameters<typeof buildRound>[0][number]>,
): Promise<readonly Round[]> {
  const measured: Round[] = []
  for (let round = 0; round < options.rounds; round++) {
    measured.push(buildRound([await run()]))
    say(`${figure(measured.at(-1)?.perSecond ?? 0)}/s`)
  }
  return measured
}

interface Uploads {
  readonly singles: readonly [number, readonly Round[]][]
  readonly batches: Round
}

/** First the children that checks then find, then singles. */
async function measureUploads(
  peer: Peer,
  { filed, random, taken }: { filed: readonly Child[]; random: Random; taken: Set<string> },
  options: BenchOptions,
): Promise<Uploads> {
  const times: number[] = []
  const parts = Array.from({ length: Math.ceil(filed.length / BATCH) }, (_, nth) =>
    filed.slice(nth * BATCH, (nth + 1) * BATCH),
  )
  const more = Array.from({ length: Math.max(0, BATCHES - parts.length) }, () => buildChildren(BATCH, random, taken))
  for (const part of [...parts, ...more]) {
    const begun = performance.now()
    await peer.upload(0, part)
    times.push(performance.now() - begun)
    say(`transaction of ${part.length}: ${figure((part.length * 1000) / (times.at(-1) ?? 1))} children/s`)
  }
  const singles: [number, readonly Round[]][] = []
  for (const callers of UPLOADERS) {
    const run = () =>
      runClosedLoop({ callers, seconds: options.seconds, pids: {} }, (caller) =>
        peer.upload(caller, buildChildren(1, random, taken)),
      )
    singles.push([callers, await rounds(options, run)])
  }
  return {
    singles,
    batches: buildRound([{ times, seconds: times.reduce((sum, one) => sum + one, 0) / 1000, cpuMicros: {} }]),
  }
}

async function openRound(peer: Peer, random: Random, { openSeconds }: BenchOptions): Promise<Round | undefined> {
  if (openSeconds === 0) return undefined
  const free: number[] = []
  let connections = 1_000
  const check = async (): Promise<void> => {
    const connection = free.pop() ?? connections++
    await peer.check(connection)
    free.push(connection)
  }
  return buildRound([await runOpenLoop({ perSecond: PER_SECOND, seconds: openSeconds, random, pids: {} }, check)])
}

function checkTable(
  rungs: readonly [number, readonly Round[]][],
  { rounds: count, seconds, seed }: BenchOptions,
): Table {
  return {
    title: `The peer: a check as a batch of search and AuditEvent, 98 % nothing known; medians of ${count} rounds of ${seconds} s, seed ${seed}`,
    columns: ['callers', 'checks/s (range)', 'p50 ms', 'p99 ms'],
    rows: rungs.map(([callers, measured]) => {
      const sum = summarise(measured)
      return [
        String(callers),
        `${figure(sum.perSecond)} (${figure(sum.leastPerSecond)}–${figure(sum.mostPerSecond)})`,
        figure(sum.p50Ms),
        figure(sum.p99Ms),
      ]
    }),
  }
}

function uploadTable({ singles, batches }: Uploads): Table {
  return {
    title: 'The peer: Patient, plan and Flag of each child in a transaction',
    columns: ['what', 'children/s', 'p50 ms', 'p99 ms'],
    rows: [
      ...singles.map(([callers, measured]) => {
        const sum = summarise(measured)
        return [
          `transaction of 1 child, ${callers} callers`,
          figure(sum.perSecond),
          figure(sum.p50Ms),
          figure(sum.p99Ms),
        ]
      }),
      [
        `transaction of ${BATCH} children`,
        figure(batches.perSecond * BATCH),
        figure(batches.p50Ms),
        figure(batches.p99Ms),
      ],
    ],
  }
}

function openTable(round: Round | undefined): Table {
  return {
    title: `The peer: open loop, ${PER_SECOND} checks a second on average`,
    columns: ['checks', 'p50 ms', 'p99 ms', 'longest ms'],
    rows:
      round === undefined
        ? []
        : [[String(round.operations), figure(round.p50Ms), figure(round.p99Ms), figure(round.mostMs)]],
  }
}
