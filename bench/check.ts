/** `npm run bench -- check`: throughput and latency of the check beside the floor of the same run (measures.md, rows check throughput and check latency). */
import { type Arena, openArena } from './arena.ts'
import { buildChecker, type Checker } from './checker.ts'
import { buildBatches, buildChildren, type Child } from './children.ts'
import { runClosedLoop } from './closed-loop.ts'
import { type Floor, openFloor } from './floor.ts'
import { openCaller } from './http-caller.ts'
import { buildRound, compare, type Round, summarise } from './latencies.ts'
import { runOpenLoop } from './open-loop.ts'
import type { BenchOptions } from './options.ts'
import { buildRandom, type Random } from './random.ts'
import { describeMachine, figure, percent, publish, type Table } from './report.ts'
import { say } from './say.ts'
import { SCENARIO_NUMBERS } from './scenario-numbers.ts'
import { measureSideBySide } from './side-by-side.ts'

const COUNCIL = 'la-E10000007'
const FILED = 2_000
const OPEN_PER_SECOND = 100

/** One rung of the ladder: rounds of the server and of both floors, side by side. */
interface Rung {
  readonly callers: number
  readonly check: readonly Round[]
  readonly transaction: readonly Round[]
  readonly find: readonly Round[]
}

export async function benchCheck(options: BenchOptions): Promise<void> {
  const arena = await openArena(options.profileFolder)
  try {
    const machine = describeMachine(arena.mongodVersion)
    const random = buildRandom(options.seed)
    const taken = new Set(SCENARIO_NUMBERS)
    const filed = buildChildren(FILED, random, taken)
    await fileChildren(arena, filed, random)
    const checker = buildChecker({ arena, random, filed, taken })
    const floor = await warmUp(arena, { checker, random, seconds: options.warmSeconds })
    const rungs: Rung[] = []
    for (const callers of options.callers) rungs.push(await climb({ arena, checker, floor }, callers, options))
    await floor.close()
    const open = await openRound(arena, { checker, random }, options)
    await checker.close()
    const tables = [closedTable(rungs, options), cpuTable(rungs), openTable(open)]
    const { command } = options
    const figures = { seed: options.seed, rungs, open }
    publish({ name: 'check', command, mongodVersion: arena.mongodVersion, tables, figures }, machine, options.inReadme)
  } finally {
    await arena.close()
  }
}

async function fileChildren(arena: Arena, children: readonly Child[], random: Random): Promise<void> {
  const http = openCaller(arena.origin)
  const token = arena.token(COUNCIL)
  for (const body of buildBatches(children)) {
    const request = { method: 'POST', path: '/FHIR/R4', token: await token(), requestId: random.uuid(), body } as const
    const { status, text } = await http.send(request)
    const filed = text.match(/"status":"201/g)?.length ?? 0
    if (status !== 200 || filed === 0) throw new Error(`Filing was answered ${status}: ${text.slice(0, 500)}`)
    say(`filed ${filed} children`)
  }
  await http.close()
}

/** What is measured after a few thousand checks is the compiler of JavaScript, on a slow machine for a minute. The floor copies a record of the checks made here. */
async function warmUp(
  { pids, mongodbUrl }: Arena,
  { checker, random, seconds }: { checker: Checker; random: Random; seconds: number },
): Promise<Floor> {
  const { times } = await runClosedLoop({ callers: 16, seconds, pids }, checker.check)
  const floor = await openFloor(mongodbUrl, random)
  const bare = await runClosedLoop({ callers: 16, seconds: seconds / 2, pids }, floor.transaction)
  say(`warmed up with ${times.length} checks and ${bare.times.length} bare transactions`)
  return floor
}

async function climb(
  { arena, checker, floor }: { arena: Arena; checker: Checker; floor: Floor },
  callers: number,
  { rounds, seconds }: BenchOptions,
): Promise<Rung> {
  const { server, mongod, bench } = arena.pids
  const parts = {
    check: (slice: number) =>
      runClosedLoop({ callers, seconds: slice, pids: { server, mongod, bench } }, checker.check),
    transaction: (slice: number) =>
      runClosedLoop({ callers, seconds: slice, pids: { mongod, bench } }, floor.transaction),
    find: (slice: number) => runClosedLoop({ callers, seconds: slice, pids: { mongod, bench } }, floor.find),
  }
  const measured: Readonly<Record<keyof typeof parts, Round>>[] = []
  for (let round = 0; round < rounds; round++) {
    const one = await measureSideBySide(parts, seconds)
    measured.push(one)
    const [check, bound] = [one.check.perSecond, one.transaction.perSecond]
    say(`${callers} callers: ${figure(check)} checks/s, floor ${figure(bound)}/s, ${percent(check / bound)}`)
  }
  return {
    callers,
    check: measured.map((one) => one.check),
    transaction: measured.map((one) => one.transaction),
    find: measured.map((one) => one.find),
  }
}

async function openRound(
  { pids }: Arena,
  { checker, random }: { checker: Checker; random: Random },
  { openSeconds }: BenchOptions,
): Promise<Round | undefined> {
  if (openSeconds === 0) return undefined
  say(`open loop: ${OPEN_PER_SECOND}/s for ${openSeconds} s`)
  const loop = { perSecond: OPEN_PER_SECOND, seconds: openSeconds, random, pids }
  return buildRound([await runOpenLoop(loop, checker.checkAnyhow)])
}

function closedTable(rungs: readonly Rung[], { rounds, seconds, seed }: BenchOptions): Table {
  return {
    title: `Closed loop, 98 % nothing known and 2 % hits; medians of ${rounds} rounds of ${seconds} s, seed ${seed}`,
    columns: [
      'callers',
      'checks/s (range)',
      'p50 ms',
      'p99 ms',
      '(a) transaction/s (range)',
      '(a) p50 ms',
      '(b) find/s',
      'check / (a) (range)',
      'check / (b)',
    ],
    rows: rungs.map(({ callers, check, transaction, find }) => {
      const [ours, bare, reading] = [summarise(check), summarise(transaction), summarise(find)]
      const [middle, least, most] = compare(check, transaction)
      return [
        String(callers),
        `${figure(ours.perSecond)} (${figure(ours.leastPerSecond)}–${figure(ours.mostPerSecond)})`,
        figure(ours.p50Ms),
        figure(ours.p99Ms),
        `${figure(bare.perSecond)} (${figure(bare.leastPerSecond)}–${figure(bare.mostPerSecond)})`,
        figure(bare.p50Ms),
        figure(reading.perSecond),
        `${percent(middle)} (${percent(least)}–${percent(most)})`,
        percent(compare(check, find)[0]),
      ]
    }),
  }
}

function cpuTable(rungs: readonly Rung[]): Table {
  const cost = (round: Round, name: string): string => figure(round.cpuMicros[name] ?? Number.NaN)
  return {
    title: 'CPU microseconds an operation',
    columns: ['callers', 'check: server', 'check: mongod', 'check: the callers', '(a): driver', '(a): mongod'],
    rows: rungs.map(({ callers, check, transaction }) => {
      const [ours, bare] = [summarise(check), summarise(transaction)]
      const costs = [cost(ours, 'server'), cost(ours, 'mongod'), cost(ours, 'bench')]
      return [String(callers), ...costs, cost(bare, 'bench'), cost(bare, 'mongod')]
    }),
  }
}

function openTable(round: Round | undefined): Table {
  return {
    title: `Open loop, ${OPEN_PER_SECOND} checks a second on average, timed from when each was due`,
    columns: ['checks', 'p50 ms', 'p99 ms', 'longest ms'],
    rows:
      round === undefined
        ? []
        : [[String(round.operations), figure(round.p50Ms), figure(round.p99Ms), figure(round.mostMs)]],
  }
}
