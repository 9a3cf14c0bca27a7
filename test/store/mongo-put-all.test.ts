/** Versions of many rows in few calls, and locks that are taken with the writes (storage.md "Transactions"; R13, R15, R16). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { LockKey } from '../../src/store/store.ts'
import { DERBY, openTestStore, planRow, resourceId, SHEFFIELD, type TestStore } from '../support/test-store.ts'

let opened: TestStore
beforeAll(async () => {
  opened = await openTestStore()
})
afterAll(() => opened.close())

const plans = () => opened.store.read.of(DERBY, 'EpisodeOfCare')
const token = (value: string) => ({ system: 'urn:plan', value })

describe('versions of many rows', () => {
  test.each([
    ['a version that leaves one out', [planRow({ id: 'gap', version: 1 }), planRow({ id: 'gap', version: 3 })]],
    ['a second version of what is not there', [planRow({ id: 'none', version: 2 })]],
  ])('%s is a conflict, and nothing stays', async (_name, rows) => {
    const put = opened.store.transact((unit) => unit.putAll([planRow({ id: 'beside', version: 1 }), ...rows]))
    await expect(put).rejects.toMatchObject({ name: 'StoreError', kind: 'conflict' })
    expect(await plans().find(resourceId('beside'))).toBeUndefined()
  })

  test("another authority's row is not replaced", async () => {
    await opened.store.transact((unit) => unit.putAll([planRow({ id: 'theirs', owner: SHEFFIELD })]))
    const put = opened.store.transact((unit) => unit.putAll([planRow({ id: 'theirs', version: 2 })]))
    await expect(put).rejects.toMatchObject({ kind: 'conflict' })
  })

  test('R15 two rows with one unique identifier are a duplicate', async () => {
    const unique = { index: { unique: [token('u')], identifiers: [token('u')] } }
    const put = opened.store.transact((unit) =>
      unit.putAll([planRow({ id: 'u1', ...unique }), planRow({ id: 'u2', ...unique })]),
    )
    await expect(put).rejects.toMatchObject({ kind: 'duplicate', on: 'identifier' })
  })

  test('are what put makes of them one by one: new, changed, changed twice, deleted', async () => {
    await opened.store.transact((unit) => unit.putAll([planRow({ id: 'old' }), planRow({ id: 'gone' })]))
    const rows = [
      planRow({ id: 'new' }),
      planRow({ id: 'old', version: 2 }),
      planRow({ id: 'new', version: 2 }),
      planRow({ id: 'old', version: 3 }),
      planRow({ id: 'gone', version: 2, deleted: true }),
    ]
    await opened.store.transact((unit) => unit.putAll(rows))
    expect((await plans().find(resourceId('new')))?.version).toBe(2)
    expect(await plans().find(resourceId('old'))).toEqual(rows[3])
    expect((await plans().find(resourceId('gone')))?.deleted).toBe(true)
    const versions = await plans().history({ id: resourceId('old'), limit: 10 })
    expect(versions.map((one) => one.version)).toEqual([3, 2, 1])
    expect(await plans().findVersion(resourceId('old'), 2)).toEqual(rows[1])
  })

  test('none at all is nothing', async () => {
    await opened.store.transact((unit) => unit.putAll([]))
  })
})

describe('a lock that is taken after the reads', () => {
  const lock: LockKey = { kind: 'condition', owner: DERBY, text: 'late' }

  test.each([
    ['a guard that is new', 'fresh'],
    ['a guard that was there', 'known'],
  ])('R13 makes the transaction run again when another took it since: %s', async (_name, text) => {
    const key: LockKey = { ...lock, text }
    if (text === 'known') await opened.store.transact((unit) => unit.lock([key]))
    const seen: number[] = []
    const runs = { count: 0 }
    await opened.store.transact(async (unit) => {
      runs.count += 1
      const criteria = [{ field: 'identifier' as const, tokens: [token(text)] }]
      seen.push((await unit.of(DERBY, 'EpisodeOfCare').search({ criteria, limit: 5 })).length)
      if (runs.count === 1) {
        await opened.store.transact(async (other) => {
          await other.putAll([planRow({ id: `rival-${text}`, index: { identifiers: [token(text)] } })])
          await other.lock([key])
        })
      }
      await unit.lock([key])
    })
    expect(runs.count).toBeGreaterThan(1)
    expect(seen[0]).toBe(0)
    expect(seen.at(-1)).toBe(1)
  })
})
