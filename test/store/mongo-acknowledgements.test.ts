/** Answers to accesses in a real database: insert-only, one sequence for each authority and access, and a worklist by an index, old accesses included. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { pino } from 'pino'
import type { Acknowledgement } from '../../src/domain/acknowledgement.ts'
import { migrate } from '../../src/store/migrations.ts'
import {
  accessOf,
  auditRecord,
  childKey,
  DERBY,
  nhsNumber,
  openTestStore,
  SHEFFIELD,
  type TestStore,
} from '../support/test-store.ts'

let opened: TestStore
beforeAll(async () => {
  opened = await openTestStore()
})
afterAll(() => opened.close())

const at = (minute: number): string => `2026-05-03T12:${String(minute).padStart(2, '0')}:00.000Z`
const INCIDENT = { id: 'i1', leg: 1, inSixMonths: 1 }

async function makeAccess(id: string, minute: number, authorities = [DERBY]): Promise<void> {
  await opened.store.transact(async (unit) => {
    await unit.appendAudit(auditRecord(id, { recorded: at(minute), incident: INCIDENT, authorities }))
    const child = { childKey: childKey('c'), asked: nhsNumber('9990000101') }
    await unit.appendAccess(child, accessOf(id, at(minute), authorities))
  })
}

const answerOf = (auditEvent: string, more: Partial<Acknowledgement> = {}): Acknowledgement => ({
  id: `${auditEvent}-${more.authority ?? DERBY}-${more.sequence ?? 1}`,
  auditEvent,
  authority: DERBY,
  sequence: 1,
  code: 'seen',
  by: 'duty worker',
  recorded: at(30),
  requestId: 'r',
  ...more,
})
const keep = (one: Acknowledgement): Promise<void> => opened.store.transact((unit) => unit.appendAcknowledgement(one))
const worklist = async (acknowledged: boolean, authority = DERBY): Promise<string[]> =>
  (await opened.store.read.audits({ authority, acknowledged, limit: 50 })).map(({ id }) => id)

describe('an answer', () => {
  test('to an access of another authority, or to none, is a conflict and leaves nothing', async () => {
    await makeAccess('theirs', 1, [SHEFFIELD])
    await expect(keep(answerOf('theirs'))).rejects.toMatchObject({ name: 'StoreError', kind: 'conflict' })
    await expect(keep(answerOf('nothing'))).rejects.toMatchObject({ name: 'StoreError', kind: 'conflict' })
    expect(await opened.store.read.acknowledgements(DERBY, ['theirs', 'nothing'])).toEqual([])
    expect(await worklist(false, SHEFFIELD)).toEqual(['theirs'])
  })

  test('is kept whole beside earlier ones, and a sequence number is given once', async () => {
    await makeAccess('both', 2, [DERBY, SHEFFIELD])
    const given = [answerOf('both'), answerOf('both', { sequence: 2, code: 'acting' })]
    for (const one of given) await keep(one)
    await expect(keep(answerOf('both', { id: 'another', sequence: 2 }))).rejects.toMatchObject({ kind: 'duplicate' })
    expect(await opened.store.read.acknowledgements(DERBY, ['both'])).toEqual(given)
    expect(await opened.store.read.acknowledgements(SHEFFIELD, ['both'])).toEqual([])
  })

  test('moves the access for its own authority only, and the history of the child shows nothing of it', async () => {
    expect([await worklist(true), await worklist(false)]).toEqual([['both'], []])
    expect([await worklist(true, SHEFFIELD), await worklist(false, SHEFFIELD)]).toEqual([[], ['both', 'theirs']])
    const [newest] = await opened.store.read.accesses(childKey('c'), { limit: 1 })
    expect(newest).toEqual(accessOf('both', at(2), [DERBY, SHEFFIELD]))
  })
})

describe('the worklist', () => {
  test('goes by an index, however much is answered', async () => {
    const stages = [{ $match: { $and: [{ unacknowledged: DERBY }] } }, { $sort: { at: -1, _id: -1 } }]
    const plan = JSON.stringify(await opened.store.handle.db.collection('accesses').aggregate(stages).explain())
    expect(plan).toContain('"indexName":"unacknowledged_1_at_-1__id_-1"')
    expect(plan).not.toMatch(/"stage":"(COLLSCAN|SORT)"/)
  })

  test('what is answered goes by an index too', async () => {
    const stages = [{ $match: { $and: [{ acknowledged: DERBY }] } }, { $sort: { at: -1, _id: -1 } }]
    const plan = JSON.stringify(await opened.store.handle.db.collection('accesses').aggregate(stages).explain())
    expect(plan).toContain('"indexName":"acknowledged_1_at_-1__id_-1"')
    expect(plan).not.toMatch(/"stage":"(COLLSCAN|SORT)"/)
  })

  test('is counted, with bounds and with what only the record tells', async () => {
    const count = (more: object): Promise<number> => opened.store.read.countAudits({ authority: SHEFFIELD, ...more })
    expect(await count({ acknowledged: false })).toBe(2)
    expect(await count({ acknowledged: false, before: at(2) })).toBe(1)
    expect(await count({ acknowledged: false, from: at(2) })).toBe(1)
    expect(await count({ acknowledged: true })).toBe(0)
    expect(await count({ acknowledged: false, subtypes: ['cpis-check'] })).toBe(2)
    expect(await count({ acknowledged: false, subtypes: ['create'] })).toBe(0)
  })

  test('is never one of all authorities', async () => {
    await expect(opened.store.read.audits({ acknowledged: false, limit: 1 })).rejects.toThrow('authority')
    await expect(opened.store.read.countAudits({ acknowledged: false })).rejects.toThrow('authority')
  })

  test('holds the accesses of before there were answers, after the migration', async () => {
    await makeAccess('old', 3)
    const { db } = opened.store.handle
    await db.collection('accesses').updateOne({ _id: 'old' as never }, { $unset: { unacknowledged: 1 } })
    await db.collection('migrations').deleteOne({ name: 'acknowledgements' })
    expect(await worklist(false)).toEqual([])
    await migrate(db, { holder: 'test', log: pino({ level: 'silent' }) })
    expect([await worklist(false), await worklist(true)]).toEqual([['old'], ['both']])
  })
})
