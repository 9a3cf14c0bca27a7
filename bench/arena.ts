/** Where a run takes place: a mongod, the server in a process of its own, and a folder that is removed afterwards. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { buildTokenSource } from '../src/cli/bearer.ts'
import type { Io } from '../src/cli/io.ts'
import { startEmbeddedMongod } from '../src/store/embedded-mongod.ts'

const PROJECT = fileURLToPath(new URL('../', import.meta.url))
/** Name of the server's database. */
export const DATABASE = 'cpis'

export interface Arena {
  /** The same for as long as the arena is open. */
  readonly origin: string
  readonly mongodbUrl: string
  readonly mongodVersion: string
  /** Data folder of the server: its keys are there. */
  readonly dataDir: string
  readonly pids: { readonly server: number; readonly mongod: number; readonly bench: number }
  /** A token source of a sandbox identity: always fresh. */
  token(name: string): () => Promise<string>
  /** Ends the server and resolves when it is gone; the database goes on. */
  stopServer(): Promise<void>
  /** Starts it again on its port; resolves when it has said where it listens. */
  startServer(): Promise<void>
  close(): Promise<void>
}

export interface ArenaOptions {
  /** Where node writes a CPU profile of the server when it stops. */
  readonly profileFolder?: string | undefined
  /** Variables of the server besides, or in place of, those of every run. */
  readonly env?: Readonly<Record<string, string>>
  /** The database's cache; what an embedded one has when absent. */
  readonly cacheSizeMb?: number | undefined
  /** A folder that is kept afterwards, and taken up as it stands; else a temporary one. */
  readonly keepFolder?: string | undefined
}

/** Starts all of it, with the sandbox seeded. */
export async function openArena(profileFolder?: string, options: ArenaOptions = {}): Promise<Arena> {
  const dataDir = options.keepFolder ?? mkdtempSync(join(tmpdir(), 'cpis-bench-'))
  const mongodPath = process.env['CPIS_MONGOD']
  const mongod = await startEmbeddedMongod({
    dataDir: join(dataDir, 'database'),
    log: pino({ level: 'error' }),
    ...(mongodPath ? { mongodPath } : {}),
    ...(options.cacheSizeMb === undefined ? {} : { cacheSizeMb: options.cacheSizeMb }),
  })
  const env = {
    PATH: process.env['PATH'],
    CPIS_DATA_DIR: dataDir,
    CPIS_DATABASE: DATABASE,
    CPIS_LIMITS: 'off',
    LOG_LEVEL: 'warn',
    MONGODB_URL: mongod.url,
    METRICS_PORT: '0',
    PORT: '0',
    ...(process.env['NODE_OPTIONS'] ? { NODE_OPTIONS: process.env['NODE_OPTIONS'] } : {}),
    ...options.env,
  }
  const folder = profileFolder ?? options.profileFolder
  const flags = folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`]
  let running = await startServer(env, flags)
  const fixed = { ...env, PORT: new URL(running.origin).port }
  // A run that fails must not leave its server behind
  const killServer = (): void => void running.process.kill('SIGKILL')
  process.once('exit', killServer)
  const stopServer = async (): Promise<void> => {
    if (running.process.exitCode !== null) return
    running.process.kill('SIGTERM')
    await once(running.process, 'exit')
  }
  return {
    origin: running.origin,
    mongodbUrl: mongod.url,
    mongodVersion: mongod.binary.version,
    dataDir,
    get pids() {
      return { server: running.process.pid ?? 0, mongod: mongod.pid, bench: process.pid }
    },
    token: (name) => buildTokenSource(running.origin, name, ioOf(env)),
    stopServer,
    async startServer() {
      running = await startServer(fixed, flags)
    },
    async close() {
      await stopServer()
      process.off('exit', killServer)
      await mongod.close()
      if (options.keepFolder === undefined) rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

interface RunningServer {
  readonly process: ChildProcess
  readonly origin: string
}

async function startServer(env: Io['env'], flags: readonly string[]): Promise<RunningServer> {
  const server = spawn(process.execPath, [...flags, ...startArguments()], {
    cwd: PROJECT,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return { process: server, origin: await readOrigin(server) }
}

/** What `npm start` hands to node: measured is what people run. */
function startArguments(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'))
  return String(scripts.start).split(' ').slice(1)
}

/** The server says in its banner where it listens. */
async function readOrigin(server: ChildProcess): Promise<string> {
  if (server.stdout === null) throw new Error('The server has no standard output.')
  for await (const line of createInterface(server.stdout)) {
    const origin = /FHIR base\s+(\S+)\/FHIR\/R4/.exec(line)?.[1]
    if (origin !== undefined) {
      server.stdout.resume()
      return origin
    }
  }
  throw new Error('The server did not start.')
}

function ioOf(env: Io['env']): Io {
  return { env, out: () => undefined, err: () => undefined, isTerminal: false, stopped: new AbortController().signal }
}
