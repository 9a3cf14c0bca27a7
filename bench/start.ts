/** `npm run bench -- start`: from the start of the process to the first answered check on kept data, with the database running and with the server's own (measures.md, row start: under 3 s). */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Arena, DATABASE, openArena } from './arena.ts'
import { buildChecker } from './checker.ts'
import { median } from './latencies.ts'
import type { BenchOptions } from './options.ts'
import { buildRandom, type Random } from './random.ts'
import { describeMachine, figure, publish, type Table } from './report.ts'
import { say } from './say.ts'
import { SCENARIO_NUMBERS } from './scenario-numbers.ts'
import { openSeeder, type Seeder } from './seed-country.ts'

const KEPT = { children: 20_000, audits: 200_000 }
const CPIS = fileURLToPath(new URL('../bin/cpis.js', import.meta.url))
const POLL_MS = 5
const PATIENCE_MS = 60_000
const ROUNDS = 5

export async function benchStart(options: BenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'cpis-bench-start-'))
  try {
    const arena = await openArena(options.profileFolder, { keepFolder: folder })
    const machine = describeMachine(arena.mongodVersion)
    const random = buildRandom(options.seed)
    let outside: readonly number[] = []
    let ground: Ground | undefined
    try {
      const seeder = await openSeeder(arena, { random, taken: new Set(SCENARIO_NUMBERS) })
      await seeder.growTo(KEPT)
      await seeder.close()
      ground = await prepare(arena, seeder, random)
      outside = await times('database running', ground, { MONGODB_URL: arena.mongodbUrl, CPIS_DATA_DIR: folder }, () =>
        arena.stopServer(),
      )
    } finally {
      await arena.close()
    }
    // The arena's database becomes the server's own: the same data, the same keys
    const own = join(folder, 'database')
    for (const name of ['keys.json', 'identities.json']) copyFileSync(join(folder, name), join(own, name))
    const inside = await times('with its own database', ground, { CPIS_DATA_DIR: own })
    const figures = { kept: KEPT, outside, inside }
    const { command } = options
    const { mongodVersion } = arena
    publish(
      { name: 'start', command, mongodVersion, tables: [startTable(outside, inside)], figures },
      machine,
      options.inReadme,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Ground {
  readonly port: string
  /** One check, with a token of before: keys and identities are kept. */
  readonly check: () => Promise<void>
}

async function prepare(arena: Arena, seeder: Seeder, random: Random): Promise<Ground> {
  const tokens = new Map<string, string>()
  const token = (name: string) => async (): Promise<string> => tokens.get(name) ?? ''
  for (const name of ['ed-nurse']) tokens.set(name, await arena.token(name)())
  const here = { ...arena, pids: arena.pids, token }
  const check = async (): Promise<void> => {
    const checker = buildChecker({
      arena: here,
      random,
      filed: seeder.filed,
      taken: seeder.taken,
      hits: 0.5,
      askers: ['ed-nurse'],
    })
    try {
      await checker.check(0)
    } finally {
      await checker.close()
    }
  }
  // Tokens are for an address: the server comes back on its port
  return { port: new URL(arena.origin).port, check }
}

async function times(
  what: string,
  { port, check }: Ground,
  env: Readonly<Record<string, string>>,
  before: () => Promise<void> = async () => undefined,
): Promise<readonly number[]> {
  await before()
  const taken: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const begun = performance.now()
    const server = spawn(process.execPath, [CPIS, 'serve'], {
      env: { ...ENVIRONMENT, ...env, PORT: port },
      stdio: 'ignore',
    })
    const killServer = (): void => void server.kill('SIGKILL')
    process.once('exit', killServer)
    await untilChecked(server, check)
    taken.push(performance.now() - begun)
    say(`${what}: ${figure(taken.at(-1) ?? 0)} ms`)
    server.kill('SIGTERM')
    await once(server, 'exit')
    process.off('exit', killServer)
  }
  return taken
}

const ENVIRONMENT = {
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  CPIS_DATABASE: DATABASE,
  CPIS_LIMITS: 'off',
  LOG_LEVEL: 'warn',
  METRICS_PORT: '0',
  ...(process.env['CPIS_MONGOD'] === undefined ? {} : { CPIS_MONGOD: process.env['CPIS_MONGOD'] }),
}

async function untilChecked(server: ChildProcess, check: () => Promise<void>): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS
  for (;;) {
    const refusal = await check().then(
      () => undefined,
      (error: unknown) => error,
    )
    if (refusal === undefined) return
    if (server.exitCode !== null) throw new Error('The server ended before it answered.')
    if (performance.now() > giveUpAt) throw refusal
    await sleep(POLL_MS)
  }
}

function startTable(outside: readonly number[], inside: readonly number[]): Table {
  const row = (name: string, taken: readonly number[]): string[] => [
    name,
    ...[median(taken), Math.min(...taken), Math.max(...taken)].map(figure),
  ]
  return {
    title: `To the first answered check, with ${KEPT.children.toLocaleString('en-GB')} children and ${KEPT.audits.toLocaleString('en-GB')} checks kept; ${ROUNDS} starts`,
    columns: ['', 'median ms', 'least', 'most'],
    rows: [row('the database runs already', outside), row('the server starts its own', inside)],
  }
}
