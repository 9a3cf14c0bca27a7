import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AuditRecord } from '../../src/domain/audit-record.ts'
import { buildCrypto } from '../../src/store/crypto.ts'
import type { AuditQuery } from '../../src/store/store.ts'
import {
  auditRecord,
  DERBY,
  nhsNumber,
  odsCode,
  openTestStore,
  SHEFFIELD,
  type TestStore,
} from '../support/test-store.ts'

const at = (minute: number): string => `2026-05-03T12:${String(minute).padStart(2, '0')}:00.000Z`
const KHAN = { id: 'khan', name: 'R. Khan', roleProfileId: 'profile-1', roleCode: 'R8001', roleName: 'Nurse' }
function withoutOperation(id: string, more: Partial<AuditRecord>): AuditRecord {
  const { operation: _operation, ...record } = auditRecord(id, more)
  return record
}

const RECORDS: readonly AuditRecord[] = [
  auditRecord('miss', { recorded: at(1), nhsNumber: nhsNumber('9990000018') }),
  auditRecord('hit', {
    recorded: at(2),
    nhsNumber: nhsNumber('9990000026'),
    caller: { kind: 'nhs-user', clientId: 'ed', tokenId: 't', user: KHAN, organization: odsCode('RCU') },
    entities: [{ type: 'EpisodeOfCare', id: 'plan-1', version: 3 }],
    incident: { id: 'incident-1', leg: 2, inSixMonths: 1 },
    authorities: [DERBY, SHEFFIELD],
    bodyHash: 'h',
  }),
  withoutOperation('write', {
    recorded: at(3),
    interaction: 'create',
    action: 'C',
    caller: { kind: 'la-supplier', clientId: 'la-system', tokenId: 't', authority: DERBY },
    entities: [{ type: 'EpisodeOfCare', id: 'plan-2', version: 1 }],
    authorities: [DERBY],
  }),
  auditRecord('refused', { recorded: at(3), outcome: '4', status: 403, codes: ['NOT_PERMITTED'] }),
]

let opened: TestStore
beforeAll(async () => {
  opened = await openTestStore()
  await opened.store.transact(async (unit) => {
    for (const one of RECORDS.slice(0, 2)) await unit.appendAudit(one)
  })
  for (const one of RECORDS.slice(2)) await opened.store.appendAudit(one)
})
afterAll(() => opened.close())

const idsOf = async (query: Omit<AuditQuery, 'limit'>): Promise<string[]> =>
  (await opened.store.read.audits({ ...query, limit: 10 })).map(({ id }) => id)

describe('audit records', () => {
  test('are inserted once: a used id is a duplicate, in a transaction and alone, and nothing else of it stays', async () => {
    const again = auditRecord('hit', { recorded: at(9) })
    await expect(opened.store.appendAudit(again)).rejects.toMatchObject({ kind: 'duplicate', on: 'audit' })
    const whole = opened.store.transact(async (unit) => {
      await unit.appendAudit(auditRecord('with-it'))
      await unit.appendAudit(again)
    })
    await expect(whole).rejects.toMatchObject({ kind: 'duplicate', on: 'audit' })
    expect(await idsOf({ ids: ['with-it', 'hit'] })).toEqual(['hit'])
    expect(await opened.store.read.audits({ ids: ['hit'], limit: 1 })).toEqual([RECORDS[1]])
  })

  test('50 parallel repetitions of one check leave one record', async () => {
    const repeat = () => opened.store.transact((unit) => unit.appendAudit(auditRecord('repeated', { recorded: at(0) })))
    const results = await Promise.allSettled(Array.from({ length: 50 }, repeat))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const one of results) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ kind: 'duplicate', on: 'audit' })
    }
  })

  test.each<[string, Omit<AuditQuery, 'limit'>, string[]]>([
    ['from an instant, newest first', { from: at(2) }, ['write', 'refused', 'hit']],
    ['before an instant', { from: at(1), before: at(2) }, ['miss']],
    ['of a child', { nhsNumber: nhsNumber('9990000026') }, ['hit']],
    ['of an authority', { authority: SHEFFIELD }, ['hit']],
    ['by id', { ids: ['miss', 'absent'] }, ['miss']],
    ['by user', { agents: ['khan'] }, ['hit']],
    ['by organisation', { agents: ['RCU'], from: at(1) }, ['refused', 'hit', 'miss']],
    ['by client', { agents: ['la-system'] }, ['write']],
    ['by operation', { subtypes: ['cpis-check'], from: at(1) }, ['refused', 'hit', 'miss']],
    ['by interaction', { subtypes: ['create', 'delete'] }, ['write']],
    ['by outcome', { outcomes: ['4', '8'] }, ['refused']],
    ['by resource', { entities: ['EpisodeOfCare/plan-1', 'Flag/plan-2'] }, ['hit']],
    ['by a resource’s id', { entities: ['plan-2'] }, ['write']],
    ['by incident', { incidents: ['incident-1'] }, ['hit']],
    ['all together', { authority: DERBY, outcomes: ['0'], subtypes: ['create'] }, ['write']],
    ['of nobody', { agents: [] }, []],
    ['of nothing', { entities: [] }, []],
  ])('are found %s', async (_name, query, expected) => {
    expect(await idsOf(query)).toEqual(expected)
    expect(await opened.store.read.countAudits(query)).toBe(expected.length)
  })

  test('are paged without a skip or a repetition', async () => {
    const paged: string[] = []
    let after: readonly [string, string] | undefined
    for (;;) {
      const [record] = await opened.store.read.audits({
        from: at(1),
        limit: 1,
        ...(after === undefined ? {} : { after }),
      })
      if (record === undefined) break
      paged.push(record.id)
      after = [record.recorded, record.id]
    }
    expect(paged).toEqual(['write', 'refused', 'hit', 'miss'])
  })

  test.each<[string, (key: string) => object, object]>([
    ['of a child', (key) => ({ subjectKey: key }), { recorded: -1 }],
    ['of an authority', () => ({ authorities: SHEFFIELD }), { recorded: -1 }],
    ['by time', () => ({ recorded: { $gte: at(2), $lt: at(3) } }), { recorded: -1, _id: -1 }],
  ])('%s are read by an index, none too many', async (_name, filter, sort) => {
    const key = buildCrypto(opened.keys).subjectKey(nhsNumber('9990000026'))
    const explained = await opened.store.handle.db
      .collection('auditEvents')
      .find(filter(key))
      .sort(sort as Record<string, -1>)
      .explain('executionStats')
    expect(explained['executionStats']).toMatchObject({ nReturned: 1, totalDocsExamined: 1 })
    expect(JSON.stringify(explained['queryPlanner'].winningPlan)).not.toMatch(/COLLSCAN|"SORT"/)
  })
})
