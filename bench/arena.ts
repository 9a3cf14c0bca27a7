/** Where a run takes place: a mongod, the server in a process of its own, and a folder that is removed afterwards. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
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
  readonly origin: string
  readonly mongodbUrl: string
  readonly mongodVersion: string
  readonly pids: { readonly server: number; readonly mongod: number; readonly bench: number }
  /** A token source of a sandbox identity: always fresh. */
  token(name: string): () => Promise<string>
  close(): Promise<void>
}

/** Starts all of it, with the sandbox seeded. `profileFolder`: where node writes a CPU profile of the server when it stops. */
export async function openArena(profileFolder?: string): Promise<Arena> {
  const dataDir = mkdtempSync(join(tmpdir(), 'cpis-bench-'))
  const mongodPath = process.env['CPIS_MONGOD']
  const mongod = await startEmbeddedMongod({
    dataDir: join(dataDir, 'database'),
    log: pino({ level: 'error' }),
    ...(mongodPath ? { mongodPath } : {}),
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
  }
  const flags = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]
  const server = spawn(process.execPath, [...flags, join(PROJECT, 'bin/cpis.js'), 'serve'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // A run that fails must not leave its server behind
  const killServer = (): void => void server.kill('SIGKILL')
  process.once('exit', killServer)
  const origin = await readOrigin(server)
  return {
    origin,
    mongodbUrl: mongod.url,
    mongodVersion: mongod.binary.version,
    pids: { server: server.pid ?? 0, mongod: mongod.pid, bench: process.pid },
    token: (name) => buildTokenSource(origin, name, ioOf(env)),
    async close() {
      if (server.exitCode === null) {
        server.kill('SIGTERM')
        await once(server, 'exit')
      }
      process.off('exit', killServer)
      await mongod.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
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
