/** `cpis serve` with CPIS_WORKERS=2 on a database of the run, and what it prints: for tests of its processes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../src/store/mongod-process.ts'

export interface WorkerProcesses {
  readonly primary: ChildProcess
  readonly port: number
  readonly dataDir: string
  /** All that was printed until now. */
  output(): string
  /** Ids of the processes that serve. */
  workers(): readonly number[]
  /** Kills what still runs, and removes the data folder. */
  close(): void
}

/** Resolves when the first process is spawned, which is before any of them serves. */
export async function startWorkerProcesses(mongodbUrl: string, database: string): Promise<WorkerProcesses> {
  const dataDir = mkdtempSync(join(tmpdir(), 'cpis-workers-'))
  const port = await freePort(0)
  const launcher = new URL('../../bin/cpis.js', import.meta.url).pathname
  const primary = spawn(process.execPath, [launcher, 'serve'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      CPIS_WORKERS: '2',
      PORT: String(port),
      METRICS_PORT: '0',
      MONGODB_URL: mongodbUrl,
      CPIS_DATABASE: database,
      CPIS_DATA_DIR: dataDir,
      LOG_LEVEL: 'silent',
    },
  })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output += chunk.toString()
  }
  primary.stdout.on('data', keep)
  primary.stderr.on('data', keep)
  return {
    primary,
    port,
    dataDir,
    output: () => output,
    workers: () =>
      readFileSync(`/proc/${primary.pid}/task/${primary.pid}/children`, 'utf8')
        .split(' ')
        .filter((one) => one.trim() !== '')
        .map(Number),
    close() {
      if (primary.exitCode === null) primary.kill('SIGKILL')
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
