/** A backup taken while writers and checkers go on, and what a server makes of it (issue 8: backup and restore). */
import { randomUUID } from 'node:crypto'
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Db, MongoClient } from 'mongodb'
import { pino } from 'pino'
import { buildChildren, buildTransaction, type Child } from '../../bench/children.ts'
import { buildRandom } from '../../bench/random.ts'
import { makeKeys, readKeysFile } from '../../src/keys.ts'
import { type BackupOptions, type BackupOutcome, writeBackup } from '../../src/store/backup.ts'
import { openStore } from '../../src/store/mongo-store.ts'
import { checkBackup, restoreBackup } from '../../src/store/restore.ts'
import { setRestoreMark } from '../../src/store/restore-mark.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { ok, type Receiver, startReceiver } from '../support/receiver.ts'
import { bundleOf, sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { subscribe, subscriptionOf } from '../support/subscriptions.ts'
import { waitFor } from '../support/wait-for.ts'

const COUNCIL = 'la-E10000007'
const CHILDREN = 3

interface Family {
  readonly children: readonly Child[]
  /** Whether its Bundle was acknowledged before the backup began, sent after it had, or neither is sure. */
  place: 'before' | 'after' | 'unsure'
}

/** Writers and checkers that go on until they are stopped; each round is counted. */
interface Load {
  readonly families: Family[]
  /** X-Request-IDs of checks answered before the backup began, and of those asked after it had. */
  readonly checks: { readonly before: string[]; readonly after: string[] }
  rounds: number
  phase: 'before' | 'starting' | 'after'
  stop(): Promise<void>
}

const random = buildRandom(7)
const taken = new Set<string>()
let server: TestServer
let receiver: Receiver
let folder: string
let target: TestDatabase
let restored: TestServer
let outcome: BackupOutcome
let load: Load
let client: MongoClient

beforeAll(async () => {
  server = await startTestServer()
  server.setNow(new Date().toISOString())
  receiver = await startReceiver()
  receiver.behave(ok)
  await subscribe(server, subscriptionOf(receiver.url), COUNCIL)
  folder = join(mkdtempSync(join(tmpdir(), 'cpis-backup-')), 'monday')
  load = startLoad()
  await waitFor('some load', () => load.rounds > 6, 60_000)
  load.phase = 'starting'
  outcome = await writeBackup({ ...backupOptions(folder), onCollection: () => untilMore() })
  await load.stop()
  target = testDatabase()
  const keys = readKeysFile(join(server.dataDir, 'keys.json'))
  const options = { url: target.url, database: target.database, folder, keys }
  await restoreBackup(options, await checkBackup(options))
  restored = await startTestServer({
    env: { CPIS_DATABASE: target.database, CPIS_KEYS: join(server.dataDir, 'keys.json') },
  })
  restored.setNow(new Date().toISOString())
  client = new MongoClient(target.url)
}, 300_000)

afterAll(async () => {
  await client.close()
  await restored.close()
  await target.drop()
  await server.close()
  await receiver.close()
  rmSync(folder, { recursive: true, force: true })
})

function backupOptions(where: string): BackupOptions {
  const { mongodbUrl: url = '', mongodbDatabase: database } = server.context.config
  return { url, database, folder: where, gzip: false, program: '0', clock: () => new Date() }
}

/** Between two collections the load goes on, so that a backup of several points in time would be caught. */
async function untilMore(): Promise<void> {
  load.phase = 'after'
  const { rounds } = load
  await waitFor('more load', () => load.rounds > rounds, 60_000)
}

function startLoad(): Load {
  let isStopped = false
  const running: Promise<void>[] = []
  const mine: Load = {
    families: [],
    checks: { before: [], after: [] },
    rounds: 0,
    phase: 'before',
    async stop() {
      isStopped = true
      await Promise.all(running)
    },
  }
  const goOn = async (): Promise<void> => {
    while (!isStopped) {
      const children = buildChildren(CHILDREN, random, taken)
      const family: Family = { children, place: mine.phase === 'after' ? 'after' : 'unsure' }
      mine.families.push(family)
      await file(children)
      if (mine.phase === 'before') family.place = 'before'
      const [first] = children
      for (const number of [first?.nhsNumber ?? '', random.nhsNumber()]) await check(mine, number)
      mine.rounds += 1
    }
  }
  running.push(goOn(), goOn())
  return mine
}

/** Three children in one Bundle, and the first one's plan ends: its second version. */
async function file(children: readonly Child[]): Promise<void> {
  const bundles = children.map((child) => JSON.parse(buildTransaction(child, random)))
  const body = { ...bundles[0], entry: bundles.flatMap(({ entry }) => entry) }
  const answer = bundleOf(await server.send({ as: COUNCIL, body }))
  const location = answer.entry?.[1]?.response?.location?.split('/_history')[0] ?? ''
  const path = location.slice(location.indexOf('EpisodeOfCare/'))
  const plan = (await server.send({ as: COUNCIL, path })).json as { period: object }
  const changed = { ...plan, period: { ...plan.period, end: new Date().toISOString().slice(0, 10) } }
  const { status } = await server.send({ as: COUNCIL, path, method: 'PUT', body: changed })
  if (status !== 200) throw new Error(`The second version was answered ${status}.`)
}

async function check(mine: Load, number: string): Promise<void> {
  const requestId = randomUUID()
  if (mine.phase === 'after') mine.checks.after.push(requestId)
  await sendCheck(server, number, { requestId })
  if (mine.phase === 'before') mine.checks.before.push(requestId)
}

const restoredDb = (): Db => client.db(target.database)

describe('a backup under load', () => {
  test('had load before it, while it went on and after', () => {
    const count = (place: Family['place']): number => load.families.filter((one) => one.place === place).length
    expect(count('before')).toBeGreaterThan(5)
    expect(count('after')).toBeGreaterThan(20)
    expect(load.checks.before.length).toBeGreaterThan(10)
    expect(load.checks.after.length).toBeGreaterThan(40)
  })
  test('is readable by its owner only', () => {
    const database = server.context.config.mongodbDatabase
    const files = [
      ...readdirSync(join(folder, database)).map((name) => join(folder, database, name)),
      join(folder, 'manifest.json'),
    ]
    for (const file of files) expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })
  test('holds no key, no NHS number and no name of a child', () => {
    const keys = readKeysFile(join(server.dataDir, 'keys.json'))
    const secrets = [
      keys.hmac.key,
      ...keys.data.map(({ key }) => key),
      ...(load.families[0]?.children ?? []).map(({ nhsNumber }) => nhsNumber),
      'Beatrice',
    ]
    const database = server.context.config.mongodbDatabase
    for (const name of readdirSync(join(folder, database))) {
      const text = readFileSync(join(folder, database, name), 'latin1')
      for (const secret of secrets) expect(text.includes(secret)).toBe(false)
    }
    expect(outcome.manifest.keys).toEqual({ data: ['d1'], hmac: ['h1'] })
  })
  test('puts the window of the past back to what it was', async () => {
    const parameter = 'minSnapshotHistoryWindowInSeconds'
    const { [parameter]: seconds } = await client.db('admin').command({ getParameter: 1, [parameter]: 1 })
    expect(seconds).toBe(5)
    expect(outcome.isHistoryHeld).toBe(true)
  })
})

describe('the restored register', () => {
  test('P1 shows every plan that was acknowledged before the backup began', async () => {
    for (const { children } of load.families.filter(({ place }) => place === 'before')) {
      for (const { nhsNumber } of children) expect(bundleOf(await sendCheck(restored, nhsNumber)).total).toBe(1)
    }
  })
  test('shows nothing of what was sent after it had begun: it is of one point in time', async () => {
    for (const { children } of load.families.filter(({ place }) => place === 'after')) {
      for (const { nhsNumber } of children) expect(bundleOf(await sendCheck(restored, nhsNumber)).total).toBe(0)
    }
  })
  test('R16 has every Bundle wholly or not at all', async () => {
    for (const { children } of load.families) {
      const totals = await Promise.all(
        children.map(async ({ nhsNumber }) => bundleOf(await sendCheck(restored, nhsNumber)).total),
      )
      expect(new Set(totals).size).toBe(1)
    }
  })
  test('has versions without a gap, the last of which is current', async () => {
    const history = await restoredDb()
      .collection('episodesOfCareHistory')
      .aggregate<{ _id: string; versions: number[] }>([
        { $sort: { version: 1 } },
        { $group: { _id: '$id', versions: { $push: '$version' } } },
      ])
      .toArray()
    const current = new Map(
      (
        await restoredDb()
          .collection<{ _id: string; version: number; kind?: string }>('episodesOfCare')
          .find({ kind: { $exists: false } })
          .toArray()
      ).map(({ _id, version }) => [_id, version]),
    )
    expect(history.length).toBe(current.size)
    for (const { _id, versions } of history) {
      expect(versions).toEqual(versions.map((_, place) => place + 1))
      expect(current.get(_id)).toBe(versions.length)
    }
  })
  test('P2 has the record of every check that was answered before, and of none asked after', async () => {
    const recorded = new Set(await restoredDb().collection('auditEvents').distinct('requestId'))
    expect(load.checks.before.filter((one) => !recorded.has(one))).toEqual([])
    expect(load.checks.after.filter((one) => recorded.has(one))).toEqual([])
  })
  test('P2 has the record of every access and event that it has', async () => {
    const audits = new Set(
      (await restoredDb().collection<{ _id: string }>('auditEvents').find().toArray()).map(({ _id }) => _id),
    )
    const accesses = await restoredDb().collection<{ _id: string }>('accesses').find().toArray()
    const events = await restoredDb().collection('events').find().toArray()
    expect(accesses.length).toBeGreaterThan(5)
    expect(accesses.filter(({ _id }) => !audits.has(_id))).toEqual([])
    expect(events.filter(({ event }) => event.auditId !== undefined && !audits.has(event.auditId))).toEqual([])
  })
  test('has the numbers of a Subscription without a gap', async () => {
    const lanes = await restoredDb()
      .collection<{ _id: string; last: number }>('laneNumbers')
      .find({ last: { $gt: 0 } })
      .toArray()
    expect(lanes.length).toBeGreaterThan(0)
    for (const { _id, last } of lanes) {
      const numbers = await restoredDb()
        .collection('deliveries')
        .find({ subscription: _id })
        .sort({ number: 1 })
        .toArray()
      expect(numbers.map(({ number }) => number)).toEqual(
        Array.from({ length: numbers.length }, (_, place) => place + 1),
      )
      expect(numbers.length).toBeGreaterThanOrEqual(last)
    }
  })
  test('has the indexes that the database had', async () => {
    const names = async (url: string, database: string): Promise<string[]> => {
      const db = new MongoClient(url).db(database)
      const found = (await db.listCollections({}, { nameOnly: true }).toArray()).filter(
        ({ name }) => !name.startsWith('system.'),
      )
      const lists = await Promise.all(
        found.map(async ({ name }) =>
          (await db.collection(name).indexes()).map(
            (one) =>
              `${name} ${one.name} ${one.unique === true} ${JSON.stringify(one.partialFilterExpression)} ${one.expireAfterSeconds}`,
          ),
        ),
      )
      await db.client.close()
      return lists.flat().toSorted()
    }
    const { mongodbUrl = '', mongodbDatabase } = server.context.config
    expect(await names(target.url, target.database)).toEqual(await names(mongodbUrl, mongodbDatabase))
  })
  test('goes on: takes a new child and shows it', async () => {
    const [child] = buildChildren(1, random, taken)
    if (child === undefined) throw new Error('no child')
    await restored.send({ as: COUNCIL, body: buildTransaction(child, random) })
    expect(bundleOf(await sendCheck(restored, child.nhsNumber)).total).toBe(1)
  })
})

describe('what is refused', () => {
  let work: string
  let small: string
  const database = (): string => server.context.config.mongodbDatabase
  const keys = () => readKeysFile(join(server.dataDir, 'keys.json'))
  let copies = 0
  const copy = async (gzip = false): Promise<string> => {
    const where = join(work, `copy-${copies++}`)
    await writeBackup({ ...backupOptions(where), gzip })
    return where
  }

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'cpis-backup-'))
    small = await copy(true)
  })
  afterAll(() => rmSync(work, { recursive: true, force: true }))

  test('a folder that is not empty is not written over', async () => {
    writeFileSync(join(work, 'mine'), 'mine')
    await expect(writeBackup(backupOptions(work))).rejects.toThrow('is not empty')
  })
  test('a database without a register is not backed up', async () => {
    await expect(writeBackup({ ...backupOptions(join(work, 'none')), database: 'nothing_here' })).rejects.toThrow(
      'holds no register',
    )
  })
  test('a backup that broke off, without its manifest, is none', async () => {
    const where = await copy()
    rmSync(join(where, 'manifest.json'))
    await expect(checkBackup({ folder: where, keys: keys() })).rejects.toThrow('holds no whole backup')
  })
  test.each([
    ['longer', (file: string) => appendFileSync(file, 'x')],
    ['shorter', (file: string) => truncateSync(file, statSync(file).size - 1)],
    [
      'another',
      (file: string) => {
        const bytes = readFileSync(file)
        bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100)
        writeFileSync(file, bytes)
      },
    ],
    ['gone', (file: string) => rmSync(file)],
  ])('a file that is %s is found before anything is written', async (_name, spoil) => {
    const where = await copy()
    spoil(join(where, database(), 'flags.bson'))
    await expect(checkBackup({ folder: where, keys: keys() })).rejects.toThrow(/flags\.bson of the backup/)
  })
  test('a manifest that leads out of the folder is refused', async () => {
    const where = await copy()
    const file = join(where, 'manifest.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace(`${database()}/flags.bson`, '../../flags.bson'))
    await expect(checkBackup({ folder: where, keys: keys() })).rejects.toThrow('outside it')
  })
  test('keys of the same names but of another register are told in one line', async () => {
    await expect(checkBackup({ folder: small, keys: makeKeys() })).rejects.toThrow(
      /^The keys at hand are not those of this backup[^\n]*$/,
    )
  })
  test('the right data keys with another HMAC key are told too: nobody would be found', async () => {
    const mixed = { data: keys().data, hmac: makeKeys().hmac }
    await expect(checkBackup({ folder: small, keys: mixed })).rejects.toThrow('The keys at hand are not those')
  })
  test('a key that is not in the file is named', async () => {
    const other = { ...keys(), data: keys().data.map((one) => ({ ...one, id: 'd9' })) }
    await expect(checkBackup({ folder: small, keys: other })).rejects.toThrow('it needs d1, h1')
  })
  test('a database that is not empty is left as it is', async () => {
    const options = { url: target.url, database: target.database, folder: small, keys: keys() }
    const before = await restoredDb().collection('auditEvents').countDocuments()
    await expect(restoreBackup(options, await checkBackup(options))).rejects.toThrow('is not empty')
    expect(await restoredDb().collection('auditEvents').countDocuments()).toBe(before)
  })
  test('P1 a server does not start on half a restore, and the next restore begins anew', async () => {
    const half = testDatabase()
    const options = { url: half.url, database: half.database, folder: small, keys: keys() }
    const db = client.db(half.database)
    await setRestoreMark(db)
    await db.collection<{ _id: string }>('episodesOfCare').insertOne({ _id: 'left over' })
    const opening = openStore({ ...half, keys: keys(), clock: () => new Date(), log: pino({ level: 'silent' }) })
    await expect(opening).rejects.toThrow('a restore of')
    await restoreBackup(options, await checkBackup(options))
    expect(await db.collection<{ _id: string }>('episodesOfCare').findOne({ _id: 'left over' })).toBeNull()
    const store = await openStore({ ...half, keys: keys(), clock: () => new Date(), log: pino({ level: 'silent' }) })
    await store.close()
    await half.drop()
  })
})
