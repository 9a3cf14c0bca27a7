/** Checks that find nothing share their commits (storage.md "Transactions"), and lose nothing by it: P1, P2. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Collection, type Db, MongoServerError } from 'mongodb'
import { buildCrypto } from '../../src/store/crypto.ts'
import { buildLockQueues } from '../../src/store/lock-queue.ts'
import { buildMissGroup } from '../../src/store/miss-group.ts'
import { StoreError } from '../../src/store/store.ts'
import { auditRecord, NOON, nhsNumber, openTestStore, planRow, type TestStore } from '../support/test-store.ts'

let world: TestStore
beforeAll(async () => {
  world = await openTestStore()
})
afterAll(() => world.close())

const KNOWN = nhsNumber('9990000018')
const numberAt = (at: number) => nhsNumber(`99800${String(at).padStart(5, '0')}`)
const record = (at: number, id: string) => world.store.recordMiss(numberAt(at), auditRecord(id))
const isStored = async (id: string) => (await world.store.read.audits({ ids: [id], limit: 1 })).length === 1

/** The first insert of an audit record does this and fails, as on a network that comes back: the transaction runs again. */
function failOnce(db: Db, meanwhile: () => Promise<void>): Db {
  let isFirst = true
  const failing = async (): Promise<never> => {
    isFirst = false
    await meanwhile()
    const error = new MongoServerError({ message: 'once' })
    error.addErrorLabel('TransientTransactionError')
    throw error
  }
  const audits = (of: Collection): object => ({
    insertOne: (...given: Parameters<Collection['insertOne']>) => (isFirst ? failing() : of.insertOne(...given)),
    insertMany: (...given: Parameters<Collection['insertMany']>) => (isFirst ? failing() : of.insertMany(...given)),
  })
  const collection = (name: string): object => {
    const real = db.collection(name)
    return name === 'auditEvents' ? audits(real) : real
  }
  return { collection } as unknown as Db
}

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

  test('who was told to run alone is not recorded when the group runs again, though the plan is gone by then', async () => {
    await world.store.transact((unit) => unit.put(planRow({ id: 'going', number: numberAt(90_000) })))
    const { client, db } = world.store.handle
    const failing = failOnce(db, async () => {
      await db.collection<{ _id: string }>('episodesOfCare').deleteOne({ _id: 'going' })
    })
    const scope = { db: failing, crypto: buildCrypto(world.keys), clock: () => new Date(NOON) }
    const group = buildMissGroup(client, scope, buildLockQueues())
    const ids = ['told', 'beside'] as const
    const answers = [
      group.record(numberAt(90_000), auditRecord('told')),
      group.record(numberAt(90_001), auditRecord('beside')),
    ]
    expect(await Promise.all(answers)).toEqual([false, true])
    expect(await Promise.all(ids.map(isStored))).toEqual([false, true])
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
