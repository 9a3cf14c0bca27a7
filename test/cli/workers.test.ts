/** CPIS_WORKERS: processes that share one port and one database; one that dies is replaced, and all stop together. */
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { testDatabase } from '../support/database.ts'
import { getToken } from '../support/tokens.ts'
import { waitFor } from '../support/wait-for.ts'
import { startWorkerProcesses, type WorkerProcesses } from '../support/worker-processes.ts'

const database = testDatabase()
let running: WorkerProcesses

beforeAll(async () => {
  running = await startWorkerProcesses(database.url, database.database)
  await waitFor('both processes', () => running.output().includes('2 processes on port'), 60_000)
}, 90_000)

// the database goes with the mongod of the run: what a killed process left open would hold up its removal
afterAll(() => running.close())

async function check(token: string): Promise<number> {
  const body = {
    resourceType: 'Parameters',
    parameter: [
      { name: 'nhsNumber', valueIdentifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9995973952' } },
      {
        name: 'setting',
        valueCoding: { system: 'https://cpis.example/fhir/CodeSystem/cpis-care-setting', code: 'emergency-department' },
      },
    ],
  }
  const headers = {
    Authorization: `Bearer ${token}`,
    'Content-Type': 'application/fhir+json',
    'X-Request-ID': crypto.randomUUID(),
    Connection: 'close',
  }
  const answer = await fetch(`http://127.0.0.1:${running.port}/FHIR/R4/Patient/$cpis-check`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  const { total } = (await answer.json()) as { total?: number }
  return total ?? -1
}

test('every process answers, one that is killed is replaced, and all stop when asked', async () => {
  const token = await getToken({ url: `http://127.0.0.1:${running.port}`, dataDir: running.dataDir }, 'ed-nurse')
  await waitFor('two workers', () => running.workers().length === 2)
  expect(await Promise.all(Array.from({ length: 8 }, () => check(token)))).toEqual(Array(8).fill(1))
  const [victim = 0] = running.workers()
  process.kill(victim, 'SIGKILL')
  await waitFor('another worker', () => running.workers().length === 2 && !running.workers().includes(victim))
  await waitFor('answers', async () => (await check(token).catch(() => 0)) === 1)
  const gone = once(running.primary, 'exit')
  running.primary.kill('SIGTERM')
  expect((await gone)[0]).toBe(0)
}, 60_000)
