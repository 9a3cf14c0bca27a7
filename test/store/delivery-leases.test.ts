/** Leases when the database's clock has been set back, as on a machine that starts with a wrong one: nobody waits until it has caught up (delivery.md step 2). */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Collection } from 'mongodb'
import type { ResourceId } from '../../src/domain/brands.ts'
import { COLLECTIONS } from '../../src/store/collections.ts'
import { deliveryCollections } from '../../src/store/delivery-collections.ts'
import { LEASE_MS } from '../../src/store/delivery-store.ts'
import { migrate } from '../../src/store/migrations.ts'
import { DERBYSHIRE, eventOf, openWorld, type World } from '../delivery/world.ts'

const HOUR = 3_600_000

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const db = () => world.store.handle.db

/** As if the database's clock had been set back by so much since the lease was taken. */
async function setBack<T extends { readonly _id: string }>(
  leases: Pick<Collection<T>, 'updateOne'>,
  id: string,
  ms: number,
): Promise<void> {
  const moved = await leases.updateOne({ _id: id } as never, [{ $set: { until: { $add: ['$$NOW', LEASE_MS, ms] } } }])
  expect(moved.matchedCount).toBe(1)
}

test('work: another takes it from a process that is gone, which writes nothing when it was not', async () => {
  const gone = await world.deliveries.takeDispatcher('gone')
  expect(await world.deliveries.takeDispatcher('next')).toBeUndefined()
  await setBack(deliveryCollections(db()).leases, 'dispatcher', 6 * HOUR)
  const next = await world.deliveries.takeDispatcher('next')
  expect(next?.token).toBe((gone?.token ?? 0) + 1)
  // for no longer than any lease
  expect(await world.deliveries.takeDispatcher('third')).toBeUndefined()
  if (gone === undefined || next === undefined) throw new Error('no lease')
  const routings = [{ event: eventOf(world), subscriptions: [] }]
  expect(await world.deliveries.numberEvents(gone, routings)).toBe(false)
  await world.deliveries.releaseDispatcher(next)
})

test('a lane: it is found and taken, and who held it marks nothing', async () => {
  const name = { id: randomUUID() as ResourceId, authority: DERBYSHIRE }
  const gone = await world.deliveries.takeLane(name)
  if (gone === undefined) throw new Error('no lane')
  await world.deliveries.openLane(gone.lease)
  await world.deliveries.scheduleHeartbeat(gone.lease, world.context.clock())
  const now = world.context.clock()
  const due = () => world.deliveries.dueLanes({ now, latest: now }, 10)
  expect([await due(), await world.deliveries.takeLane(name)]).toEqual([[], undefined])
  await setBack(deliveryCollections(db()).lanes, name.id, 6 * HOUR)
  expect(await due()).toEqual([name])
  expect((await world.deliveries.takeLane(name))?.lease.token).toBe(gone.lease.token + 1)
  expect(await world.deliveries.openLane(gone.lease)).toBe(false)
})

test('changes of the schema: a server that ended during one keeps none from starting', async () => {
  const records = db().collection<{ _id: string; holder?: string }>(COLLECTIONS.migrations)
  await records.deleteOne({ _id: 'm0011' })
  await records.updateOne({ _id: 'lease' }, { $set: { holder: 'gone' } })
  await setBack(records, 'lease', 6 * HOUR)
  await migrate(db(), { holder: 'next', log: world.context.log })
  expect(await records.countDocuments({ _id: 'm0011' })).toBe(1)
})
