/** CPIS_WORKERS: a worker that cannot start, as the database is not there just then, ends and is replaced until one can, and holds up no stop. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { freePort } from '../../src/store/mongod-process.ts'
import { startTcpProxy, type TcpProxy } from '../faults/harness/tcp-proxy.ts'
import { testDatabase } from '../support/database.ts'
import { waitFor } from '../support/wait-for.ts'

const database = testDatabase()
const dataDir = mkdtempSync(join(tmpdir(), 'cpis-workers-'))
let proxy: TcpProxy
let primary: ChildProcess
let output = ''

beforeAll(async () => {
  proxy = await startTcpProxy({ targetPort: Number(new URL(database.url).port) })
  const launcher = new URL('../../bin/cpis.js', import.meta.url).pathname
  primary = spawn(process.execPath, [launcher, 'serve'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      CPIS_WORKERS: '2',
      PORT: String(await freePort(0)),
      METRICS_PORT: '0',
      MONGODB_URL: `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`,
      CPIS_DATABASE: database.database,
      CPIS_DATA_DIR: dataDir,
      LOG_LEVEL: 'silent',
    },
  })
  const keep = (chunk: Buffer): void => {
    output += chunk.toString()
  }
  primary.stdout?.on('data', keep)
  primary.stderr?.on('data', keep)
  await waitFor('both processes', () => countOf('FHIR base') === 2, 60_000)
}, 90_000)

afterAll(async () => {
  if (primary.exitCode === null) primary.kill('SIGKILL')
  await proxy.close()
  rmSync(dataDir, { recursive: true, force: true })
})

const countOf = (words: string): number => output.split(words).length - 1

const workers = (): readonly number[] =>
  readFileSync(`/proc/${primary.pid}/task/${primary.pid}/children`, 'utf8').trim().split(' ').map(Number)

test('a worker that does not find the database is replaced until one does', async () => {
  const [, second = 0] = workers()
  proxy.treat(() => ({ kind: 'refuse' }))
  process.kill(second, 'SIGKILL')
  await waitFor('a worker that did not start', () => countOf('The server did not start') > 0, 60_000)
  await waitFor('its end', () => countOf('A server process ended') > 1, 10_000)
  proxy.treat(() => ({ kind: 'pass' }))
  await waitFor('a third that does', () => countOf('FHIR base') === 3, 60_000)
  expect(workers()).toHaveLength(2)
}, 120_000)

test('all of them stop when they are asked to', async () => {
  const gone = once(primary, 'exit')
  primary.kill('SIGTERM')
  expect(await gone).toEqual([0, null])
}, 40_000)
