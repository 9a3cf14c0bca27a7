/** CPIS_WORKERS: processes that share one port and one database; one that dies is replaced, and all stop together. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { testDatabase } from '../support/database.ts'
import { getToken } from '../support/tokens.ts'
import { waitFor } from '../support/wait-for.ts'

const database = testDatabase()
const dataDir = mkdtempSync(join(tmpdir(), 'cpis-workers-'))
let primary: ChildProcess
let port = 0
let output = ''

beforeAll(async () => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  port = (probe.address() as { port: number }).port
  probe.close()
  await once(probe, 'close')
  const launcher = new URL('../../bin/cpis.js', import.meta.url).pathname
  primary = spawn(process.execPath, [launcher, 'serve'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      CPIS_WORKERS: '2',
      PORT: String(port),
      METRICS_PORT: '0',
      MONGODB_URL: database.url,
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
  await waitFor('both processes', () => output.includes('2 processes on port'), 60_000)
}, 90_000)

afterAll(() => {
  if (primary.exitCode === null) primary.kill('SIGKILL')
  // the database goes with the mongod of the run: what a killed process left open would hold up its removal
  rmSync(dataDir, { recursive: true, force: true })
})

const workers = (): string[] =>
  readFileSync(`/proc/${primary.pid}/task/${primary.pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter((one) => one !== '')

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
  const answer = await fetch(`http://127.0.0.1:${port}/FHIR/R4/Patient/$cpis-check`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  const { total } = (await answer.json()) as { total?: number }
  return total ?? -1
}

test('every process answers, one that is killed is replaced, and all stop when asked', async () => {
  const token = await getToken({ url: `http://127.0.0.1:${port}`, dataDir }, 'ed-nurse')
  await waitFor('two workers', () => workers().length === 2)
  expect(await Promise.all(Array.from({ length: 8 }, () => check(token)))).toEqual(Array(8).fill(1))
  const [victim = ''] = workers()
  process.kill(Number(victim), 'SIGKILL')
  await waitFor('another worker', () => workers().length === 2 && !workers().includes(victim))
  await waitFor('answers', async () => (await check(token).catch(() => 0)) === 1)
  const gone = once(primary, 'exit')
  primary.kill('SIGTERM')
  expect((await gone)[0]).toBe(0)
}, 60_000)
