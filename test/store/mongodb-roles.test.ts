/** The database roles of docs/mongodb-roles.json, made by the true script on a MongoDB that asks for users: the server does all its work with its role, and can change nothing of the audit (issue 6; docs/operating.md "Database roles"). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Db, type Document, MongoClient } from 'mongodb'
import { openArchivist } from '../../src/store/archive-months.ts'
import { deliveryCollections } from '../../src/store/delivery-collections.ts'
import { watchEvents } from '../../src/store/delivery-watch.ts'
import { type AuthMongod, startAuthMongod } from '../support/auth-mongod.ts'
import { openConsole } from '../support/console.ts'
import { readExample } from '../support/examples.ts'
import { bundleOf, sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { waitFor } from '../support/wait-for.ts'

const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url))
const DATABASE = 'cpis_roles'
const UNAUTHORIZED = 13

/** What the script has mongosh do. */
function runScript(known: readonly string[]): Document[] {
  const commands: Document[] = []
  const admin = {
    getRole: (role: string) => (known.includes(role) ? {} : null),
    runCommand: (command: Document) => void commands.push(command),
  }
  runInNewContext(readFileSync(join(DOCS, 'mongodb-roles.js'), 'utf8'), {
    require: createRequire(import.meta.url),
    process: { env: { CPIS_DATABASE: DATABASE } },
    __dirname: DOCS,
    db: { getSiblingDB: () => admin },
    print: () => undefined,
  })
  return commands
}

let mongod: AuthMongod
let serverUrl: string
let server: TestServer
const clients: MongoClient[] = []
const folder = mkdtempSync(join(tmpdir(), 'cpis-roles-'))

const as = (url: string): Db => {
  const client = new MongoClient(url)
  clients.push(client)
  return client.db(DATABASE)
}

beforeAll(async () => {
  mongod = await startAuthMongod()
  const roles = runScript([]).map(({ createRole }) => createRole)
  for (const command of [...runScript([]), ...runScript(roles)]) await mongod.root.db('admin').command(command)
  serverUrl = await mongod.user('server', ['cpisServer', 'cpisMigrator'])
  const first = await startTestServer({ env: { MONGODB_URL: serverUrl, CPIS_DATABASE: DATABASE } })
  await first.close()
  await mongod.user('server', ['cpisServer'])
  const keys = { CPIS_KEYS: join(folder, 'keys.json') }
  writeFileSync(keys.CPIS_KEYS, JSON.stringify(first.context.keys), { mode: 0o600 })
  server = await startTestServer({ env: { MONGODB_URL: serverUrl, CPIS_DATABASE: DATABASE, ...keys } })
}, 120_000)
afterAll(async () => {
  await server?.close()
  for (const client of clients) await client.close()
  await mongod?.close()
  rmSync(folder, { recursive: true, force: true })
})

test('the server does all its work with its role: upload, check, audit, notify, seal', async () => {
  const upload = await server.send({ as: 'la-E10000007', body: readExample('la-new-plan.transaction.json') })
  expect(upload.status).toBe(200)
  const answer = await sendCheck(server, '9995973952')
  expect(answer.status).toBe(200)
  expect(bundleOf(answer).entry?.length).toBeGreaterThan(1)
  await server.runDaily()
  const root = mongod.root.db(DATABASE)
  const sealed = await waitFor(
    'a seal of all records',
    async () => {
      const counts = await root
        .collection('auditSeals')
        .aggregate([{ $group: { _id: 0, n: { $sum: '$count' } } }])
        .toArray()
      return counts[0]?.['n'] === (await root.collection('auditEvents').countDocuments()) && counts[0]?.['n']
    },
    20_000,
  )
  expect(sealed).toBeGreaterThan(1)
})

test.each<[string, string[], string]>([
  ['the role of the server lets it be told of the events of other processes', ['cpisServer'], 'events'],
  ['a role that does not is asked once, and the poll remains', ['cpisMigrator'], 'refused'],
])('%s', async (_name, roles, told) => {
  const heard: string[] = []
  const events = deliveryCollections(as(await mongod.user('watcher', roles)))
  const watch = watchEvents(events, { onEvents: () => heard.push('events'), onFault: (fault) => heard.push(fault) })
  await waitFor('what comes of it', () => heard.length > 0)
  watch.close()
  expect(heard).toEqual([told])
})

const id = (value: string | number): object => ({ _id: value })

describe.each(['auditEvents', 'auditSeals', 'auditSealLists'])('with the role of the server, of %s', (name) => {
  test.each<[string, (db: Db) => Promise<unknown>]>([
    ['updateOne', (db) => db.collection(name).updateOne({}, { $set: { status: 1 } })],
    ['updateMany', (db) => db.collection(name).updateMany({}, { $unset: { number: 1 } })],
    ['replaceOne', (db) => db.collection(name).replaceOne({}, { x: 1 })],
    ['an upsert', (db) => db.collection(name).updateOne(id('x'), { $set: { x: 1 } }, { upsert: true })],
    ['findOneAndUpdate', (db) => db.collection(name).findOneAndUpdate({}, { $set: { x: 1 } })],
    ['deleteOne', (db) => db.collection(name).deleteOne({})],
    ['deleteMany', (db) => db.collection(name).deleteMany({})],
    ['findOneAndDelete', (db) => db.collection(name).findOneAndDelete({})],
    ['drop', (db) => db.collection(name).drop()],
    ['renaming', (db) => db.collection(name).rename('other')],
    ['an index that lets it expire', (db) => db.collection(name).createIndex({ at: 1 }, { expireAfterSeconds: 1 })],
    ['collMod', (db) => db.command({ collMod: name, validator: { x: 1 } })],
    [
      '$out over it',
      (db) =>
        db
          .collection('flags')
          .aggregate([{ $out: name }])
          .toArray(),
    ],
    [
      '$merge into it',
      (db) =>
        db
          .collection('flags')
          .aggregate([{ $merge: { into: name } }])
          .toArray(),
    ],
    ['dropping the database', (db) => db.dropDatabase()],
  ])('%s is refused', async (_what, attempt) => {
    const before = await mongod.root.db(DATABASE).collection(name).countDocuments()
    await expect(attempt(as(serverUrl))).rejects.toMatchObject({ code: UNAUTHORIZED })
    expect(await mongod.root.db(DATABASE).collection(name).countDocuments()).toBeGreaterThanOrEqual(before)
  })

  test('reading and adding are not', async () => {
    const db = as(serverUrl)
    expect(await db.collection(name).countDocuments()).toBeGreaterThan(0)
    const session = clients.at(-1)?.startSession()
    session?.startTransaction()
    await db.collection(name).insertOne({ x: 1 }, { ...(session === undefined ? {} : { session }) })
    await session?.abortTransaction()
    await session?.endSession()
  })
})

describe('the other roles', () => {
  test('the verifier reads, and the command does with it what it should', async () => {
    const url = await mongod.user('verifier', ['cpisVerifier'])
    const console = openConsole({
      MONGODB_URL: url,
      CPIS_DATABASE: DATABASE,
      CPIS_KEYS: join(folder, 'keys.json'),
      CPIS_DATA_DIR: server.dataDir,
    })
    expect([await console.run('audit', 'verify'), console.out()]).toEqual([
      0,
      expect.stringContaining('All is as it was sealed.'),
    ])
    await expect(as(url).collection('auditEvents').insertOne({ x: 1 })).rejects.toMatchObject({ code: UNAUTHORIZED })
    await expect(as(url).collection('episodesOfCare').findOne()).rejects.toMatchObject({ code: UNAUTHORIZED })
  })

  test('the resealer updates records and cannot remove one', async () => {
    const db = as(await mongod.user('resealer', ['cpisResealer']))
    expect((await db.collection('auditEvents').updateOne(id('none'), { $set: { x: 1 } })).matchedCount).toBe(0)
    await expect(db.collection('auditEvents').deleteOne({})).rejects.toMatchObject({ code: UNAUTHORIZED })
    await expect(db.collection('auditSeals').updateOne({}, { $set: { x: 1 } })).rejects.toMatchObject({
      code: UNAUTHORIZED,
    })
  })

  test('retention archives a month and cannot change one', async () => {
    const url = await mongod.user('retention', ['cpisRetention'])
    const archivist = await openArchivist({ url, database: DATABASE })
    await mongod.root
      .db(DATABASE)
      .collection<Document>('auditEvents')
      .insertOne({ _id: 'old' as never, recorded: '2020-01-01T00:00:00.000Z' })
    try {
      expect(await archivist.months('auditEvents', '2020-01')).toEqual([
        { month: '2020-01', count: 1, isMarked: false },
      ])
      const done = await archivist.archive('2020-01', { what: 'auditEvents', folder, at: new Date() })
      expect(done).toMatchObject({ count: 1, removed: 1 })
    } finally {
      await archivist.close()
    }
    const audits = as(url).collection('auditEvents')
    await expect(audits.updateOne({}, { $set: { x: 1 } })).rejects.toMatchObject({ code: UNAUTHORIZED })
    await expect(audits.insertOne({ x: 1 })).rejects.toMatchObject({ code: UNAUTHORIZED })
    await expect(as(url).collection('auditSeals').deleteOne({})).rejects.toMatchObject({ code: UNAUTHORIZED })
  })
})
