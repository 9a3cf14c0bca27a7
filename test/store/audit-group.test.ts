/** Audit records of reads and refusals that come together share a write; each is told of for itself (P2). */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { profileOperations } from '../../bench/profiled-operations.ts'
import { auditRecord, openTestStore, type TestStore } from '../support/test-store.ts'

let opened: TestStore
beforeAll(async () => {
  opened = await openTestStore()
})
afterAll(() => opened.close())

const append = (ids: readonly string[]) =>
  Promise.allSettled(ids.map((id) => opened.store.appendAudit(auditRecord(id))))
const stored = (ids: readonly string[]): Promise<number> => opened.store.read.countAudits({ ids })

test('P2 forty at once are all stored, in three writes', async () => {
  const ids = Array.from({ length: 40 }, (_, at) => `many-${at}`)
  const done = await profileOperations(opened.store.handle.db, async () => {
    expect((await append(ids)).map((one) => one.status)).toEqual(Array(40).fill('fulfilled'))
  })
  expect(done.filter(({ op, collection }) => op === 'insert' && collection === 'auditEvents').length).toBe(3)
  expect(await stored(ids)).toBe(40)
})

test('who used an id again is told so, and fails no other one of the write', async () => {
  await opened.store.appendAudit(auditRecord('used'))
  const ids = ['first', 'second', 'third', 'used', 'fourth', 'third', 'fifth']
  const settled = await append(ids)
  expect(settled.map((one) => one.status === 'fulfilled')).toEqual([true, true, true, false, true, false, true])
  for (const place of [3, 5])
    expect(settled[place]).toMatchObject({ reason: { name: 'StoreError', kind: 'duplicate', on: 'audit' } })
  expect(await stored(ids)).toBe(6)
})

test('a lone one whose id was used is told so', async () => {
  await opened.store.appendAudit(auditRecord('lonely'))
  await expect(opened.store.appendAudit(auditRecord('lonely'))).rejects.toMatchObject({
    kind: 'duplicate',
    on: 'audit',
  })
})

test('P1 without its database none is taken for stored', async () => {
  const other = await openTestStore(opened.keys)
  await other.store.close()
  const settled = await Promise.allSettled(['a', 'b', 'c', 'd'].map((id) => other.store.appendAudit(auditRecord(id))))
  expect(settled.map((one) => one.status)).toEqual(Array(4).fill('rejected'))
  for (const one of settled) expect(one).toMatchObject({ reason: { name: 'StoreError', kind: 'transient' } })
  await other.database.drop()
})
