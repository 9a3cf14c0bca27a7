/** `npm run bench -- ladder`: the check while the register grows (measures.md, row check latency: flat from 1,000 to 1,000,000 children and 0.1 to 10 million audit events). */
import { type Arena, openArena } from './arena.ts'
import { buildChecker, type Checker } from './checker.ts'
import { runClosedLoop } from './closed-loop.ts'
import { type Floor, openFloor } from './floor.ts'
import { median, type Round, summarise } from './latencies.ts'
import type { BenchOptions } from './options.ts'
import { buildRandom } from './random.ts'
import { describeMachine, figure, publish, type Table } from './report.ts'
import { say } from './say.ts'
import { SCENARIO_NUMBERS } from './scenario-numbers.ts'
import { type CollectionSize, type Grown, openSeeder, type Seeder, type Size } from './seed-country.ts'
import { measureSideBySide } from './side-by-side.ts'

/** Enough for a percentile, and far from what the machine can do: latency is asked, not throughput. */
const CALLERS = 4
const WARM_UP_SECONDS = 3

type Part = 'check' | 'miss' | 'hit' | 'floor'

interface Rung {
  readonly size: Size
  readonly grown: Grown
  readonly rounds: readonly Readonly<Record<Part, Round>>[]
}

export async function benchLadder(options: BenchOptions): Promise<void> {
  const { cacheMb, profileFolder } = options
  const arena = await openArena(undefined, { cacheSizeMb: cacheMb, profileFolder })
  try {
    const machine = describeMachine(arena.mongodVersion)
    const random = buildRandom(options.seed)
    const seeder = await openSeeder(arena, { random, taken: new Set(SCENARIO_NUMBERS), cacheSizeMb: cacheMb })
    const floor = await openFloor(arena.mongodbUrl, random)
    const rungs: Rung[] = []
    for (const size of options.sizes) rungs.push(await climb({ arena, seeder, floor }, size, options))
    const sizes = await seeder.measure()
    await floor.close()
    await seeder.close()
    const tables = [ladderTable(rungs, options), sizeTable(sizes)]
    const figures = { seed: options.seed, cacheMb, rungs, sizes }
    const { command } = options
    publish({ name: 'ladder', command, mongodVersion: arena.mongodVersion, tables, figures }, machine, options.inReadme)
  } finally {
    await arena.close()
  }
}

interface Ground {
  readonly arena: Arena
  readonly seeder: Seeder
  readonly floor: Floor
}

async function climb({ arena, seeder, floor }: Ground, size: Size, options: BenchOptions): Promise<Rung> {
  await arena.stopServer()
  const grown = await seeder.growTo(size)
  await arena.startServer()
  say(
    `${figure(size.children)} children in ${figure(grown.childrenSeconds)} s, ${figure(size.audits)} checks in ${figure(grown.auditsSeconds)} s`,
  )
  const random = buildRandom(options.seed + size.children)
  const facts = { arena, random, filed: [...seeder.filed], taken: seeder.taken }
  const checkers = {
    check: buildChecker(facts),
    miss: buildChecker({ ...facts, hits: 0 }),
    hit: buildChecker({ ...facts, hits: 1 }),
  }
  const loop = (operation: Checker['check']) => (seconds: number) =>
    runClosedLoop({ callers: CALLERS, seconds, pids: arena.pids }, operation)
  const { check, miss, hit } = checkers
  const parts = {
    check: loop(check.check),
    miss: loop(miss.check),
    hit: loop(hit.check),
    floor: loop(floor.transaction),
  }
  await measureSideBySide(parts, WARM_UP_SECONDS)
  const rounds: Rung['rounds'][number][] = []
  for (let round = 0; round < options.rounds; round++) rounds.push(await measureSideBySide(parts, options.seconds))
  await Promise.all(Object.values(checkers).map((one) => one.close()))
  const rung = { size, grown, rounds }
  say(
    `check p99 ${figure(p99(rung, 'check'))} ms, miss p99 ${figure(p99(rung, 'miss'))} ms, hit p99 ${figure(p99(rung, 'hit'))} ms, floor p99 ${figure(p99(rung, 'floor'))} ms`,
  )
  return rung
}

function ladderTable(rungs: readonly Rung[], { rounds, seconds, seed, cacheMb }: BenchOptions): Table {
  const [first] = rungs
  return {
    title: `A check while the register grows: ${CALLERS} callers, database cache ${cacheMb} MB; medians of ${rounds} rounds of ${seconds} s, seed ${seed}; in brackets p99 against the first row`,
    columns: [
      'children',
      'checks in the audit',
      'check, 2 % hits: p50 ms',
      'check p99 ms',
      'miss p50 ms',
      'miss p99 ms',
      'hit p50 ms',
      'hit p99 ms',
      '(a) p50 ms',
      '(a) p99 ms',
      'seeded in s',
    ],
    rows: rungs.map((rung) => [
      rung.size.children.toLocaleString('en-GB'),
      rung.size.audits.toLocaleString('en-GB'),
      ...(['check', 'miss', 'hit', 'floor'] as const).flatMap((part) => [
        figure(summariseOf(rung, part).p50Ms),
        `${figure(p99(rung, part))}${first === undefined ? '' : ` (${(p99(rung, part) / p99(first, part)).toFixed(2)})`}`,
      ]),
      figure(rung.grown.childrenSeconds + rung.grown.auditsSeconds),
    ]),
  }
}

const summariseOf = (rung: Rung, part: Part): Round => summarise(rung.rounds.map((one) => one[part]))
const p99 = (rung: Rung, part: Part): number => median(rung.rounds.map((one) => one[part].p99Ms))

function sizeTable(sizes: readonly CollectionSize[]): Table {
  return {
    title: 'Bytes a document, at the last row',
    columns: ['collection', 'documents', 'as sent', 'on disk', 'its indexes'],
    rows: sizes.map(({ name, count, bytes, storedBytes, indexBytes }) => [
      name,
      count.toLocaleString('en-GB'),
      ...[bytes, storedBytes, indexBytes].map(figure),
    ]),
  }
}
