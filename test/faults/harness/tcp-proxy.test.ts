/** The proxy of the fault harness, in front of the real database: each treatment does what its name says, and is over when it is lifted. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Collection, MongoClient, MongoNetworkError } from 'mongodb'
import { testDatabase } from '../../support/database.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

const database = testDatabase()
let proxy: TcpProxy
let through: MongoClient
let beside: MongoClient
const rows = (client: MongoClient): Collection<{ _id: number }> => client.db(database.database).collection('rows')

beforeAll(async () => {
  proxy = await startTcpProxy({ targetPort: Number(new URL(database.url).port) })
  const times = { serverSelectionTimeoutMS: 2_000, socketTimeoutMS: 2_000, retryWrites: false, retryReads: false }
  through = new MongoClient(`mongodb://127.0.0.1:${proxy.port}/?directConnection=true`, times)
  beside = await new MongoClient(database.url).connect()
  await rows(beside).insertOne({ _id: 0 })
})
beforeEach(() => proxy.treat(() => ({ kind: 'pass' })))
afterAll(async () => {
  await through.close()
  await beside.close()
  await proxy.close()
  await database.drop()
})

const count = (): Promise<number> => rows(through).countDocuments({ _id: 0 }, { maxTimeMS: 5_000 })

/** The driver forgets a broken connection at its first question, or at the next. */
const isWell = (): Promise<boolean> => waitFor('an answer', async () => (await count().catch(() => 0)) === 1)

async function durationOf(act: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await act()
  return performance.now() - from
}

describe('what passes', () => {
  test('passes as it is', async () => {
    expect(await count()).toBe(1)
  })

  test('is late by the delay, there and back', async () => {
    await count()
    proxy.treat(() => ({ kind: 'delay', ms: 200 }))
    expect(await durationOf(count)).toBeGreaterThanOrEqual(380)
  })

  test('takes the time that its bytes take', async () => {
    await count()
    proxy.treat(() => ({ kind: 'throttle', bytesPerSecond: 1_000 }))
    expect(await durationOf(count)).toBeGreaterThanOrEqual(150)
  })
})

describe('what does not', () => {
  test('fails where the connection is cut, and the next one is good', async () => {
    await count()
    proxy.treat(() => ({ kind: 'silent' }))
    const failing = expect(count()).rejects.toThrow()
    await waitFor('the question to be on its way', () => proxy.cut() > 0)
    await failing
    proxy.treat(() => ({ kind: 'pass' }))
    await isWell()
  })

  test('ends where it is refused, until it is let in again', async () => {
    proxy.treat(() => ({ kind: 'refuse' }))
    await expect(count()).rejects.toThrow()
    proxy.treat(() => ({ kind: 'pass' }))
    await isWell()
  })

  test('waits while all is silent, and is answered after that', async () => {
    await count()
    proxy.treat(() => ({ kind: 'silent' }))
    const counting = count()
    const isAnswered = await Promise.race([
      counting.then(() => true),
      new Promise((end) => setTimeout(end, 500, false)),
    ])
    expect(isAnswered).toBe(false)
    proxy.treat(() => ({ kind: 'pass' }))
    expect(await counting).toBe(1)
  })

  test('ends with both sides told that nothing more comes', async () => {
    await count()
    expect(proxy.halfClose()).toBeGreaterThan(0)
    await isWell()
  })
})

describe('a swallowed reply to a commit', () => {
  async function commit(_id: number): Promise<void> {
    const session = through.startSession()
    try {
      session.startTransaction({ writeConcern: { w: 'majority' } })
      await rows(through).insertOne({ _id }, { session })
      await session.commitTransaction()
    } finally {
      await session.endSession()
    }
  }
  const isThere = async (_id: number): Promise<boolean> => (await rows(beside).countDocuments({ _id })) === 1

  test('leaves the commit carried out, and the driver, which repeats it by itself, in no doubt', async () => {
    const isSwallowed = proxy.swallowCommits().then(() => proxy.stopSwallowing())
    await commit(42)
    expect([await isSwallowed, await isThere(42)]).toEqual([1, true])
  })

  test('leaves it in doubt where all are swallowed', async () => {
    const isSwallowed = proxy.swallowCommits()
    await expect(commit(43)).rejects.toThrow(MongoNetworkError)
    await isSwallowed
    expect(proxy.stopSwallowing()).toBeGreaterThan(1)
    expect(await isThere(43)).toBe(true)
    await isWell()
  })
})
