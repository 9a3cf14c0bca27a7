/** One run: opens the place, starts server, receivers, writers and checkers, breaks things one after the other, waits until all is quiet, and judges what is left. */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pino } from 'pino'
import { buildRandom, type Random } from '../../../bench/random.ts'
import { SCENARIO_NUMBERS } from '../../../bench/scenario-numbers.ts'
import { defaultCacheDir, findMongod } from '../../../src/store/mongod-binary.ts'
import { readAftermath } from './aftermath.ts'
import { type Answered, breakThings, buildAnswered } from './break-things.ts'
import { buildCaller } from './caller.ts'
import { runChecker, runProber } from './check-caller.ts'
import { checkHistory } from './check-history.ts'
import { openEmbeddedPlace } from './embedded-place.ts'
import type { FaultName } from './faults.ts'
import type { FaultsOptions } from './options.ts'
import { openRecorder } from './recorder.ts'
import { buildReport, type Report } from './report.ts'
import { prepareServer } from './server-process.ts'
import { openSet3Place } from './set3-place.ts'
import { mountSmallDisk, unmountSmallDisk } from './small-disk.ts'
import { startListening, troubleReceivers } from './told.ts'
import type { World } from './world.ts'
import { runWriter } from './writer.ts'

const AUTHORITIES = ['E10000007', 'E06000015'] as const
const WRITERS_EACH = 2
const CHILDREN_EACH = 5
const CHECKERS = 4
const STRANGERS = 40
const DATABASE = 'cpis'
const LISTENERS = [
  { authority: AUTHORITIES[0], topic: 'child-checked' },
  { authority: AUTHORITIES[1], topic: 'child-checked' },
  { authority: AUTHORITIES[0], topic: 'incident-opened' },
]

export interface Finished {
  readonly report: Report
  /** With history.ndjson and the logs; gone when nothing was broken and nobody asked to keep it. */
  readonly folder: string
  readonly isKept: boolean
}

/** Runs it whole; `say` is told what happens. */
export async function runFaults(options: FaultsOptions, say: (line: string) => void): Promise<Finished> {
  const folder = mkdtempSync(join(tmpdir(), 'cpis-faults-'))
  const disks =
    options.topology === 'set3' ? [0, 1, 2].map((at) => join(folder, `member-${at}`)) : [join(folder, 'data', 'mongo')]
  const { faults, notRun } = await prepareDisks(options, disks)
  for (const [name, why] of Object.entries(notRun)) say(`NOT RUN: ${name}: ${why}`)
  let isKept = true
  try {
    const report = await runIn(folder, { ...options, faults }, { say, notRun })
    isKept = options.keep || report.violations.length > 0
    return { report, folder, isKept }
  } finally {
    if (faults.includes('disk-full')) await Promise.all(disks.map((disk) => leaveDisk(disk, folder)))
    if (!isKept) rmSync(folder, { recursive: true, force: true })
  }
}

interface Prepared {
  readonly faults: readonly FaultName[]
  readonly notRun: Readonly<Record<string, string>>
}

/** Small disks where they are to be filled; without them that fault is not run, and said to be. */
async function prepareDisks({ faults }: FaultsOptions, disks: readonly string[]): Promise<Prepared> {
  if (!faults.includes('disk-full')) return { faults, notRun: {} }
  for (const disk of disks) {
    const fault = await mountSmallDisk(disk)
    if (fault !== undefined)
      return { faults: faults.filter((one) => one !== 'disk-full'), notRun: { 'disk-full': fault } }
  }
  return { faults, notRun: {} }
}

/** The logs of mongod stay, its data go. */
async function leaveDisk(disk: string, folder: string): Promise<void> {
  for (const name of ['mongod.log', 'mongod.log.previous']) {
    const log = join(disk, name)
    if (existsSync(log)) copyFileSync(log, join(folder, `${basename(disk)}-${name}`))
  }
  await unmountSmallDisk(disk)
}

interface Surroundings {
  readonly say: (line: string) => void
  readonly notRun: Readonly<Record<string, string>>
}

async function runIn(folder: string, options: FaultsOptions, { say, notRun }: Surroundings): Promise<Report> {
  const { seed, topology, workers } = options
  const mongod = await findMongod({ ...namedMongod(), cacheDir: defaultCacheDir(), log: pino({ level: 'error' }) })
  const open = topology === 'set3' ? openSet3Place : openEmbeddedPlace
  const place = await open({ folder, mongod: mongod.file })
  const server = await prepareServer({ folder, env: { ...place.env, CPIS_DATABASE: DATABASE }, workers })
  const recorder = openRecorder(folder)
  const caller = buildCaller(server)
  try {
    await server.start()
    const listening = await startListening(LISTENERS, { dataDir: server.dataDir, caller })
    const numbers = buildNumbers(buildRandom(seed))
    let isOver = false
    const world: World = { caller, recorder, ...numbers, isOver: () => isOver }
    const answered = buildAnswered()
    const startedAt = performance.now()
    const parts = startParts(world, seed, answered.note)
    const trouble = troubleReceivers(listening, buildRandom(seed + 1), world.isOver)
    await breakThings({
      options,
      recorder,
      say,
      answered,
      scene: { place, server, longestMs: options.longestMs, onClock: caller.forgetTokens },
    })
    isOver = true
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    await Promise.all([...parts, trouble])
    say('all is healed; waiting until everything is told, then reading what is there')
    const aftermath = await readAftermath({
      caller,
      mongodbUrl: place.readUrl(),
      database: DATABASE,
      authorities: AUTHORITIES,
      listening,
    })
    for (const { receiver } of listening) await receiver.close()
    const history = { operations: recorder.operations, faults: recorder.faults, aftermath }
    return buildReport(history, checkHistory(history), {
      seed,
      topology,
      workers,
      seconds,
      notRun,
      errorLines: countErrors(folder),
    })
  } finally {
    await recorder.close()
    await server.stop()
    await place.close()
  }
}

function namedMongod(): { mongodPath?: string } {
  const path = process.env['CPIS_MONGOD']
  return path ? { mongodPath: path } : {}
}

function buildNumbers(random: Random): Pick<World, 'children' | 'strangers'> {
  const taken = new Set(SCENARIO_NUMBERS)
  const take = (): string => {
    for (;;) {
      const number = random.nhsNumber()
      if (!taken.has(number)) {
        taken.add(number)
        return number
      }
    }
  }
  const some = (count: number): readonly string[] => Array.from({ length: count }, take)
  return { children: some(AUTHORITIES.length * WRITERS_EACH * CHILDREN_EACH), strangers: some(STRANGERS) }
}

/** Writers, each with children of its own, checkers, and one who asks all the time whether checks are answered. */
function startParts(world: World, seed: number, note: Answered['note']): readonly Promise<void>[] {
  const part = (name: string, nth: number) => ({ world, name, random: buildRandom(seed * 1000 + nth) })
  const writers = Array.from({ length: AUTHORITIES.length * WRITERS_EACH }, (_, at) =>
    runWriter({
      part: part(`w${at}`, at),
      authority: AUTHORITIES[at % AUTHORITIES.length] ?? AUTHORITIES[0],
      children: world.children.slice(at * CHILDREN_EACH, (at + 1) * CHILDREN_EACH),
    }),
  )
  const checkers = Array.from({ length: CHECKERS }, (_, at) => runChecker(part(`c${at}`, 100 + at)))
  return [...writers, ...checkers, runProber(part('p', 200), note)]
}

function countErrors(folder: string): number {
  return readFileSync(join(folder, 'server.log'), 'utf8')
    .split('\n')
    .filter((line) => /"level":(50|60)/.test(line)).length
}
