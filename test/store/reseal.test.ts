/** Sealing again after a rotation (storage.md "Collections"): everything, once, beside writes; and what no key opens is left as it is. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Binary, MongoClient } from 'mongodb'
import { makeKeys } from '../../src/keys.ts'
import { SEALED_PLACES } from '../../src/store/sealed-places.ts'
import {
  auditRecord,
  DERBY,
  nhsNumber,
  openTestStore,
  planRow,
  resourceId,
  type TestStore,
} from '../support/test-store.ts'

const keys = makeKeys()
const TWO = [{ id: 'd2', key: randomBytes(32).toString('base64') }, ...keys.data]
const KEY3 = { id: 'd3', key: randomBytes(32).toString('base64') }
const PLANS = 300
const numberAt = (at: number): string => `99900${String(at).padStart(5, '0')}`
const always = async (): Promise<boolean> => true

interface Stored {
  readonly _id: string
  readonly body: { readonly key: string; readonly data: Binary }
}

describe('sealing again', () => {
  let opened: TestStore
  let client: MongoClient
  const plans = () => client.db(opened.database.database).collection<Stored>('episodesOfCare')

  beforeAll(async () => {
    opened = await openTestStore(keys)
    client = new MongoClient(opened.database.url)
    const { store } = opened
    for (let from = 0; from < PLANS; from += 50) {
      await store.transact(async (unit) => {
        for (let at = from; at < from + 50; at += 1) await unit.put(planRow({ id: `p${at}`, number: numberAt(at) }))
      })
    }
    await store.appendAudit(auditRecord('a1', { nhsNumber: nhsNumber(numberAt(1)) }))
    await store.claim('jti', 'one', new Date('2026-05-04T12:00:00Z'))
    store.useDataKeys(TWO)
  })
  afterAll(async () => {
    await client.close()
    await opened.close()
  })

  /** How many sealed values another key than this one sealed. */
  const stillOld = async (sealing: string): Promise<number> => {
    let count = 0
    for (const { collection, field } of SEALED_PLACES)
      count += await client
        .db(opened.database.database)
        .collection(collection)
        .countDocuments({ [`${field}.key`]: { $exists: true, $ne: sealing } })
    return count
  }

  test('stops where it is told to, and has marked nothing', async () => {
    let pages = 0
    const outcome = await opened.store.reseal.run({ mayGoOn: async () => pages++ < 1, page: 10 })
    expect(outcome).toEqual({ isWhole: false, resealed: 10, locked: [], unopened: 0 })
    expect(await opened.store.reseal.isDone()).toBe(false)
    expect(await stillOld('d2')).toBe(2 * PLANS + 2 - 10)
  })

  test('a record that no key opens is counted, and stays as it was', async () => {
    await plans().updateOne({ _id: 'p7' }, { $set: { 'body.key': 'd0' } })
    const outcome = await opened.store.reseal.run({ mayGoOn: always })
    expect(outcome).toMatchObject({ isWhole: false, unopened: 1 })
    expect(await opened.store.reseal.isDone()).toBe(false)
    expect((await plans().findOne({ _id: 'p7' }))?.body).toMatchObject({ key: 'd0' })
    await plans().updateOne({ _id: 'p7' }, { $set: { 'body.key': 'd1' } })
  })

  test('goes on beside writes, none of which fails or is lost', async () => {
    const { store } = opened
    let isOver = false
    const write = async (at: number): Promise<number> => {
      let version = 1
      while (!isOver) {
        version += 1
        const number = numberAt(at)
        await store.transact(async (unit) => {
          const row = await unit.of(DERBY, 'EpisodeOfCare').find(resourceId(`p${at}`))
          await unit.put(planRow({ id: `p${at}`, number, version: (row?.version ?? 0) + 1 }))
        })
      }
      return version
    }
    // the pass before did all but one: what the writers meet is sealed by a third key's turn
    store.useDataKeys([KEY3, ...TWO])
    const writers = [write(298), write(299)]
    let passes = 0
    while (!(await store.reseal.run({ mayGoOn: always, page: 20 })).isWhole && passes < 10) passes += 1
    isOver = true
    const versions = await Promise.all(writers)
    expect(passes).toBeLessThan(10)
    expect(await stillOld('d3')).toBe(0)
    expect(await store.reseal.isDone()).toBe(true)
    for (const [nth, version] of versions.entries()) {
      const row = await store.read.of(DERBY, 'EpisodeOfCare').find(resourceId(`p${298 + nth}`))
      expect(row?.version).toBe(version)
    }
  })

  test('leaves all readable by the new key alone, and is done until the next rotation', async () => {
    const { store } = opened
    store.useDataKeys([KEY3])
    for (let at = 0; at < PLANS; at += 1) {
      const row = await store.read.of(DERBY, 'EpisodeOfCare').find(resourceId(`p${at}`))
      expect(row?.index.nhsNumber).toBe(numberAt(at))
    }
    expect(await store.claims('jti')).toEqual(['one'])
    const [audit] = await store.read.audits({ ids: ['a1'], limit: 1 })
    expect(audit?.nhsNumber).toBe(numberAt(1))
    store.useDataKeys([{ id: 'd4', key: randomBytes(32).toString('base64') }, KEY3])
    expect(await store.reseal.isDone()).toBe(false)
  })
})
