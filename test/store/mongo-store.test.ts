import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Document, MongoClient } from 'mongodb'
import { pino } from 'pino'
import { makeKeys } from '../../src/keys.ts'
import { openStore } from '../../src/store/mongo-store.ts'
import { StoreError } from '../../src/store/store.ts'
import {
  accessOf,
  auditRecord,
  childKey,
  DERBY,
  nhsNumber,
  openTestStore,
  planRow,
  resourceId,
  SHEFFIELD,
  type TestStore,
} from '../support/test-store.ts'

let opened: TestStore
beforeAll(async () => {
  opened = await openTestStore()
})
afterAll(() => opened.close())

describe('a database that is not there', () => {
  test('is a transient StoreError within seconds, for opening and for every later call', async () => {
    const options = { database: 'x', keys: makeKeys(), clock: () => new Date(), log: pino({ level: 'silent' }) }
    const opening = openStore({ ...options, url: 'mongodb://127.0.0.1:1/?replicaSet=cpis' })
    await expect(opening).rejects.toMatchObject({ name: 'StoreError', kind: 'transient' })
  })
})

describe('transactions', () => {
  test('leave nothing behind when the work throws, and hand its own error on', async () => {
    const { store } = opened
    const refused = store.transact(async (unit) => {
      await unit.put(planRow({ id: 'rolled-back', number: '9990000001' }))
      await unit.appendAudit(auditRecord('rolled-back'))
      await unit.lockChild(childKey('rolled-back'))
      await unit.appendAccess(
        { childKey: childKey('rolled-back'), asked: nhsNumber('9990000101') },
        accessOf('rolled-back', '2026-05-03T12:00:00.000Z'),
      )
      throw new RangeError('no')
    })
    await expect(refused).rejects.toThrow(RangeError)
    expect(await store.read.of(DERBY, 'EpisodeOfCare').find(resourceId('rolled-back'))).toBeUndefined()
    expect(await store.read.of(DERBY, 'EpisodeOfCare').findVersion(resourceId('rolled-back'), 1)).toBeUndefined()
    expect(await store.read.plansOfChild(nhsNumber('9990000001'))).toEqual([])
    expect(await store.read.audits({ ids: ['rolled-back'], limit: 5 })).toEqual([])
    expect(await store.read.accesses(childKey('rolled-back'), { limit: 5 })).toEqual([])
    const raw = await countEverywhere(store.handle.db, { $or: [{ _id: /rolled-back/ }, { id: /rolled-back/ }] })
    expect(raw).toBe(0)
  })

  test('read one snapshot, and what they wrote themselves', async () => {
    const { store } = opened
    await store.transact(async (unit) => {
      expect(await unit.plansOfChild(nhsNumber('9990000002'))).toEqual([])
      await store.transact((other) => other.put(planRow({ id: 'meanwhile', number: '9990000002' })))
      expect(await unit.plansOfChild(nhsNumber('9990000002'))).toEqual([])
      await unit.put(planRow({ id: 'inside', number: '9990000002', owner: SHEFFIELD }))
      expect((await unit.plansOfChild(nhsNumber('9990000002'))).map(({ id }) => id)).toEqual(['inside'])
    })
    const after = await store.read.plansOfChild(nhsNumber('9990000002'))
    expect(after.map(({ id }) => id).sort()).toEqual(['inside', 'meanwhile'])
  })

  test('that take one lock run one after the other: 50 increments of one text are 50', async () => {
    const { store } = opened
    const key = { kind: 'condition', owner: DERBY, text: 'counter' } as const
    await store.transact((unit) => unit.put(planRow({ id: 'counter', index: { url: '0' } })))
    const increments = Array.from({ length: 50 }, () =>
      store.transact(async (unit) => {
        await unit.lock([key])
        const row = await unit.of(DERBY, 'EpisodeOfCare').find(resourceId('counter'))
        if (row === undefined) throw new Error('gone')
        const url = String(Number(row.index.url) + 1)
        await unit.put({ ...row, version: row.version + 1, index: { ...row.index, url } })
      }),
    )
    await Promise.all(increments)
    const row = await store.read.of(DERBY, 'EpisodeOfCare').find(resourceId('counter'))
    expect(row).toMatchObject({ version: 51, index: { url: '50' } })
  })

  test('that take two locks in opposite orders end', async () => {
    const { store } = opened
    const lock = (text: string) => ({ kind: 'condition', owner: DERBY, text }) as const
    const crossing = Array.from({ length: 20 }, (_, n) =>
      store.transact(async (unit) => {
        await unit.lock([lock(n % 2 === 0 ? 'a' : 'b')])
        await unit.lock([lock(n % 2 === 0 ? 'b' : 'a')])
        return n
      }),
    )
    expect(await Promise.all(crossing)).toHaveLength(20)
  })

  test('50 parallel creates under one unique token give one row and 49 refusals', async () => {
    const { store } = opened
    const token = { system: 'urn:la', value: 'race' }
    const creates = Array.from({ length: 50 }, (_, n) =>
      store.transact((unit) =>
        unit.put(planRow({ id: `race-${n}`, index: { identifiers: [token], unique: [token] } })),
      ),
    )
    const results = await Promise.allSettled(creates)
    expect(results.filter((one) => one.status === 'fulfilled')).toHaveLength(1)
    for (const one of results) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ kind: 'duplicate', on: 'identifier' })
    }
    const found = await store.read.of(DERBY, 'EpisodeOfCare').search({
      criteria: [{ field: 'identifier', tokens: [token] }],
      limit: 10,
    })
    expect(found).toHaveLength(1)
  })

  test('50 parallel conditional creates (lock, look, put) all succeed and give one row', async () => {
    const { store } = opened
    const token = { system: 'urn:la', value: 'conditional' }
    const creates = Array.from({ length: 50 }, (_, n) =>
      store.transact(async (unit) => {
        await unit.lock([{ kind: 'condition', owner: DERBY, text: 'conditional' }])
        const rows = unit.of(DERBY, 'EpisodeOfCare')
        const [held] = await rows.search({ criteria: [{ field: 'identifier', tokens: [token] }], limit: 1 })
        if (held !== undefined) return held.id
        await unit.put(planRow({ id: `conditional-${n}`, index: { identifiers: [token], unique: [token] } }))
        return resourceId(`conditional-${n}`)
      }),
    )
    expect(new Set(await Promise.all(creates)).size).toBe(1)
  })
})

describe('the child', () => {
  test('is remembered, and 30 checks at once see each other in order', async () => {
    const { store } = opened
    const key = childKey('busy-child')
    const legs = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        store.transact(async (unit) => {
          const state = await unit.lockChild(key)
          const legs = (state.incident?.legs ?? 0) + 1
          const at = '2026-05-03T12:00:00.000Z'
          const incident = { id: 'i', startedAt: at, lastAccessAt: at, legs, openedFor: [DERBY] }
          await unit.saveChild(key, { incident, incidents: [{ id: 'i', at }] })
          await unit.appendAccess({ childKey: key, asked: nhsNumber('9990000101') }, accessOf(`leg-${n}`, at))
          return legs
        }),
      ),
    )
    expect(legs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, n) => n + 1))
  })

  test('shows its accesses newest first, and to an authority only those it may see', async () => {
    const { store } = opened
    const key = childKey('history-child')
    await store.transact(async (unit) => {
      await unit.appendAccess(
        { childKey: key, asked: nhsNumber('9990000101') },
        accessOf('first', '2026-05-01T10:00:00.000Z'),
      )
      await unit.appendAccess(
        { childKey: key, asked: nhsNumber('9990000101') },
        accessOf('second', '2026-05-02T10:00:00.000Z', [DERBY, SHEFFIELD]),
      )
      await unit.appendAccess(
        { childKey: key, asked: nhsNumber('9990000101') },
        accessOf('third', '2026-05-03T10:00:00.000Z'),
      )
    })
    const ids = async (options: Parameters<typeof store.read.accesses>[1]) =>
      (await store.read.accesses(key, options)).map(({ id }) => id)
    expect(await ids({ limit: 2 })).toEqual(['third', 'second'])
    expect(await ids({ limit: 25, authority: SHEFFIELD })).toEqual(['second'])
    expect(await store.read.accesses(key, { limit: 1 })).toEqual([accessOf('third', '2026-05-03T10:00:00.000Z')])
  })
})

describe('claims', () => {
  test('50 parallel claims of one text succeed once, and again when it has run out', async () => {
    const { store, setNow } = opened
    const claim = () => store.claim('jti', 'once', new Date('2026-05-03T12:05:00.000Z'))
    const results = await Promise.all(Array.from({ length: 50 }, claim))
    expect(results.filter(Boolean)).toHaveLength(1)
    expect(await store.claim('other kind', 'once', new Date('2026-05-03T12:05:00.000Z'))).toBe(true)
    setNow('2026-05-03T12:05:00.000Z')
    expect(await store.claim('jti', 'once', new Date('2026-05-03T12:10:00.000Z'))).toBe(true)
    setNow('2026-05-03T12:00:00.000Z')
  })

  test('of a kind are listed while they hold', async () => {
    const { store, setNow } = opened
    await store.claim('revoked', 'client-1', new Date('2026-05-03T12:01:00.000Z'))
    await store.claim('revoked', 'client-2', new Date('2026-05-03T13:00:00.000Z'))
    expect([...(await store.claims('revoked'))].sort()).toEqual(['client-1', 'client-2'])
    setNow('2026-05-03T12:02:00.000Z')
    expect(await store.claims('revoked')).toEqual(['client-2'])
    setNow('2026-05-03T12:00:00.000Z')
  })

  test('outlive the injected clock by the time asked for, on the clock of the database', async () => {
    const { store } = opened
    await store.claim('jti', 'lifetime', new Date('2026-05-03T12:05:00.000Z'))
    const [{ leftMs } = { leftMs: undefined }] = await store.handle.db
      .collection('keys')
      .aggregate<Document>([
        { $sort: { expireAt: -1 } },
        { $project: { leftMs: { $subtract: ['$expireAt', '$$NOW'] } } },
      ])
      .toArray()
    expect(leftMs).toBeGreaterThan(200_000)
  })
})

describe('stored replies', () => {
  const identifier = { system: 'urn:la', value: 'bundle-1' }
  const reply = {
    bodyHash: 'abc',
    status: 200,
    body: { resourceType: 'Bundle', note: '$where' },
    versions: [{ type: 'EpisodeOfCare', id: resourceId('p'), version: 1 }],
  } as const

  test('come back to their owner until they run out, and the newest replaces the one before', async () => {
    const { store, setNow } = opened
    const until = new Date('2026-05-04T12:00:00.000Z')
    await store.transact((unit) => unit.saveBundleReply(DERBY, identifier, { ...reply, status: 400 }, until))
    await store.transact((unit) => unit.saveBundleReply(DERBY, identifier, reply, until))
    expect(await store.read.bundleReply(DERBY, identifier)).toEqual(reply)
    expect(await store.read.bundleReply(SHEFFIELD, identifier)).toBeUndefined()
    setNow('2026-05-04T12:00:00.000Z')
    expect(await store.read.bundleReply(DERBY, identifier)).toBeUndefined()
    setNow('2026-05-03T12:00:00.000Z')
  })
})

describe('events', () => {
  test('are new until the dispatcher has seen them', async () => {
    const { store } = opened
    const event = {
      id: 'e1',
      at: '2026-05-03T12:00:00.000Z',
      topic: 'child-checked',
      authority: DERBY,
      plans: [{ id: resourceId('p'), version: 1, type: 'CPP' }],
      caseStatus: 'open',
    } as const
    await store.transact((unit) => unit.appendEvents([event]))
    const document = await store.handle.db.collection<{ _id: string }>('events').findOne({ _id: 'e1' })
    expect(document).toMatchObject({ state: 'new', at: event.at, event })
  })
})

describe('the handle', () => {
  test('maps the errors of its transactions', async () => {
    const { store } = opened
    const collection = store.handle.db.collection<{ _id: string }>('lanes')
    const twice = store.handle.transact(async (session) => {
      await collection.insertOne({ _id: 'same' }, { session })
      await collection.insertOne({ _id: 'same' }, { session })
    })
    await expect(twice).rejects.toBeInstanceOf(StoreError)
    await expect(twice).rejects.toMatchObject({ kind: 'duplicate', on: 'other' })
  })
})

async function countEverywhere(db: TestStore['store']['handle']['db'], filter: object): Promise<number> {
  const names = (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name)
  const counts = await Promise.all(names.map((name) => db.collection(name).countDocuments(filter)))
  return counts.reduce((sum, one) => sum + one, 0)
}

test('closing a store frees its connections', async () => {
  const other = await openTestStore()
  await other.close()
  await expect(other.store.ping()).rejects.toMatchObject({ kind: 'transient' })
  const client = new MongoClient(other.database.url)
  const databases = await client.db('admin').admin().listDatabases()
  await client.close()
  expect(databases.databases.map(({ name }) => name)).not.toContain(other.database.database)
})
