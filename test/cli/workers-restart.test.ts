/** CPIS_WORKERS: a worker that cannot start, as the database is not there just then, ends and is replaced until one can, and holds up no stop. */
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startTcpProxy, type TcpProxy } from '../faults/harness/tcp-proxy.ts'
import { testDatabase } from '../support/database.ts'
import { waitFor } from '../support/wait-for.ts'
import { startWorkerProcesses, type WorkerProcesses } from '../support/worker-processes.ts'

const database = testDatabase()
let proxy: TcpProxy
let running: WorkerProcesses

beforeAll(async () => {
  proxy = await startTcpProxy({ targetPort: Number(new URL(database.url).port) })
  const url = `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`
  running = await startWorkerProcesses(url, database.database)
  await waitFor('both processes', () => countOf('FHIR base') === 2, 60_000)
}, 90_000)

afterAll(async () => {
  running.close()
  await proxy.close()
})

const countOf = (words: string): number => running.output().split(words).length - 1

test('a worker that does not find the database is replaced until one does', async () => {
  const [, second = 0] = running.workers()
  proxy.treat(() => ({ kind: 'refuse' }))
  process.kill(second, 'SIGKILL')
  await waitFor('a worker that did not start', () => countOf('The server did not start') > 0, 60_000)
  await waitFor('its end', () => countOf('A server process ended') > 1, 10_000)
  proxy.treat(() => ({ kind: 'pass' }))
  await waitFor('a third that does', () => countOf('FHIR base') === 3, 60_000)
  expect(running.workers()).toHaveLength(2)
}, 120_000)

test('all of them stop when they are asked to', async () => {
  const gone = once(running.primary, 'exit')
  running.primary.kill('SIGTERM')
  expect(await gone).toEqual([0, null])
}, 40_000)
