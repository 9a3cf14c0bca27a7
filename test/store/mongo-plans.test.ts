import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Document } from 'mongodb'
import { pino } from 'pino'
import { buildCrypto } from '../../src/store/crypto.ts'
import { openStore } from '../../src/store/mongo-store.ts'
import type { PlanOfChild } from '../../src/store/store.ts'
import {
  auditRecord,
  NOON,
  nhsNumber,
  openTestStore,
  planRow,
  SHEFFIELD,
  type TestStore,
} from '../support/test-store.ts'

const CHILD = '9990000101'
const OLD = '9990000102'
const OLDER = '9990000103'
const MOTHER = '9990000104'
const GRANDMOTHER = '9990000105'
const MANY = '9990000106'

let opened: TestStore
const keyOf = (number: string): string => buildCrypto(opened.keys).subjectKey(nhsNumber(number))

/** As issue 4 of the register writes them: a pointer under each further number. */
async function link(number: string, leadsTo: string, via: 'superseded' | 'mother', child: string): Promise<void> {
  const pointer = { kind: 'pointer', subjectKey: keyOf(number), live: true, leadsTo: keyOf(leadsTo), via }
  await opened.store.handle.db
    .collection<Document & { _id: string }>('episodesOfCare')
    .insertOne({ _id: `pointer/${number}/${leadsTo}`, ...pointer, childKey: keyOf(child) })
}

beforeAll(async () => {
  opened = await openTestStore()
  await opened.store.transact(async (unit) => {
    await unit.put(planRow({ id: 'own', number: CHILD, index: { end: '2026-04-01', birthDate: '2015' } }))
    await unit.put(planRow({ id: 'other', number: CHILD, owner: SHEFFIELD, type: 'LAC' }))
    await unit.put(planRow({ id: 'withdrawn', number: CHILD, index: { withdrawn: true } }))
    await unit.put(planRow({ id: 'deleted', number: CHILD }))
    await unit.put(planRow({ id: 'deleted', number: CHILD, version: 2, deleted: true }))
    await unit.put(planRow({ id: 'parked' }))
    await unit.put(planRow({ id: 'old', number: OLD }))
    await unit.put(planRow({ id: 'older', number: OLDER }))
    await unit.put(planRow({ id: 'unborn', number: MOTHER, type: 'UCPP', index: { expectedDelivery: '2026-08-01' } }))
    await unit.put(planRow({ id: 'mothers-own', number: MOTHER }))
    await unit.put(planRow({ id: 'mothers-unborn-time', number: GRANDMOTHER, type: 'UCPP' }))
    for (let n = 0; n < 200; n++) await unit.put(planRow({ id: `crowd-${n}`, number: `99900010${n}` }))
  })
})
afterAll(() => opened.close())

const found = async (number: string): Promise<readonly PlanOfChild[]> =>
  (await opened.store.read.plansOfChild(nhsNumber(number))).toSorted((a, b) => (a.id < b.id ? -1 : 1))
const ids = async (number: string): Promise<string[]> => (await found(number)).map(({ id }) => id)

describe('the plans of a child', () => {
  test('R4 R7 are those of all authorities, less the withdrawn and deleted, as facts without a body', async () => {
    expect(await found(CHILD)).toEqual([
      {
        id: 'other',
        version: 1,
        flagId: 'other-flag',
        owner: SHEFFIELD,
        type: 'LAC',
        start: '2026-01-05',
        withdrawn: false,
        nhsNumber: CHILD,
        via: 'own',
        childKey: keyOf(CHILD),
      },
      {
        id: 'own',
        version: 1,
        flagId: 'own-flag',
        owner: 'E10000007',
        type: 'CPP',
        start: '2026-01-05',
        end: '2026-04-01',
        withdrawn: false,
        nhsNumber: CHILD,
        birthDate: '2015',
        via: 'own',
        childKey: keyOf(CHILD),
      },
    ])
  })

  test('of an unknown number are none', async () => {
    expect(await found('9990000199')).toEqual([])
  })

  test('R23 R24 found through pointers carry how and whose they are; loops end, and a mother leads to unborn plans only', async () => {
    await link(OLD, OLDER, 'superseded', CHILD)
    await link(OLDER, OLD, 'superseded', CHILD)
    expect(await ids(OLD)).toEqual(['old', 'older'])
    expect((await found(OLDER)).map(({ id, via, childKey }) => [id, via, childKey])).toEqual([
      ['old', 'superseded', keyOf(CHILD)],
      ['older', 'own', keyOf(CHILD)],
    ])
    await link(MANY, MOTHER, 'mother', MANY)
    await link(MOTHER, GRANDMOTHER, 'mother', MOTHER)
    const [unborn, ...others] = await found(MANY)
    expect(others).toEqual([])
    expect(unborn).toMatchObject({ id: 'unborn', via: 'mother', childKey: keyOf(MANY), expectedDelivery: '2026-08-01' })
    expect(unborn).not.toHaveProperty('nhsNumber')
    expect(await ids(MOTHER)).toEqual(['mothers-own', 'mothers-unborn-time', 'unborn'])
  })

  test('a plan without its facts is no "nothing known" but a fault (P1)', async () => {
    const { _id, ...rest } = await rawPlan('own')
    const broken = { ...rest, subjectKey: keyOf('9990000198') }
    const plans = opened.store.handle.db.collection<Document & { _id: string }>('episodesOfCare')
    await plans.insertOne({ _id: 'broken', ...broken })
    await plans.updateOne({ _id: 'broken' }, { $unset: { start: true } })
    await expect(found('9990000198')).rejects.toMatchObject({ kind: 'transient' })
  })
})

describe('what a check costs', () => {
  test.each([
    ['nothing known', '9990000199', 0],
    ['one plan', '99900010150', 1],
  ])('%s: one index, no document more than the answer', async (_name, number, count) => {
    const explained = await opened.store.handle.db
      .collection('episodesOfCare')
      .find({ subjectKey: keyOf(number), live: true })
      .explain('executionStats')
    expect(explained['executionStats']).toMatchObject({
      nReturned: count,
      totalDocsExamined: count,
      totalKeysExamined: count,
    })
  })

  test('a miss is one find and one insert in one transaction', async () => {
    const commands: string[] = []
    const { database, keys } = opened
    const options = { database: database.database, keys, clock: () => new Date(NOON), log: pino({ level: 'silent' }) }
    const store = await openStore({ ...options, url: `${database.url}&monitorCommands=true` })
    store.handle.client.on('commandStarted', ({ commandName }) => commands.push(commandName))
    await store.transact(async (unit) => {
      await unit.plansOfChild(nhsNumber('9990000199'))
      await unit.appendAudit(auditRecord('miss', { nhsNumber: nhsNumber('9990000199') }))
    })
    await store.close()
    expect(commands).toEqual(['find', 'insert', 'commitTransaction', 'endSessions'])
  })
})

async function rawPlan(id: string): Promise<Document & { _id: string }> {
  const document = await opened.store.handle.db
    .collection<Document & { _id: string }>('episodesOfCare')
    .findOne({ _id: id })
  if (document === null) throw new Error('not there')
  return document
}
