import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Delivery } from '../../src/delivery/dispatcher.ts'
import { deliveryCollections } from '../../src/store/delivery-collections.ts'
import type { DeliveryStore } from '../../src/store/delivery-store.ts'
import { watchEvents } from '../../src/store/delivery-watch.ts'
import { openDeliveryStore } from '../../src/store/mongo-delivery-store.ts'
import { type OpenStore, openStore } from '../../src/store/mongo-store.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { waitFor } from '../support/wait-for.ts'
import { change, eventOf, openWorld, statusOfSubscription, subscribe, type World } from './world.ts'

/** Longer than any test: what arrives was not found by a poll. */
const NEVER_MS = 3_600_000

let world: World
let other: OpenStore
let othersDeliveries: DeliveryStore
let receiver: Receiver
const started: Delivery[] = []

beforeAll(async () => {
  world = await openWorld()
  const { clock, log } = world.context
  const url = world.database.url
  other = await openStore({ url, database: world.database.database, keys: world.keys, clock, log })
  othersDeliveries = await openDeliveryStore(other.handle)
  receiver = await startReceiver({ keys: world.keys.webhooks })
})
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()))
  await world.stop()
})
afterAll(async () => {
  await receiver.close()
  await other.close()
  await world.close()
})

/** A process that looks by itself only once, when it starts. */
function startProcess(deliveries: DeliveryStore): Delivery {
  const delivery = world.start(deliveries, { pollMs: NEVER_MS })
  started.push(delivery)
  return delivery
}

describe('several processes on one database', () => {
  test('what one commits, the other sends at once: it is told by the database, not by its poll', async () => {
    const id = await subscribe(world, { endpoint: receiver.url })
    startProcess(othersDeliveries)
    await waitFor('status active', async () => (await statusOfSubscription(world, id)) === 'active')
    // Nobody wakes the other process: this one has no dispatcher at all.
    for (let count = 1; count <= 5; count += 1) {
      await world.store.transact((unit) => unit.appendEvents([eventOf(world)]))
      await waitFor(`event ${count}`, () => receiver.taken().length === count)
    }
    expect(receiver.taken()).toEqual([1, 2, 3, 4, 5])
  })

  test('a change of the Subscription by one holds for the next notification of the other', async () => {
    const [before, after] = [await startReceiver(), await startReceiver()]
    const id = await subscribe(world, { endpoint: before.url, header: ['X-Desk: one'] })
    startProcess(othersDeliveries)
    await waitFor('status active', async () => (await statusOfSubscription(world, id)) === 'active')
    await world.store.transact((unit) => unit.appendEvents([eventOf(world)]))
    await waitFor('the first', () => before.taken().length === 1)
    await change(world, id, { endpoint: after.url, status: 'active', header: ['X-Desk: two'] })
    await world.store.transact((unit) => unit.appendEvents([eventOf(world)]))
    await waitFor('the second', () => after.taken().length === 1)
    expect(before.taken()).toEqual([1])
    expect(after.received[0]?.headers).toMatchObject({ 'x-desk': 'two' })
    await change(world, id, { endpoint: after.url, status: 'off' })
    await world.store.transact((unit) => unit.appendEvents([eventOf(world)]))
    await waitFor('settled', async () => (await world.deliveries.newEvents(1)).length === 0)
    expect(after.taken()).toEqual([2])
    await Promise.all([before.close(), after.close()])
  })

  test('a new Subscription gets the first event that is committed after it', async () => {
    const target = await startReceiver()
    startProcess(othersDeliveries)
    // Routing has read the Subscriptions of this authority before.
    await world.store.transact((unit) => unit.appendEvents([eventOf(world)]))
    await waitFor('settled', async () => (await world.deliveries.newEvents(1)).length === 0)
    const id = await subscribe(world, { endpoint: target.url })
    await world.store.transact((unit) => unit.appendEvents([eventOf(world)]))
    await waitFor('a number', async () => (await world.deliveries.lastNumbers([id])).get(id) === 1)
    await target.close()
  })

  test('events that several processes commit at once arrive once each, in order', async () => {
    const target = await startReceiver()
    const id = await subscribe(world, { endpoint: target.url })
    startProcess(world.deliveries)
    startProcess(othersDeliveries)
    await waitFor('status active', async () => (await statusOfSubscription(world, id)) === 'active')
    const commit = async (store: OpenStore): Promise<void> => {
      for (let count = 0; count < 30; count += 1) {
        await store.transact((unit) => unit.appendEvents([eventOf(world, count)]))
      }
    }
    await Promise.all([commit(world.store), commit(other)])
    await waitFor('60 events', () => target.taken().length >= 60)
    expect(target.taken()).toEqual(Array.from({ length: 60 }, (_, at) => at + 1))
    await target.close()
  })
})

describe('watching', () => {
  test('a stream that breaks is opened again and looks at once', async () => {
    const watched: string[] = []
    const watch = watchEvents(deliveryCollections(other.handle.db), {
      onEvents: () => void watched.push('events'),
      onFault: (fault) => void watched.push(fault),
    })
    await waitFor('the stream', () => watched.length === 1)
    // A stream of a test before may take a second to end, and be what is killed first
    await waitFor('its end', async () => {
      await killStreams()
      return watched.length >= 2
    })
    await waitFor('it again', () => watched.length >= 3)
    watch.close()
    // What was committed in between is looked for, though the new stream does not tell of it.
    expect(watched.slice(0, 3)).toEqual(['events', 'broken', 'events'])
  })
})

/** Ends what waits for changes, as a restart of the database does. */
async function killStreams(): Promise<void> {
  const admin = other.handle.client.db('admin')
  const watching = { ns: `${world.database.database}.events`, 'command.getMore': { $exists: true } }
  const operations = await admin
    .aggregate<{ opid: number }>([{ $currentOp: { allUsers: true } }, { $match: watching }], {
      readConcern: { level: 'local' },
    })
    .toArray()
  for (const { opid } of operations) await admin.command({ killOp: 1, op: opid })
}
