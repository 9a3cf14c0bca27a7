/** `npm run bench -- upload`: what a council sends (measures.md, row upload): a transaction of one child, a batch of 1,000, and the same batch unchanged the next night. */
import process from 'node:process'
import { type Arena, openArena } from './arena.ts'
import { buildBatches, buildChildren, buildTransaction } from './children.ts'
import { runClosedLoop } from './closed-loop.ts'
import { type HttpCaller, openCaller } from './http-caller.ts'
import { buildRound, median, type Round, summarise } from './latencies.ts'
import type { BenchOptions } from './options.ts'
import { watchCpu } from './process-cpu.ts'
import { buildRandom, type Random } from './random.ts'
import { describeMachine, figure, publish, type Table } from './report.ts'
import { SCENARIO_NUMBERS } from './scenario-numbers.ts'

const COUNCIL = 'la-E10000007'
const BATCH = 1_000
const CALLERS = [1, 8]
const WARM_NIGHTS = 3

interface Ground {
  readonly arena: Arena
  readonly random: Random
  readonly taken: Set<string>
  readonly token: () => Promise<string>
}

export async function benchUpload(options: BenchOptions): Promise<void> {
  const arena = await openArena(options.profileFolder)
  try {
    const machine = describeMachine(arena.mongodVersion)
    const random = buildRandom(options.seed)
    const ground = { arena, random, taken: new Set(SCENARIO_NUMBERS), token: arena.token(COUNCIL) }
    await warmUp(ground, options)
    const transactions: [number, readonly Round[]][] = []
    for (const callers of CALLERS) transactions.push([callers, await singles(ground, callers, options)])
    const batches = await nightly(ground, options)
    const tables = [uploadTable(transactions, batches, options)]
    const figures = { seed: options.seed, transactions, batches }
    const { command } = options
    publish({ name: 'upload', command, mongodVersion: arena.mongodVersion, tables, figures }, machine, options.inReadme)
  } finally {
    await arena.close()
  }
}

/** What is measured after a few hundred requests is the compiler of JavaScript, on a slow machine for minutes. */
async function warmUp(ground: Ground, options: BenchOptions): Promise<void> {
  await singles(ground, Math.max(...CALLERS), { ...options, rounds: 1, seconds: options.warmSeconds })
  await nightly(ground, { ...options, rounds: WARM_NIGHTS })
  say('warmed up')
}

/** Transactions of one child, one after the other over each connection. */
async function singles(ground: Ground, callers: number, { rounds, seconds }: BenchOptions): Promise<Round[]> {
  const { arena, random, taken, token } = ground
  const connections = Array.from({ length: callers }, () => openCaller(arena.origin))
  const measured: Round[] = []
  for (let round = 0; round < rounds; round++) {
    const sample = await runClosedLoop({ callers, seconds, pids: arena.pids }, async (caller) => {
      const [child] = buildChildren(1, random, taken)
      const http = connections[caller]
      if (child === undefined || http === undefined) throw new Error('There is no child or no connection.')
      const text = await post(http, { body: buildTransaction(child, random), token: await token(), random })
      if (text.match(/"status":"201/g)?.length !== 2) throw new Error(`A child was not filed: ${text.slice(0, 500)}`)
    })
    measured.push(buildRound([sample]))
    say(`${callers} callers: ${figure(measured.at(-1)?.perSecond ?? 0)} transactions/s`)
  }
  await Promise.all(connections.map((one) => one.close()))
  return measured
}

interface Nights {
  readonly first: readonly Round[]
  readonly again: readonly Round[]
}

/** Each round files 1,000 new children in one batch and sends the same batch again. */
async function nightly(ground: Ground, { rounds }: BenchOptions): Promise<Nights> {
  const { arena, random, taken } = ground
  const http = openCaller(arena.origin)
  const nights = { first: [] as Round[], again: [] as Round[] }
  for (let round = 0; round < rounds; round++) {
    const [body = ''] = buildBatches(buildChildren(BATCH, random, taken))
    nights.first.push(await sendBatch(ground, { http, body, status: '201' }))
    nights.again.push(await sendBatch(ground, { http, body, status: '200' }))
    const [first, again] = [nights.first.at(-1)?.perSecond ?? 0, nights.again.at(-1)?.perSecond ?? 0]
    say(`batch of ${BATCH}: ${figure(first)} children/s, unchanged ${figure(again)}/s`)
  }
  await http.close()
  return nights
}

async function sendBatch(
  { arena, random, token }: Ground,
  { http, body, status }: { http: HttpCaller; body: string; status: string },
): Promise<Round> {
  const bearer = await token()
  const cpu = watchCpu(arena.pids)
  const start = performance.now()
  const text = await post(http, { body, token: bearer, random })
  const tookMs = performance.now() - start
  const done = text.match(new RegExp(`"status":"${status}`, 'g'))?.length ?? 0
  if (done !== BATCH) throw new Error(`${done} of ${BATCH} entries were answered ${status}: ${text.slice(0, 500)}`)
  const cpuMicros = cpu()
  const whole = buildRound([{ times: [tookMs], seconds: tookMs / 1000, cpuMicros }])
  const perChild = Object.entries(cpuMicros).map(([name, micros]) => [name, micros / BATCH])
  return {
    ...whole,
    perSecond: whole.perSecond * BATCH,
    operations: BATCH,
    cpuMicros: Object.fromEntries(perChild),
  }
}

async function post(
  http: HttpCaller,
  { body, token, random }: { body: string; token: string; random: Random },
): Promise<string> {
  const { status, text } = await http.send({ method: 'POST', path: '/FHIR/R4', token, requestId: random.uuid(), body })
  if (status !== 200) throw new Error(`An upload was answered ${status}: ${text.slice(0, 500)}`)
  return text
}

function uploadTable(
  transactions: readonly [number, readonly Round[]][],
  { first, again }: Nights,
  { rounds, seed }: BenchOptions,
): Table {
  const row = (name: string, measured: readonly Round[], beside = ''): string[] => {
    const sum = summarise(measured)
    return [
      name,
      `${figure(sum.perSecond)} (${figure(sum.leastPerSecond)}–${figure(sum.mostPerSecond)})`,
      figure(sum.p50Ms),
      figure(sum.p99Ms),
      ...['server', 'mongod'].map((process) => figure(sum.cpuMicros[process] ?? Number.NaN)),
      beside,
    ]
  }
  const quicker = median(again.map((one, place) => one.perSecond / (first[place]?.perSecond ?? Number.NaN)))
  return {
    title: `Upload; medians of ${rounds} rounds, seed ${seed}; p50 and p99 of a request`,
    columns: ['what', 'children/s (range)', 'p50 ms', 'p99 ms', 'CPU µs a child: server', 'mongod', ''],
    rows: [
      ...transactions.map(([callers, measured]) => row(`transaction of 1 child, ${callers} callers`, measured)),
      row(`batch of ${BATCH} plans, new`, first),
      row('the same batch again, unchanged', again, `${figure(quicker)} times as fast`),
    ],
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
