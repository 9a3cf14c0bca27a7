/** Three server processes on one database, killed (`kill -9`) at random moments while a child is checked at all of them: every answer is told once under one number and one webhook-id, without gaps (P1, P2; issue 7 item 2). */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Bundle } from '@medplum/fhirtypes'
import type { Keys } from '../../src/keys.ts'
import { freePort } from '../../src/store/mongod-process.ts'
import { testDatabase } from '../support/database.ts'
import { planOf } from '../support/plans.ts'
import { eventsOf, faultsOf, type Receiver, startReceiver } from '../support/receiver.ts'
import { checkOf } from '../support/server.ts'
import { subscriptionOf } from '../support/subscriptions.ts'
import { getToken } from '../support/tokens.ts'
import { unrelatedNumbers } from '../support/valid-numbers.ts'
import { waitFor } from '../support/wait-for.ts'

/** The long form: CPIS_KILLS=200 npm test -- test/faults */
const KILLS = Number(process.env['CPIS_KILLS'] ?? 20)
const SERVERS = 3
const CHECKERS = 12
/** Several times as long as a dead process keeps a child, and as servers take to start on a busy machine. */
const PATIENCE_MS = 180_000
const LA = 'la-E10000007'
/** A process that dies inside a check's transaction keeps that child from the others until the database ends the transaction; other children go on. */
const CHILDREN = unrelatedNumbers(120)
const MAX_COUNT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-max-count'

interface Server {
  readonly port: number
  child: ChildProcess | undefined
  isReady: boolean
}

const dataDir = mkdtempSync(join(tmpdir(), 'cpis-three-'))
const database = testDatabase()
const servers: Server[] = []
/** One takes events one by one, the other up to five in a bundle. */
const receivers: Receiver[] = []
let token = ''

function launch(port: number): ChildProcess {
  const env = {
    ...process.env,
    PORT: String(port),
    // one name for all, as behind a balancer: tokens of one are good at each
    CPIS_BASE_URL: urlOf({ port: servers[0]?.port ?? port }),
    METRICS_PORT: '0',
    MONGODB_URL: database.url,
    CPIS_DATABASE: database.database,
    CPIS_DATA_DIR: dataDir,
    CPIS_LIMITS: 'off',
    LOG_LEVEL: 'silent',
  }
  const launcher = new URL('../../bin/cpis.js', import.meta.url).pathname
  return spawn(process.execPath, [launcher, 'serve'], { env, stdio: ['ignore', 'ignore', 'pipe'] })
}

const urlOf = ({ port }: Pick<Server, 'port'>): string => `http://127.0.0.1:${port}`

/** Starts it and notes when it is ready, unless it is killed before. */
async function start(server: Server): Promise<void> {
  const child = launch(server.port)
  server.child = child
  let faults = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    faults += chunk
  })
  await waitFor(
    'a server',
    async () => {
      if (child.exitCode !== null) throw new Error(`A server did not start: ${faults}`)
      if (child.signalCode !== null) return true
      return (await fetch(`${urlOf(server)}/health/ready`).catch(() => undefined))?.status === 200
    },
    60_000,
  )
  server.isReady = child.signalCode === null
}

async function kill(server: Server, signal: NodeJS.Signals): Promise<void> {
  server.isReady = false
  const { child } = server
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}

beforeAll(async () => {
  for (let count = 0; count < SERVERS; count += 1) {
    const server: Server = { port: await freePort(0), child: undefined, isReady: false }
    servers.push(server)
    // the first makes keys and clients, which the others read
    await start(server)
  }
  const keys = JSON.parse(readFileSync(join(dataDir, 'keys.json'), 'utf8')) as Keys
  for (let count = 0; count < 2; count += 1) receivers.push(await startReceiver({ keys: keys.webhooks }))
}, 120_000)
afterAll(async () => {
  await Promise.all(servers.map((server) => kill(server, 'SIGTERM')))
  for (const one of receivers) await one.close()
  await database.drop()
  rmSync(dataDir, { recursive: true, force: true })
}, 60_000)

const ready = (): readonly Server[] => servers.filter((one) => one.isReady)

function someOf<T>(list: readonly T[]): T {
  const one = list[randomInt(list.length)]
  if (one === undefined) throw new Error('There is nothing to choose from.')
  return one
}

interface Reply {
  readonly status: number
  readonly body: unknown
}

async function send(server: Server, path: string, options: { as: string; body: unknown; id: string }): Promise<Reply> {
  const headers = {
    Authorization: `Bearer ${options.as}`,
    'Content-Type': 'application/fhir+json',
    'X-Request-ID': options.id,
  }
  const body = JSON.stringify(options.body)
  const answer = await fetch(`${urlOf(server)}/FHIR/R4/${path}`, { method: 'POST', headers, body })
  return { status: answer.status, body: await answer.json() }
}

/** As a client must: the same X-Request-ID, at any of the servers, until there is an answer; never "nothing known" in place of a failure. */
async function checkUntilAnswered(child: string): Promise<string> {
  const id = randomUUID()
  return waitFor(
    'an answer',
    async () => {
      if (ready().length === 0) return undefined
      const server = someOf(ready())
      const asked = { as: token, body: checkOf(child), id }
      const answer = await send(server, 'Patient/$cpis-check', asked).catch(() => undefined)
      if (answer === undefined || answer.status === 503 || answer.status === 409) return undefined
      const bundle = answer.body as Bundle
      expect([answer.status, bundle.total]).toEqual([200, 1])
      return bundle.identifier?.value?.replace('urn:uuid:', '')
    },
    PATIENCE_MS,
  )
}

/** Kills one of those that are ready, again and again, each time after another answer; the others go on. */
async function checkWhileKilling(): Promise<readonly string[]> {
  const answers: string[] = []
  let isKilling = true
  const checkers = Array.from({ length: CHECKERS }, async () => {
    while (isKilling) answers.push(await checkUntilAnswered(someOf(CHILDREN)))
  })
  const failed = Promise.all(checkers)
  const starting = new Set<Promise<void>>()
  try {
    for (let count = 0; count < KILLS; count += 1) {
      const before = answers.length
      // one that fails ends the test at once
      await Promise.race([failed, waitFor('a check between two kills', () => answers.length > before, PATIENCE_MS)])
      // one is left to go on, and to take over what the victim held
      const victim = await waitFor(
        'a server to kill',
        () => (ready().length > 1 ? someOf(ready()) : undefined),
        120_000,
      )
      // anywhere in what it is doing
      await new Promise((resolve) => setTimeout(resolve, randomInt(200)))
      await kill(victim, 'SIGKILL')
      const started = start(victim)
      starting.add(started)
      started.then(
        () => starting.delete(started),
        () => undefined,
      )
    }
  } finally {
    isKilling = false
  }
  await Promise.all([failed, ...starting])
  return answers
}

async function subscribeAll(): Promise<void> {
  const [server] = servers
  if (server === undefined) throw new Error('The test has lost its servers.')
  const owner = await getToken({ url: urlOf(server), dataDir }, LA)
  for (const [at, receiver] of receivers.entries()) {
    const plain = subscriptionOf(receiver.url) as { channel: object }
    const extension = [{ url: MAX_COUNT, valuePositiveInt: at === 0 ? 1 : 5 }]
    const body = { ...plain, channel: { ...plain.channel, extension } }
    expect((await send(server, 'Subscription', { as: owner, body, id: randomUUID() })).status).toBe(201)
    await waitFor('the handshake', () => receiver.ofType('handshake').length > 0)
  }
  for (const nhsNumber of CHILDREN) {
    const plan = { as: owner, body: planOf({ nhsNumber, start: '2026-01-01' }), id: randomUUID() }
    expect((await send(server, 'EpisodeOfCare', plan)).status).toBe(201)
  }
  await freshToken()
}

/** From the server whose name all carry; fails while that one is down. */
async function freshToken(): Promise<void> {
  const [server] = servers
  if (server !== undefined) token = await getToken({ url: urlOf(server), dataDir }, 'ed-nurse')
}

test(
  `P1 P2 ${KILLS} random kills among ${SERVERS} servers lose nothing, name nothing twice and skip no number`,
  async () => {
    await subscribeAll()
    const began = performance.now()
    const refresh = setInterval(() => {
      freshToken().catch(() => undefined)
    }, 20_000)
    const answers = await checkWhileKilling().finally(() => clearInterval(refresh))
    for (const receiver of receivers) {
      const told = () =>
        new Set(
          receiver
            .ofType('event-notification')
            .flatMap(eventsOf)
            .map((one) => one.focus),
        )
      await waitFor('all events', () => told().size >= answers.length, PATIENCE_MS)
      expect([...told()].sort()).toEqual([...answers].sort())
      expect(faultsOf(receiver.ofType('event-notification'))).toEqual([])
      if (process.env['CPIS_KILLS'] !== undefined) {
        const sent = receiver.ofType('event-notification')
        const repeats = sent.length - new Set(sent.map((one) => one.webhookId)).size
        const seconds = ((performance.now() - began) / 1_000).toFixed(0)
        process.stderr.write(
          `${KILLS} kills, ${answers.length} checks, ${sent.length} posts, ${repeats} repeats, ${seconds} s\n`,
        )
      }
    }
  },
  2 * PATIENCE_MS + KILLS * 15_000,
)
