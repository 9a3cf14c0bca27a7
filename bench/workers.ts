/** `npm run bench -- workers`: throughput with one and with two server processes on one port, side by side (issue 8, item 3). */
import { type Arena, openArena } from './arena.ts'
import { buildChecker, type Checker } from './checker.ts'
import { buildBatches, buildChildren } from './children.ts'
import { runClosedLoop } from './closed-loop.ts'
import { openCaller } from './http-caller.ts'
import { compare, type Round, summarise } from './latencies.ts'
import type { BenchOptions } from './options.ts'
import { buildRandom, type Random } from './random.ts'
import { describeMachine, figure, percent, publish, type Table } from './report.ts'
import { say } from './say.ts'
import { SCENARIO_NUMBERS } from './scenario-numbers.ts'
import { measureSideBySide } from './side-by-side.ts'

const FILED = 2_000

interface House {
  readonly arena: Arena
  readonly checker: Checker
}

interface Rung {
  readonly callers: number
  readonly rounds: readonly Readonly<Record<'one' | 'two', Round>>[]
}

/** Each has a database of its own, and rests while the other is asked. */
export async function benchWorkers(options: BenchOptions): Promise<void> {
  const houses: House[] = []
  try {
    for (const workers of ['1', '2']) houses.push(await openHouse(workers, buildRandom(options.seed)))
    const [one, two] = houses
    if (one === undefined || two === undefined) throw new Error('There are no servers.')
    const machine = describeMachine(one.arena.mongodVersion)
    const rungs: Rung[] = []
    for (const callers of options.callers) rungs.push(await climb({ one, two }, callers, options))
    const { command, seed } = options
    const { mongodVersion } = one.arena
    const tables = [workersTable(rungs, options)]
    publish({ name: 'workers', command, mongodVersion, tables, figures: { seed, rungs } }, machine, options.inReadme)
  } finally {
    for (const { checker } of houses) await checker.close()
    for (const { arena } of houses) await arena.close()
  }
}

async function openHouse(workers: string, random: Random): Promise<House> {
  const arena = await openArena(undefined, { env: { CPIS_WORKERS: workers } })
  const taken = new Set(SCENARIO_NUMBERS)
  const filed = buildChildren(FILED, random, taken)
  const http = openCaller(arena.origin)
  const token = await arena.token('la-E10000007')()
  for (const body of buildBatches(filed)) {
    const { status } = await http.send({ method: 'POST', path: '/FHIR/R4', token, requestId: random.uuid(), body })
    if (status !== 200) throw new Error(`Filing was answered ${status}.`)
  }
  await http.close()
  const checker = buildChecker({ arena, random, filed, taken })
  await runClosedLoop({ callers: 16, seconds: 3, pids: {} }, checker.check)
  return { arena, checker }
}

async function climb(
  { one, two }: Readonly<Record<'one' | 'two', House>>,
  callers: number,
  { rounds, seconds }: BenchOptions,
): Promise<Rung> {
  const part =
    ({ checker }: House) =>
    (slice: number) =>
      runClosedLoop({ callers, seconds: slice, pids: {} }, checker.check)
  const parts = { one: part(one), two: part(two) }
  const measured: Rung['rounds'][number][] = []
  for (let round = 0; round < rounds; round++) {
    const both = await measureSideBySide(parts, seconds)
    measured.push(both)
    say(`${callers} callers: ${figure(both.one.perSecond)}/s with one, ${figure(both.two.perSecond)}/s with two`)
  }
  return { callers, rounds: measured }
}

function workersTable(rungs: readonly Rung[], { rounds, seconds, seed }: BenchOptions): Table {
  return {
    title: `One and two server processes beside the database and the callers on one machine; medians of ${rounds} rounds of ${seconds} s, seed ${seed}`,
    columns: ['callers', 'one: checks/s', 'p50 ms', 'p99 ms', 'two: checks/s', 'p50 ms', 'p99 ms', 'two / one (range)'],
    rows: rungs.map(({ callers, rounds: measured }) => {
      const [one, two] = [measured.map((both) => both.one), measured.map((both) => both.two)]
      const cells = [summarise(one), summarise(two)].flatMap((sum) => [sum.perSecond, sum.p50Ms, sum.p99Ms].map(figure))
      const [middle, least, most] = compare(two, one)
      return [String(callers), ...cells, `${percent(middle)} (${percent(least)}–${percent(most)})`]
    }),
  }
}
