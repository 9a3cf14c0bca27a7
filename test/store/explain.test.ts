/** What each question costs the database, as its own profiler tells it: an index for every one, and documents examined bounded by what is answered, not by what is stored (measures.md; storage.md "Growth"). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Db, MongoClient } from 'mongodb'
import { type ProfiledOperation, profileOperations } from '../../bench/profiled-operations.ts'
import type { LondonDay, ResourceId } from '../../src/domain/brands.ts'
import type { RegisterEvent } from '../../src/domain/events.ts'
import { openDeliveryStore } from '../../src/store/mongo-delivery-store.ts'
import type { Criterion, Query } from '../../src/store/store.ts'
import {
  accessOf,
  auditRecord,
  DERBY,
  NOON,
  nhsNumber,
  openTestStore,
  planRow,
  resourceId,
  SHEFFIELD,
  type TestStore,
} from '../support/test-store.ts'

const PLANS = 1_500
const AUDITS = 3_000
const PAGE = 21
const BUSY = '9990000018'
const LONELY = '9990000026'
const NOBODY = '9990000034'
const TODAY = '2026-05-03' as LondonDay

let opened: TestStore
let client: MongoClient
let db: Db

beforeAll(async () => {
  opened = await openTestStore()
  client = new MongoClient(opened.database.url)
  db = client.db(opened.database.database)
  await fillPlans()
  await fillAudits()
}, 120_000)
afterAll(async () => {
  await client.close()
  await opened.close()
})

const stored = (place: number): string => `99${String(80_000_000 + place)}`
const minute = (place: number): string => new Date(Date.parse(NOON) - place * 60_000).toISOString()
const day = (place: number): string => new Date(Date.UTC(2025, 0, 1 + (place % 480))).toISOString().slice(0, 10)

/** Half of all plans are another authority's; one in fifty is finished, one in a hundred is parked, one in a hundred turns today. */
async function fillPlans(): Promise<void> {
  for (const owner of [DERBY, SHEFFIELD]) {
    const rows = Array.from({ length: PLANS }, (_, place) => {
      const id = `${owner}-${String((place * 7919) % PLANS).padStart(6, '0')}`
      const token = { system: 'https://plans.example', value: id }
      return planRow({
        id,
        owner,
        at: minute(place),
        ...(place % 100 === 1 ? {} : { number: place === 0 && owner === DERBY ? LONELY : stored(place) }),
        index: {
          identifiers: [token],
          unique: [token],
          status: place % 50 === 0 ? 'finished' : 'active',
          planType: place % 3 === 0 ? 'LAC' : 'CPP',
          start: day(place),
          patientId: resourceId(`patient-${id}`),
          turnsOn: place % 100 === 2 ? TODAY : '2030-01-01',
        },
      })
    })
    await opened.store.transact((unit) => unit.putAll(rows))
  }
}

/** 2 in 100 checks are hits of Derby's; all of them of one child. */
async function fillAudits(): Promise<void> {
  const busy = { childKey: opened.store.read.childKey(nhsNumber(BUSY)), asked: nhsNumber(BUSY) }
  for (let from = 0; from < AUDITS; from += 500) {
    await opened.store.transact(async (unit) => {
      for (let place = from; place < from + 500; place++) {
        const isHit = place % 10 === 0
        const number = nhsNumber(isHit ? BUSY : stored(place))
        const authorities = isHit ? [DERBY] : []
        await unit.appendAudit(
          auditRecord(`audit-${place}`, { recorded: minute(place), nhsNumber: number, authorities }),
        )
        if (isHit) await unit.appendAccess(busy, accessOf(`audit-${place}`, minute(place)))
      }
    })
  }
}

interface Bound {
  readonly documents: number
  /** Of the index; no bound but that of the documents when absent. */
  readonly keys?: number
}

/** Runs it once unseen, so that plans are chosen, then looks. */
async function look(work: () => Promise<unknown>): Promise<readonly ProfiledOperation[]> {
  await work()
  return (await profileOperations(db, work)).filter(({ collection }) => collection !== 'system.profile')
}

function expectBounded(done: readonly ProfiledOperation[], bound: Bound): void {
  expect(done.length).toBeGreaterThan(0)
  expect(done.filter(({ plan }) => plan.includes('COLLSCAN'))).toEqual([])
  const documents = done.reduce((sum, one) => sum + one.documentsExamined, 0)
  const keys = done.reduce((sum, one) => sum + one.keysExamined, 0)
  expect(documents).toBeLessThanOrEqual(bound.documents)
  expect(keys).toBeLessThanOrEqual(bound.keys ?? bound.documents * 2 + 10)
}

const read = (): TestStore['store']['read'] => opened.store.read
let checks = 0
const nextId = (): string => `explained-${checks++}`

describe('a check', () => {
  test('of a child whom nobody knows examines no document', async () => {
    const done = await look(() =>
      opened.store.recordMiss(nhsNumber(NOBODY), auditRecord(nextId(), { nhsNumber: nhsNumber(NOBODY) })),
    )
    expectBounded(done, { documents: 0 })
    expect(done.map(({ collection }) => collection)).toEqual(expect.arrayContaining(['episodesOfCare', 'auditEvents']))
  })
  test('of a child with one plan examines that plan', async () => {
    expectBounded(await look(() => read().plansOfChild(nhsNumber(LONELY))), { documents: 1 })
  })
  test('R19 reads 25 accesses of a history of hundreds', async () => {
    const childKey = read().childKey(nhsNumber(BUSY))
    expectBounded(await look(() => read().accesses(childKey, { limit: 25 })), { documents: 25, keys: 26 })
  })
  test('takes the child and adds its access, record and events by their ids alone', async () => {
    const childKey = read().childKey(nhsNumber(BUSY))
    const child = { childKey, asked: nhsNumber(BUSY) }
    const done = await look(() => {
      const id = nextId()
      return opened.store.transact(async (unit) => {
        const state = await unit.lockChild(childKey)
        await unit.appendAccess(child, accessOf(id, NOON))
        await unit.saveChild(childKey, state)
        await unit.appendAudit(auditRecord(id))
        await unit.appendEvents([eventOf(id)])
      })
    })
    expectBounded(done, { documents: 2 })
  })
})

function eventOf(id: string): RegisterEvent {
  return { id, at: NOON, topic: 'child-checked', authority: DERBY, plans: [], caseStatus: 'open' }
}

describe('what a write looks for', () => {
  test('plans by identifier, by number and by the child they name: one read, each part by its own index', async () => {
    const token = { system: 'https://plans.example', value: `${DERBY}-000007` }
    const criteria: readonly Criterion[] = [
      { field: 'identifier', tokens: [token, { ...token, value: `${DERBY}-000008` }] },
      { field: 'nhsNumber', anyOf: [LONELY, BUSY] },
      { field: 'patientToken', tokens: [token, { value: token.value }] },
    ]
    const found = await read().of(DERBY, 'EpisodeOfCare').searchAny(criteria, 50)
    expect(found.map(({ id }) => id as string).toSorted()).toEqual(
      [`${DERBY}-000000`, `${DERBY}-000007`, `${DERBY}-000008`].toSorted(),
    )
    const done = await look(() => read().of(DERBY, 'EpisodeOfCare').searchAny(criteria, 50))
    expect(done.length).toBe(1)
    expectBounded(done, { documents: 3 })
  })
})

describe('a search of the audit', () => {
  test.each([
    ['by child', () => read().audits({ nhsNumber: nhsNumber(BUSY), limit: PAGE })],
    ['by authority', () => read().audits({ authority: DERBY, limit: PAGE })],
    [
      'by authority and date',
      () => read().audits({ authority: DERBY, from: minute(2_000), before: minute(500), limit: PAGE }),
    ],
    ['by date', () => read().audits({ from: minute(2_000), before: minute(500), limit: PAGE })],
    ['by child and date', () => read().audits({ nhsNumber: nhsNumber(BUSY), before: minute(500), limit: PAGE })],
    ['without anything, its next page', () => read().audits({ limit: PAGE, after: [minute(700), 'audit-700'] })],
    [
      'by child, its next page',
      () => read().audits({ nhsNumber: nhsNumber(BUSY), limit: PAGE, after: [minute(700), 'audit-700'] }),
    ],
    [
      'by authority, its next page',
      () => read().audits({ authority: DERBY, limit: PAGE, after: [minute(700), 'audit-700'] }),
    ],
    ['by id', () => read().audits({ ids: ['audit-7'], limit: 1 })],
  ])('%s examines a page', async (_name, work) => {
    expectBounded(await look(work), { documents: PAGE + 1 })
  })
  test('of accesses not yet answered examines them in the order of an index, and the records of a page', async () => {
    const done = await look(() => read().audits({ authority: DERBY, acknowledged: false, limit: PAGE }))
    // An aggregation reads ahead: of a longer worklist 4 MB of accesses
    expectBounded(done, { documents: AUDITS / 10 + checks + 2 * PAGE })
    expect(done.filter(({ isSorted }) => isSorted)).toEqual([])
  })
})

const ID = `${DERBY}-000007`
const search =
  (criteria: readonly Criterion[], more: Partial<Query> = {}) =>
  () =>
    read()
      .of(DERBY, 'EpisodeOfCare')
      .search({ criteria, limit: PAGE, ...more })
const byDay = { field: 'lastUpdated', descending: true } as const
const byStart = { field: 'start', descending: false } as const

describe('a search of plans', () => {
  test.each([
    ['_id', search([{ field: 'id', anyOf: [ID] }]), 1],
    ['identifier', search([{ field: 'identifier', tokens: [{ system: 'https://plans.example', value: ID }] }]), 1],
    ['patient', search([{ field: 'patientId', anyOf: [`patient-${ID}`] }]), 1],
    ['patient:identifier and nhs-number', search([{ field: 'nhsNumber', anyOf: [LONELY] }]), 1],
    ['nhs-number:missing', search([{ field: 'nhsNumber', missing: true }]), PAGE],
    ['status of most', search([{ field: 'status', anyOf: ['active'] }]), PAGE],
    ['status of few', search([{ field: 'status', anyOf: ['finished'] }]), PAGE],
    ['type of most', search([{ field: 'planType', anyOf: ['CPP'] }]), 2 * PAGE],
    ['nothing', search([]), PAGE],
    ['nothing, its next page', search([], { after: [ID, ID] }), PAGE],
    ['status, its next page', search([{ field: 'status', anyOf: ['active'] }], { after: [ID, ID] }), PAGE],
    ['_lastUpdated', search([{ field: 'lastUpdated', from: minute(200), before: minute(100) }], { sort: byDay }), PAGE],
    ['nothing, newest first, its next page', search([], { sort: byDay, after: [minute(200), ID] }), PAGE + 1],
    ['nothing, by date', search([], { sort: byStart }), PAGE],
    ['date, by date', search([{ field: 'start', from: '2025-03-01', before: '2025-04-01' }], { sort: byStart }), PAGE],
  ] as const)('by %s examines what it answers', async (_name, work, documents) => {
    expectBounded(await look(work), { documents })
  })
})

describe('the work of the day and of delivery', () => {
  test('R12 plans that turn are one range of an index', async () => {
    expectBounded(await look(() => read().turningPlans(TODAY, { limit: 10 })), { documents: 11 })
  })
  test('R17 parked plans to tell are one range of an index', async () => {
    expectBounded(await look(() => read().plansToTell('missing', TODAY, { limit: 10 })), { documents: 11 })
  })
  test('R23 plans under replaced numbers are none here, and none is examined', async () => {
    expectBounded(await look(() => read().plansToTell('superseded', TODAY, { limit: 10 })), { documents: 0 })
  })
  test('new events are found without those that were numbered', async () => {
    const deliveries = await openDeliveryStore(opened.store.handle)
    await db.collection('events').insertMany(
      Array.from({ length: 500 }, (_, place) => ({
        state: 'numbered',
        at: minute(place),
        event: eventOf(`done-${place}`),
      })),
    )
    expectBounded(await look(() => deliveries.newEvents(10)), { documents: 10 })
  })
  test('what waits in a lane is read from its place on', async () => {
    const deliveries = await openDeliveryStore(opened.store.handle)
    const subscription = resourceId('lane') as ResourceId
    await db.collection<{ _id: string }>('deliveries').insertMany(
      Array.from({ length: 1_000 }, (_, at) => ({
        _id: `lane:${at + 1}`,
        subscription,
        number: at + 1,
        state: at < 800 ? 'delivered' : 'waiting',
        event: eventOf(`lane-${at}`),
      })),
    )
    expectBounded(await look(() => deliveries.waiting(subscription, 800, 50)), { documents: 51 })
    // There are as many lanes as Subscriptions: those are gone through
    const due = await look(() => deliveries.dueLanes({ now: new Date(NOON), latest: new Date(NOON) }, 20))
    expectBounded(
      due.filter(({ collection }) => collection !== 'lanes'),
      { documents: 0 },
    )
  })
})
