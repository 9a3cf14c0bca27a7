/** kill -9 of the server and of its mongod, again and again, while a child is checked: nothing acknowledged is lost, nothing is told twice under another name, no number is skipped (P1, P2; delivery.md). */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Bundle } from '@medplum/fhirtypes'
import type { Keys } from '../../src/keys.ts'
import { freePort } from '../../src/store/mongod-process.ts'
import { planOf } from '../support/plans.ts'
import { eventsOf, faultsOf, type Receiver, startReceiver } from '../support/receiver.ts'
import { checkOf } from '../support/server.ts'
import { getToken } from '../support/tokens.ts'
import { waitFor } from '../support/wait-for.ts'

/** The long form: CPIS_KILLS=200 npm test -- test/faults */
const KILLS = Number(process.env['CPIS_KILLS'] ?? 6)
const LA = 'la-E10000007'
const CHILD = '9998450055'

const dataDir = mkdtempSync(join(tmpdir(), 'cpis-kill-'))
let port = 0
let server: ChildProcess
let receiver: Receiver
const url = () => `http://127.0.0.1:${port}`
const tokens = new Map<string, string>()

async function start(): Promise<void> {
  const env = {
    ...process.env,
    PORT: String(port),
    METRICS_PORT: '0',
    CPIS_DATA_DIR: dataDir,
    CPIS_LIMITS: 'off',
    LOG_LEVEL: 'silent',
  }
  const launcher = new URL('../../bin/cpis.js', import.meta.url).pathname
  server = spawn(process.execPath, [launcher, 'serve'], { env, stdio: 'ignore' })
  await waitFor(
    'the server',
    async () => (await fetch(`${url()}/health/ready`).catch(() => undefined))?.status === 200,
    60_000,
  )
}

async function killAndStart(): Promise<void> {
  const gone = once(server, 'exit')
  server.kill('SIGKILL')
  await gone
  await start()
}

beforeAll(async () => {
  port = await freePort(0)
  await start()
  const keys = JSON.parse(readFileSync(join(dataDir, 'keys.json'), 'utf8')) as Keys
  receiver = await startReceiver({ keys: keys.webhooks })
}, 120_000)
afterAll(async () => {
  const gone = once(server, 'exit')
  server.kill('SIGTERM')
  await gone
  await receiver.close()
  rmSync(dataDir, { recursive: true, force: true })
}, 60_000)

async function send(
  as: string,
  path: string,
  body: unknown,
  requestId: string = randomUUID(),
): Promise<{ status: number; body: unknown }> {
  const known = tokens.get(as) ?? (await getToken({ url: url(), dataDir }, as))
  tokens.set(as, known)
  const headers = {
    Authorization: `Bearer ${known}`,
    'Content-Type': 'application/fhir+json',
    'X-Request-ID': requestId,
  }
  const answer = await fetch(`${url()}/FHIR/R4/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: answer.status, body: await answer.json() }
}

/** As a client must: the same X-Request-ID until there is an answer; never "nothing known" in place of a failure. */
async function checkUntilAnswered(): Promise<string> {
  const requestId = randomUUID()
  return waitFor(
    'an answer',
    async () => {
      const answer = await send('ed-nurse', 'Patient/$cpis-check', checkOf(CHILD), requestId).catch(() => undefined)
      if (answer === undefined || answer.status === 503) return undefined
      const bundle = answer.body as Bundle
      expect([answer.status, bundle.total]).toEqual([200, 1])
      return bundle.identifier?.value?.replace('urn:uuid:', '')
    },
    60_000,
  )
}

/** Kills something again and again while the child is checked; the audit ids that were answered. */
async function checkWhileKilling(kill: () => Promise<void>): Promise<readonly string[]> {
  const answers: string[] = []
  let isKilling = true
  const checker = (async () => {
    while (isKilling) answers.push(await checkUntilAnswered())
  })()
  for (let count = 0; count < KILLS; count += 1) {
    const before = answers.length
    await waitFor('checks between two kills', () => answers.length > before + count, 60_000)
    await kill()
  }
  isKilling = false
  await checker
  return answers
}

/** Number → AuditEvent. */
const delivered = () =>
  new Map(
    receiver
      .ofType('event-notification')
      .flatMap(eventsOf)
      .map((one) => [one.number, one.focus]),
  )

/** Every answer has one event, numbered from 1 without a gap; repeats of a bundle carry one webhook-id. */
async function checkDelivered(): Promise<void> {
  await waitFor('all events', () => delivered().size >= answered.length, 60_000)
  const numbers = [...delivered().keys()].sort((a, b) => a - b)
  expect(numbers).toEqual(Array.from({ length: answered.length }, (_, at) => at + 1))
  expect([...delivered().values()].sort()).toEqual([...answered].sort())
  expect(faultsOf(receiver.ofType('event-notification'))).toEqual([])
}

const mongodPid = () => Number(readFileSync(join(dataDir, 'mongo', 'mongod.lock'), 'utf8').trim())

async function killMongod(): Promise<void> {
  const pid = mongodPid()
  process.kill(pid, 'SIGKILL')
  await waitFor('another mongod', () => mongodPid() > 0 && mongodPid() !== pid, 60_000)
}

/** Of both tests: the lane's numbers go on. */
const answered: string[] = []

test(
  `P1 P2 ${KILLS} kills of the server lose nothing and skip no number`,
  async () => {
    const example = readFileSync(new URL('../../examples/subscription.json', import.meta.url), 'utf8')
    const subscription = JSON.parse(example) as { channel: object }
    const channel = { ...subscription.channel, endpoint: `${receiver.url}/hook` }
    expect((await send(LA, 'Subscription', { ...subscription, channel })).status).toBe(201)
    await waitFor('the handshake', () => receiver.ofType('handshake').length > 0)
    expect((await send(LA, 'EpisodeOfCare', planOf({ nhsNumber: CHILD, start: '2026-01-01' }))).status).toBe(201)
    answered.push(...(await checkWhileKilling(killAndStart)))
    await checkDelivered()
  },
  60_000 + KILLS * 15_000,
)

test(
  `P1 P2 ${KILLS} kills of its mongod under the living server neither`,
  async () => {
    answered.push(...(await checkWhileKilling(killMongod)))
    await checkDelivered()
  },
  60_000 + KILLS * 15_000,
)
