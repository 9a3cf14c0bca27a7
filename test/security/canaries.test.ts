/** 200 marked children go through uploads, checks, errors, searches and notifications; then everything the run left behind is searched for their numbers and names (security.md "Privacy"). */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { MongoClient } from 'mongodb'
import { pino } from 'pino'
import { type EmbeddedMongod, startEmbeddedMongod } from '../../src/store/embedded-mongod.ts'
import { LA_SYSTEM, patientOf, planOf, transactionOf } from '../support/plans.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { unrelatedNumbers } from '../support/valid-numbers.ts'
import { waitFor } from '../support/wait-for.ts'
import { subscriptionOf } from './access-world.ts'

const COUNT = 200
const MARKER = 'Quetzalmarker'
const NUMBERS = unrelatedNumbers(COUNT)
const nameOf = (at: number): string => `${MARKER}${at}`
const AS = 'la-E10000007'
const OTHER = 'la-E06000032'

const folder = mkdtempSync(join(tmpdir(), 'cpis-canary-'))
const logged: string[] = []
const written: string[] = []
let mongod: EmbeddedMongod
let receiver: Receiver
let server: TestServer
let restoreOutput: () => void

beforeAll(async () => {
  restoreOutput = tapOutput()
  mongod = await startEmbeddedMongod({ dataDir: folder, log: pino({ level: 'silent' }), ...mongodPath() })
  receiver = await startReceiver()
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged.push(chunk.toString('utf8'))
      done()
    },
  })
  const log = pino({ level: 'trace' }, stream)
  server = await startTestServer({ env: { MONGODB_URL: mongod.url, CPIS_DATABASE: 'canary' }, overrides: { log } })
}, 120_000)

afterAll(async () => {
  await server.close()
  await receiver.close()
  await mongod.close()
  restoreOutput()
  rmSync(folder, { recursive: true, force: true })
})

function mongodPath(): { readonly mongodPath?: string } {
  const path = process.env['CPIS_MONGOD']
  return path === undefined || path === '' ? {} : { mongodPath: path }
}

/** What the process writes to its standard output and error meanwhile. */
function tapOutput(): () => void {
  const streams = [process.stdout, process.stderr]
  const originals = streams.map((stream) => stream.write.bind(stream))
  for (const [at, stream] of streams.entries()) {
    stream.write = ((...parts: Parameters<typeof stream.write>) => {
      written.push(String(parts[0]))
      return originals[at]?.(...parts) ?? true
    }) as typeof stream.write
  }
  return () => {
    for (const [at, stream] of streams.entries()) stream.write = originals[at] ?? stream.write
  }
}

/** Numbers and names that stand in a text, as they are and in other clothes. */
function canariesIn(text: string): readonly string[] {
  const found = text.includes(MARKER) || text.includes(MARKER.toLowerCase()) ? [MARKER] : []
  const digits = new Set(text.match(/999\d{7}/g) ?? [])
  const spaced = new Set(text.match(/999[ -]\d{3}[ -]\d{4}/g)?.map((one) => one.replace(/[ -]/g, '')) ?? [])
  return [...found, ...NUMBERS.filter((one) => digits.has(one) || spaced.has(one))]
}

const answersOfOthers: string[] = []
const errors: string[] = []
const heard = async (
  answer: Promise<{ readonly status: number; readonly text: string; readonly headers: Headers }>,
): Promise<void> => {
  const { status, text, headers } = await answer
  const all = `${text}${JSON.stringify([...headers])}`
  if (status >= 400) errors.push(all)
}

test('the run: uploads, checks, errors, searches and notifications', async () => {
  const subscription = subscriptionOf()
  const channel = { ...subscription.channel, endpoint: receiver.url }
  await server.send({ as: AS, path: 'Subscription', body: { ...subscription, channel } })
  await waitFor('the handshake', () => receiver.ofType('handshake').length > 0)
  for (let from = 0; from < COUNT; from += 25) {
    const part = NUMBERS.slice(from, from + 25)
    await Promise.all(part.map((number, at) => live(number, from + at)))
  }
  await waitFor('the notifications', () => receiver.taken().length >= COUNT, 60_000)
  await server.runDaily()
  expect(errors.length).toBeGreaterThan(COUNT * 8)
}, 180_000)

/** All that may happen to one child. */
async function live(number: string, at: number): Promise<void> {
  const family = nameOf(at)
  const patient = patientOf({ nhsNumber: number, family, birthDate: '2018-02-03', local: `local-${family}` })
  const filed = await server.send({
    as: AS,
    body: transactionOf(
      [
        { fullUrl: 'urn:uuid:7f0c9c7a-3b60-4f6e-9d3d-4b8a5f1c1001', resource: patient, url: 'Patient' },
        {
          resource: planOf({ identifier: `plan-${family}`, patient: 'urn:uuid:7f0c9c7a-3b60-4f6e-9d3d-4b8a5f1c1001' }),
          url: 'EpisodeOfCare',
        },
      ],
      { identifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${randomUUID()}` } },
    ),
  })
  expect(filed.status).toBe(200)
  expect((await sendCheck(server, number)).status).toBe(200)
  const form = { 'patient:identifier': number, _total: 'accurate' }
  await server.send({ as: AS, path: 'EpisodeOfCare/_search', form })
  await server.send({ as: AS, path: 'Patient/_search', form: { identifier: number } })
  // Everything that goes wrong
  await heard(server.send({ as: AS, path: `Patient?identifier=${number}` }))
  await heard(server.send({ as: AS, path: `Patient/${number}` }))
  await heard(
    server.send({ as: AS, path: 'Patient', body: { ...patient, address: [{ text: family }], birthDate: family } }),
  )
  await heard(
    server.send({ as: AS, path: 'EpisodeOfCare', body: planOf({ identifier: `again-${family}`, nhsNumber: number }) }),
  )
  await heard(
    server.send({
      as: AS,
      path: 'Patient',
      body: `{"resourceType":"Patient","name":[{"family":"${family}"}],"identifier":["${number}"`,
    }),
  )
  await heard(
    server.send({ as: AS, path: 'EpisodeOfCare', body: { ...planOf({ nhsNumber: number }), [family]: number } }),
  )
  await heard(server.send({ as: AS, path: 'EpisodeOfCare/_search', form: { [family]: number } }))
  await heard(sendCheck(server, `${number}1`))
  await heard(sendCheck(server, number, { setting: family }))
  await heard(sendCheck(server, number, { site: family }))
  await heard(server.send({ as: 'ed-nurse', path: 'Patient/_search', form: { name: family, identifier: number } }))
  await heard(
    server.send({
      as: AS,
      path: 'EpisodeOfCare',
      body: planOf({ nhsNumber: number, identifier: `x-${family}`, start: `${family}` }),
      headers: { 'X-Request-ID': number },
    }),
  )
  await heard(
    server.send({ path: `EpisodeOfCare/${family}`, headers: { Authorization: `Bearer ${number}.${family}.x` } }),
  )
  // What others are told
  const others = [
    server.send({ as: OTHER, path: 'EpisodeOfCare/_search', form }),
    server.send({ as: OTHER, path: 'Patient/_search', form: { identifier: number } }),
    server.send({ as: OTHER, path: 'AuditEvent/_search', form: { 'patient:identifier': number } }),
    server.send({ as: OTHER, path: 'EpisodeOfCare/_search', form: { identifier: `${LA_SYSTEM}|plan-${family}` } }),
  ]
  for (const one of others) answersOfOthers.push((await one).text)
  // The answer to the NHS holds the number that was sent, and no name
  const answer = await sendCheck(server, number)
  expect(answer.text).not.toContain(MARKER)
}

test('0 canaries in errors', () => {
  expect(errors.flatMap(canariesIn)).toEqual([])
})

test('0 canaries in the answers to others', () => {
  expect(answersOfOthers).toHaveLength(4 * COUNT)
  expect(answersOfOthers.flatMap(canariesIn)).toEqual([])
})

test('0 canaries in the log', () => {
  expect(logged.length).toBeGreaterThan(COUNT * 10)
  expect(canariesIn(logged.join(''))).toEqual([])
})

test('0 canaries in the metrics', async () => {
  const text = await server.context.metrics.registry.metrics()
  expect(text).toContain('cpis_request_seconds')
  expect(canariesIn(text)).toEqual([])
})

test('0 canaries on standard output and error', () => {
  expect(canariesIn(written.join(''))).toEqual([])
})

test('0 canaries in notifications that carry ids only', () => {
  const sent = receiver.received.map((one) => one.body + JSON.stringify(one.headers)).join('')
  expect(receiver.taken().length).toBeGreaterThanOrEqual(COUNT)
  expect(canariesIn(sent)).toEqual([])
})

test('0 canaries in the raw files of the database, once it has written all of them', async () => {
  const client = await MongoClient.connect(mongod.url)
  // A plain text is found in these files when it is there: the search is not blind
  await client
    .db('canary')
    .collection('probe')
    .insertOne({ text: `${'Visible'}probe` })
  await client.db('admin').command({ fsync: 1 })
  const stored = await client.db('canary').collection('patients').countDocuments()
  await client.close()
  expect(stored).toBeGreaterThanOrEqual(COUNT)
  const files = filesIn(folder)
  expect(files.length).toBeGreaterThan(20)
  const texts = files.map((file) => readFileSync(file).toString('latin1'))
  expect(texts.some((text) => text.includes('Visibleprobe'))).toBe(true)
  expect(texts.flatMap(canariesIn)).toEqual([])
}, 60_000)

test('0 canaries in the data folder of the server', () => {
  expect(filesIn(server.dataDir).flatMap((file) => canariesIn(readFileSync(file, 'latin1')))).toEqual([])
})

function filesIn(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => join(root, name))
    .filter((path) => statSync(path).isFile())
}
