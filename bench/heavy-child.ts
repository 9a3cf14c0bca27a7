/** `npm run bench -- heavy-child`: a check of a child with a history of 100,000 accesses beside one with 10 (measures.md, row heavy child). */
import { type Arena, openArena } from './arena.ts'
import { buildChecker } from './checker.ts'
import type { Child } from './children.ts'
import { runClosedLoop } from './closed-loop.ts'
import { median, type Round, summarise } from './latencies.ts'
import type { BenchOptions } from './options.ts'
import { type ProfiledOperation, profileOperations } from './profiled-operations.ts'
import { buildRandom, type Random } from './random.ts'
import { describeMachine, figure, publish, type Table } from './report.ts'
import { say } from './say.ts'
import { SCENARIO_NUMBERS } from './scenario-numbers.ts'
import { openSeeder, type Seeder } from './seed-country.ts'
import { measureSideBySide } from './side-by-side.ts'

const HISTORIES = { light: 10, heavy: 100_000 } as const
const OTHERS = 1_000
const CALLERS = [1, 4]

type Kind = keyof typeof HISTORIES

interface Rung {
  readonly callers: number
  readonly rounds: readonly Readonly<Record<Kind, Round>>[]
}

export async function benchHeavyChild(options: BenchOptions): Promise<void> {
  const arena = await openArena(options.profileFolder)
  try {
    const machine = describeMachine(arena.mongodVersion)
    const random = buildRandom(options.seed)
    const seeder = await openSeeder(arena, { random, taken: new Set(SCENARIO_NUMBERS) })
    await seeder.growTo({ children: OTHERS, audits: OTHERS })
    const children = await giveHistories(seeder)
    const rungs: Rung[] = []
    for (const callers of CALLERS) rungs.push(await climb({ arena, children, random }, callers, options))
    const examined = await lookAt({ arena, children, random }, seeder)
    await seeder.close()
    const tables = [timesTable(rungs, options), examinedTable(examined)]
    const figures = { seed: options.seed, histories: HISTORIES, rungs, examined }
    const { command } = options
    publish(
      { name: 'heavy-child', command, mongodVersion: arena.mongodVersion, tables, figures },
      machine,
      options.inReadme,
    )
  } finally {
    await arena.close()
  }
}

type Children = Readonly<Record<Kind, Child>>

/** Two children that nobody else has asked for. */
async function giveHistories(seeder: Seeder): Promise<Children> {
  const [light, heavy] = seeder.filed.slice(-2)
  if (light === undefined || heavy === undefined) throw new Error('There are no children.')
  await seeder.giveHistory(light, HISTORIES.light)
  await seeder.giveHistory(heavy, HISTORIES.heavy)
  say(`histories of ${HISTORIES.light} and ${HISTORIES.heavy} accesses are there`)
  return { light, heavy }
}

interface Ground {
  readonly arena: Arena
  readonly children: Children
  readonly random: Random
}

const checkerOf = ({ arena, children, random }: Ground, kind: Kind) =>
  buildChecker({ arena, random, filed: [children[kind]], taken: new Set(), hits: 1 })

async function climb(ground: Ground, callers: number, { rounds, seconds }: BenchOptions): Promise<Rung> {
  const [light, heavy] = [checkerOf(ground, 'light'), checkerOf(ground, 'heavy')]
  const { pids } = ground.arena
  const parts = {
    light: (slice: number) => runClosedLoop({ callers, seconds: slice, pids }, light.check),
    heavy: (slice: number) => runClosedLoop({ callers, seconds: slice, pids }, heavy.check),
  }
  await measureSideBySide(parts, 1)
  const measured: Rung['rounds'][number][] = []
  for (let round = 0; round < rounds; round++) measured.push(await measureSideBySide(parts, seconds))
  await Promise.all([light.close(), heavy.close()])
  return { callers, rounds: measured }
}

type Examined = Readonly<Record<Kind, readonly ProfiledOperation[]>>

/** What one check of each has the database do. */
async function lookAt(ground: Ground, { scope }: Seeder): Promise<Examined> {
  const look = async (kind: Kind): Promise<readonly ProfiledOperation[]> => {
    const checker = checkerOf(ground, kind)
    const done = await profileOperations(scope.db, () => checker.check(0))
    await checker.close()
    return ofTransaction(done)
  }
  return { light: await look('light'), heavy: await look('heavy') }
}

/** Those of the transaction that read the history: the dispatcher has transactions of its own meanwhile. */
function ofTransaction(done: readonly ProfiledOperation[]): readonly ProfiledOperation[] {
  const its = ({ command }: ProfiledOperation): string => `${command['lsid']?.id} ${command['txnNumber']}`
  const reading = done.find(({ collection, op }) => collection === 'accesses' && op === 'query')
  return reading === undefined ? [] : done.filter((one) => its(one) === its(reading))
}

function timesTable(rungs: readonly Rung[], { rounds, seconds, seed }: BenchOptions): Table {
  const ratio = (rung: Rung, what: 'p50Ms' | 'p99Ms'): string =>
    median(rung.rounds.map((one) => one.heavy[what] / one.light[what])).toFixed(2)
  return {
    title: `A check of a child with ${HISTORIES.heavy.toLocaleString('en-GB')} accesses beside one with ${HISTORIES.light}; medians of ${rounds} rounds of ${seconds} s, seed ${seed}`,
    columns: [
      'callers, all asking for one child',
      'light p50 ms',
      'light p99 ms',
      'heavy p50 ms',
      'heavy p99 ms',
      'heavy / light p50',
      'p99',
    ],
    rows: rungs.map((rung) => {
      const [light, heavy] = [
        summarise(rung.rounds.map((one) => one.light)),
        summarise(rung.rounds.map((one) => one.heavy)),
      ]
      const times = [light.p50Ms, light.p99Ms, heavy.p50Ms, heavy.p99Ms].map(figure)
      return [String(rung.callers), ...times, ratio(rung, 'p50Ms'), ratio(rung, 'p99Ms')]
    }),
  }
}

function examinedTable(examined: Examined): Table {
  const sum = (kind: Kind, field: 'documentsExamined' | 'keysExamined'): string =>
    figure(examined[kind].reduce((all, one) => all + one[field], 0))
  const scans = (kind: Kind): string => String(examined[kind].filter(({ plan }) => plan.includes('COLLSCAN')).length)
  return {
    title: 'What one such check has the database do',
    columns: ['history', 'operations', 'documents examined', 'index keys examined', 'scans of a collection'],
    rows: (Object.keys(HISTORIES) as Kind[]).map((kind) => [
      HISTORIES[kind].toLocaleString('en-GB'),
      String(examined[kind].length),
      sum(kind, 'documentsExamined'),
      sum(kind, 'keysExamined'),
      scans(kind),
    ]),
  }
}
