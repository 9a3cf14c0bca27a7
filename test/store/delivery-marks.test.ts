/** Lanes mark side by side in few transactions, each under its own lease (delivery.md step 5). */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ResourceId } from '../../src/domain/brands.ts'
import { deliveryCollections } from '../../src/store/delivery-collections.ts'
import type { Attempt, Lease, NumberRange } from '../../src/store/delivery-store.ts'
import { DERBYSHIRE, eventOf, openWorld, type World } from '../delivery/world.ts'
import { waitFor } from '../support/wait-for.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

/** Lanes with so many events waiting each, all held. */
async function openLanes(count: number, each: number): Promise<readonly Lease[]> {
  const ids = Array.from({ length: count }, () => randomUUID() as ResourceId)
  const events = Array.from({ length: each }, (_, at) => eventOf(world, at))
  for (const event of events) await world.store.transact((unit) => unit.appendEvents([event]))
  const dispatcher = await waitFor('the lease', () => world.deliveries.takeDispatcher('the test'))
  const routings = events.map((event) => ({ event, subscriptions: ids }))
  expect(await world.deliveries.numberEvents(dispatcher, routings)).toBe(true)
  return Promise.all(
    ids.map((id) => waitFor('the lane', () => world.deliveries.takeLane({ id, authority: DERBYSHIRE }))),
  ).then((lanes) => lanes.map(({ lease }) => lease))
}

function attemptOf({ id }: Lease, from: number, through = from): Attempt & { readonly numbers: NumberRange } {
  const webhookId = `${id}_${from}_${through}`
  const at = world.context.clock()
  return { kind: 'events', numbers: { from, through }, webhookId, at, answer: '2xx', status: 200, durationMs: 3 }
}

async function commits(): Promise<number> {
  const status = await world.store.handle.db.admin().command({ serverStatus: 1 })
  return Number(status['transactions'].totalCommitted)
}

const collections = () => deliveryCollections(world.store.handle.db)
const deliveredIn = async ({ id }: Lease): Promise<number> =>
  collections().deliveries.countDocuments({ subscription: id as ResourceId, state: 'delivered' })

describe('marks', () => {
  test('150 lanes at once are all marked, in far fewer transactions', async () => {
    const leases = await openLanes(150, 2)
    const before = await commits()
    const marked = await Promise.all(
      leases.map((lease, nth) => world.deliveries.markDelivered(lease, attemptOf(lease, 1, nth % 2 === 0 ? 1 : 2))),
    )
    expect((await commits()) - before).toBeLessThan(20)
    expect(marked.every((isMarked) => isMarked)).toBe(true)
    for (const [nth, lease] of leases.slice(0, 4).entries()) {
      const through = nth % 2 === 0 ? 1 : 2
      expect(await world.deliveries.readLane(lease)).toMatchObject({
        deliveredThrough: through,
        lastNumber: 2,
        lastAnswer: { answer: '2xx', status: 200 },
      })
      expect(await deliveredIn(lease)).toBe(through)
      expect(await world.deliveries.attempts(lease.id as ResourceId, 5)).toHaveLength(1)
    }
  })

  test('a lane that has lost its lease marks nothing, and fails none of those beside it', async () => {
    const leases = await openLanes(6, 1)
    const [lost] = leases.slice(3)
    if (lost === undefined) throw new Error('no lane')
    await world.deliveries.releaseLane(lost)
    const marked = await Promise.all(leases.map((lease) => world.deliveries.markDelivered(lease, attemptOf(lease, 1))))
    expect(marked).toEqual([true, true, true, false, true, true])
    expect(await Promise.all(leases.map(deliveredIn))).toEqual([1, 1, 1, 0, 1, 1])
    expect(await world.deliveries.attempts(lost.id as ResourceId, 5)).toEqual([])
  })

  test('numbers are marked in their order, and once', async () => {
    const [lease] = await openLanes(1, 3)
    if (lease === undefined) throw new Error('no lane')
    expect(await world.deliveries.markDelivered(lease, attemptOf(lease, 2))).toBe(false)
    expect(await world.deliveries.markDelivered(lease, attemptOf(lease, 1, 2))).toBe(true)
    expect(await world.deliveries.markDelivered(lease, attemptOf(lease, 1, 2))).toBe(false)
    expect(await world.deliveries.markDelivered(lease, attemptOf(lease, 3))).toBe(true)
    expect(await deliveredIn(lease)).toBe(3)
  })

  test('a mark and a renewal prolong the lease; a lost one is not renewed, whoever asks beside it', async () => {
    const leases = await openLanes(3, 1)
    const [first, second, third] = leases
    if (first === undefined || second === undefined || third === undefined) throw new Error('no lane')
    const until = async ({ id }: Lease): Promise<number> =>
      (await collections().lanes.findOne({ _id: id as ResourceId }))?.until.getTime() ?? 0
    const before = await until(first)
    await world.deliveries.markDelivered(first, attemptOf(first, 1))
    expect(await until(first)).toBeGreaterThan(before)
    await world.deliveries.releaseLane(second)
    const beforeThird = await until(third)
    expect(await Promise.all([first, second, third].map(world.deliveries.renewLane))).toEqual([true, false, true])
    expect(await until(third)).toBeGreaterThan(beforeThird)
  })
})

test('lanes that a dead process left inside a transaction keep nobody from the others', async () => {
  const [stuck, free] = [await openLanes(20, 1), await openLanes(20, 1)]
  const names = [...stuck, ...free].map(({ id }) => ({ id: id as ResourceId, authority: DERBYSHIRE }))
  for (const lease of [...stuck, ...free]) await world.deliveries.releaseLane(lease)
  const session = world.store.handle.client.startSession()
  session.startTransaction()
  const ids = names.slice(0, stuck.length).map(({ id }) => id)
  await collections().lanes.updateMany({ _id: { $in: ids } }, { $set: { failures: 1 } }, { session })
  const taking = names.map((name) => world.deliveries.takeLane(name))
  // More lanes are stuck than the database has connections here: they must not take all of them.
  await world.store.ping()
  const taken = await Promise.all(taking)
  expect(taken.map((lane) => lane !== undefined)).toEqual(names.map((_, nth) => nth >= stuck.length))
  await session.abortTransaction()
  await session.endSession()
  expect(await world.deliveries.takeLane({ id: ids[0] ?? ('' as ResourceId), authority: DERBYSHIRE })).toBeDefined()
})
