/** Checks that find nothing share their commits (storage.md "Transactions"), and lose nothing by it: P1, P2. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { StoreError } from '../../src/store/store.ts'
import { auditRecord, nhsNumber, openTestStore, planRow, type TestStore } from '../support/test-store.ts'

let world: TestStore
beforeAll(async () => {
  world = await openTestStore()
})
afterAll(() => world.close())

const KNOWN = nhsNumber('9990000018')
const numberAt = (at: number) => nhsNumber(`99800${String(at).padStart(5, '0')}`)
const record = (at: number, id: string) => world.store.recordMiss(numberAt(at), auditRecord(id))
const isStored = async (id: string) => (await world.store.read.audits({ ids: [id], limit: 1 })).length === 1

async function commits(): Promise<number> {
  const status = await world.store.handle.db.admin().command({ serverStatus: 1 })
  return Number(status['transactions'].totalCommitted)
}

describe('checks that find nothing', () => {
  test('300 at once are all recorded, in far fewer transactions', async () => {
    const before = await commits()
    const answers = await Promise.all(Array.from({ length: 300 }, (_, at) => record(at, `many-${at}`)))
    expect(answers.every((isMiss) => isMiss)).toBe(true)
    expect(await world.store.read.countAudits({})).toBeGreaterThanOrEqual(300)
    expect((await commits()) - before).toBeLessThan(30)
  })

  test('a number with a live plan leaves the group unrecorded; those beside it are recorded', async () => {
    await world.store.transact((unit) => unit.put(planRow({ id: 'live', number: KNOWN })))
    const known = world.store.recordMiss(KNOWN, auditRecord('of-known'))
    const others = [1, 2, 3].map((at) => record(at, `beside-${at}`))
    expect([await known, ...(await Promise.all(others))]).toEqual([false, true, true, true])
    expect([await isStored('of-known'), await isStored('beside-2')]).toEqual([false, true])
  })

  test('a repeated id fails alone', async () => {
    const settled = await Promise.allSettled(['a', 'b', 'many-7', 'c', 'b'].map((id, at) => record(at, id)))
    expect(settled.map((one) => one.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'rejected'])
    for (const one of settled) {
      if (one.status === 'rejected') expect([one.reason instanceof StoreError, one.reason.on]).toEqual([true, 'audit'])
    }
    expect(await isStored('c')).toBe(true)
  })

  test('P1 what was acknowledged before a check began is seen by it, however many are under way', async () => {
    for (let round = 0; round < 20; round += 1) {
      const number = nhsNumber(`99700${String(round).padStart(5, '0')}`)
      const crowd = Array.from({ length: 20 }, (_, at) => record(at, `crowd-${round}-${at}`))
      await world.store.transact((unit) => unit.put(planRow({ id: `fresh-${round}`, number })))
      expect(await world.store.recordMiss(number, auditRecord(`fresh-${round}`))).toBe(false)
      await Promise.all(crowd)
    }
  })
})
