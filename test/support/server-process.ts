/** The server in a process of its own, with a database of its own: for tests of its event loop, its memory and its end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../src/store/mongod-process.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { getToken } from './tokens.ts'
import { waitFor } from './wait-for.ts'

export interface ServerProcess {
  readonly url: string
  readonly port: number
  readonly dataDir: string
  readonly database: TestDatabase
  readonly pid: number
  /** A token of a sandbox identity, got the true way. */
  token(name: string): Promise<string>
  close(): Promise<void>
}

/** `cpis serve` as a child; resolves when it is ready. `shared`: the data folder and database of another. */
export async function startServerProcess(
  env: Readonly<Record<string, string>> = {},
  shared?: Pick<ServerProcess, 'dataDir' | 'database'>,
): Promise<ServerProcess> {
  const database = shared?.database ?? testDatabase()
  const dataDir = shared?.dataDir ?? mkdtempSync(join(tmpdir(), 'cpis-process-'))
  const port = await freePort(0)
  const url = `http://127.0.0.1:${port}`
  const launcher = new URL('../../bin/cpis.js', import.meta.url).pathname
  const child: ChildProcess = spawn(process.execPath, [launcher, 'serve'], {
    stdio: 'ignore',
    env: {
      PATH: process.env['PATH'] ?? '',
      PORT: String(port),
      METRICS_PORT: '0',
      MONGODB_URL: database.url,
      CPIS_DATABASE: database.database,
      CPIS_DATA_DIR: dataDir,
      LOG_LEVEL: 'silent',
      ...env,
    },
  })
  await waitFor('the server', async () => (await fetch(`${url}/health/ready`).catch(() => undefined))?.ok, 60_000)
  return {
    url,
    port,
    dataDir,
    database,
    pid: child.pid ?? 0,
    token: (name) => getToken({ url, dataDir }, name),
    async close() {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      if (child.exitCode === null) await gone
      if (shared !== undefined) return
      await database.drop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
