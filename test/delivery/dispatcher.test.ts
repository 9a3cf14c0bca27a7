import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { DeliveryStore } from '../../src/store/delivery-store.ts'
import { StoreError } from '../../src/store/store.ts'
import { answer, numbersOf, ok, type Receiver, startReceiver, statusOf } from '../support/receiver.ts'
import { waitFor } from '../support/wait-for.ts'
import {
  change,
  commitEvents,
  DERBYSHIRE,
  eventOf,
  LEEDS,
  openWorld,
  readRow,
  statusOfSubscription,
  subscribe,
  type World,
} from './world.ts'

let world: World
const open: Receiver[] = []

beforeAll(async () => {
  world = await openWorld()
})
afterEach(async () => {
  await world.stop()
  for (const one of open.splice(0)) await one.close()
  // Each test has its own Subscriptions: those of earlier tests are turned off with their receivers.
  const rows = await world.store.read.of(DERBYSHIRE, 'Subscription').search({ criteria: [], limit: 100 })
  for (const row of rows) await change(world, row.id, { endpoint: 'http://127.0.0.1:9/', status: 'off' })
})
afterAll(async () => {
  await world.close()
})

async function receiver(): Promise<Receiver> {
  const one = await startReceiver({ keys: world.keys.webhooks })
  open.push(one)
  return one
}

const ONE_TO = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)
const HOUR = 3_600_000

describe('what an endpoint refuses', () => {
  test.each([
    ['500', answer(500)],
    ['301', answer(301, { location: 'http://127.0.0.1:9/' })],
    ['404', answer(404)],
    ['a closed connection', { kind: 'close' } as const],
  ])('a handshake that meets %s puts the Subscription in error, with words', async (_, behaviour) => {
    const target = await receiver()
    target.behave(behaviour)
    const id = await subscribe(world, { endpoint: target.url })
    world.start()
    await waitFor('status error', async () => (await statusOfSubscription(world, id)) === 'error')
    expect((await readRow(world, id)).resource?.error).toMatch(/handshake/)
    expect(target.ofType('event-notification')).toHaveLength(0)
  })

  test('in error, numbering goes on and nothing is sent; requested again, everything arrives in order', async () => {
    const target = await receiver()
    target.next(answer(503))
    const id = await subscribe(world, { endpoint: target.url })
    world.start()
    await waitFor('status error', async () => (await statusOfSubscription(world, id)) === 'error')
    await commitEvents(world, 3)
    await waitFor('numbers', async () => (await laneOf(id))?.lastNumber === 3)
    expect(target.ofType('event-notification')).toHaveLength(0)
    await change(world, id, { endpoint: target.url, status: 'requested' })
    await waitFor('all three', () => target.taken().length === 3)
    expect(target.taken()).toEqual([1, 2, 3])
    expect(await statusOfSubscription(world, id)).toBe('active')
    expect((await readRow(world, id)).resource?.error).toBeUndefined()
  })

  test('410 is error at once; nothing is dropped', async () => {
    const target = await receiver()
    const id = await activeSubscription(target)
    target.behave(answer(410))
    await commitEvents(world, 2)
    await waitFor('status error', async () => (await statusOfSubscription(world, id)) === 'error')
    await waitFor('the halt', async () => (await laneOf(id))?.halted === 'error')
    expect(await laneOf(id)).toMatchObject({ halted: 'error', lastNumber: 2, deliveredThrough: 0 })
    expect(target.ofType('event-notification')).toHaveLength(1)
    target.behave(ok)
    await change(world, id, { endpoint: target.url, status: 'requested' })
    await waitFor('both', () => target.taken().length === 2)
    expect(target.taken()).toEqual([1, 2])
  })

  test('tries follow the schedule on the injected clock, keep one webhook-id, and end in error after 72 hours', async () => {
    const target = await receiver()
    const id = await activeSubscription(target)
    target.behave(answer(500))
    await commitEvents(world, 2)
    const waits: number[] = []
    for (let tries = 1; ; tries += 1) {
      await waitFor(`try ${tries}`, async () => (await world.deliveries.attempts(id, 200)).length === tries + 1)
      const lane = await waitFor('mark', async () => {
        const one = await laneOf(id)
        return one?.failures === tries || one?.halted === 'error' ? one : undefined
      })
      if (lane.retryAt === undefined) break
      waits.push(lane.retryAt.getTime() - world.context.clock().getTime())
      world.advance(waits.at(-1) ?? 0)
      world.wake()
    }
    await waitFor('status error', async () => (await statusOfSubscription(world, id)) === 'error')
    for (const [index, middle] of [5, 30, 120, 600, 1_800, 3_600, 3_600].entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(middle * 900)
      expect(waits[index]).toBeLessThanOrEqual(middle * 1_100)
    }
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBe(72 * HOUR)
    expect(new Set(target.ofType('event-notification').map((one) => one.webhookId)).size).toBe(1)
    // the status is written first, then the lane is halted
    await waitFor('the halt', async () => (await laneOf(id))?.halted === 'error')
    expect(await laneOf(id)).toMatchObject({ lastNumber: 2, deliveredThrough: 0 })
    target.behave(ok)
    await change(world, id, { endpoint: target.url, status: 'requested' })
    await waitFor('both', () => target.taken().length === 2)
    expect(target.taken()).toEqual([1, 2])
  }, 60_000)

  test('Retry-After is honoured', async () => {
    const target = await receiver()
    const id = await activeSubscription(target)
    target.next(answer(429, { 'retry-after': '900' }))
    await commitEvents(world, 1)
    const lane = await waitFor('a failure', async () => {
      const one = await laneOf(id)
      return one?.failures === 1 ? one : undefined
    })
    expect(lane.retryAt).toEqual(new Date(world.context.clock().getTime() + 900_000))
    world.advance(900_000)
    world.wake()
    await waitFor('the event', () => target.taken().length === 1)
  })
})

describe('what arrives', () => {
  test('handshake first, then every event once, in order, numbered from 1 without gaps, signed', async () => {
    const target = await receiver()
    const id = await activeSubscription(target, { header: ['Authorization: Bearer abc'], payload: PAYLOAD_4_0 })
    const events = await commitEvents(world, 20)
    await waitFor('20 events', () => target.taken().length === 20)
    expect(target.taken()).toEqual(ONE_TO(20))
    expect(target.received.every((one) => one.signatureIsRight)).toBe(true)
    expect(target.received[0]?.headers).toMatchObject({ 'content-type': PAYLOAD_4_0, authorization: 'Bearer abc' })
    const focuses = target.ofType('event-notification').map((one) => one.bundle.entry?.[1]?.fullUrl)
    expect(focuses).toEqual(events.map((event) => `http://127.0.0.1:8080/FHIR/R4/AuditEvent/${event.auditId}`))
    expect(partOf(target.received[0], 'type')).toBe('handshake')
    expect(partOf(target.received[0], 'status')).toBe('requested')
    expect(partOf(target.received[0], 'events-since-subscription-start')).toBe('0')
    await waitFor('marks', async () => (await laneOf(id))?.deliveredThrough === 20)
  })

  test('several that wait go in one bundle, up to max-count', async () => {
    const target = await receiver()
    const id = await activeSubscription(target, { maxCount: 4 })
    target.next(answer(500))
    await commitEvents(world, 1)
    await waitFor('a failure', async () => (await laneOf(id))?.failures === 1)
    await commitEvents(world, 9)
    await waitFor('numbers', async () => (await laneOf(id))?.lastNumber === 10)
    world.advance(10_000)
    world.wake()
    await waitFor('10 events', () => target.taken().length === 10)
    expect(target.taken()).toEqual(ONE_TO(10))
    // The bundle that was tried stays as it was; the rest is taken four at a time.
    const sizes = target.ofType('event-notification').map((one) => numbersOf(one.bundle).length)
    expect(sizes).toEqual([1, 1, 4, 4, 1])
    const [first, second] = target.ofType('event-notification')
    expect(second?.webhookId).toBe(first?.webhookId)
  })

  test('each Subscription has its own numbers and only what its filters want; another authority has nothing of it', async () => {
    const [all, closed, other] = [await receiver(), await receiver(), await receiver()]
    await activeSubscription(all)
    await activeSubscription(closed, { filters: ['plan-status=closed'] })
    await activeSubscription(other, { authority: LEEDS })
    await commitEvents(world, 2)
    await world.store.transact((unit) => unit.appendEvents([{ ...eventOf(world, 5), caseStatus: 'closed' }]))
    await waitFor('three', () => all.taken().length === 3)
    await waitFor('one', () => closed.taken().length === 1)
    expect(all.taken()).toEqual([1, 2, 3])
    expect(closed.taken()).toEqual([1])
    expect(other.ofType('event-notification')).toHaveLength(0)
  })

  test('an event that no Subscription wants stays visible and is counted', async () => {
    const before = (await world.deliveries.undeliverable()).find((one) => one.topic === 'baby-born')?.count ?? 0
    await world.store.transact((unit) => unit.appendEvents([{ ...eventOf(world), topic: 'baby-born' }]))
    world.start()
    await waitFor('the count', async () => {
      const now = (await world.deliveries.undeliverable()).find((one) => one.topic === 'baby-born')?.count ?? 0
      return now === before + 1
    })
    expect(await world.deliveries.newEvents(10)).toEqual([])
  })

  test('a heartbeat comes when nothing else does, and does not count', async () => {
    const target = await receiver()
    await activeSubscription(target, { heartbeat: 60 })
    await commitEvents(world, 1)
    await waitFor('the event', () => target.taken().length === 1)
    expect(target.ofType('heartbeat')).toHaveLength(0)
    await waitFor('a heartbeat', () => {
      world.advance(61_000)
      world.wake()
      return target.ofType('heartbeat').length > 0
    })
    expect(partOf(target.ofType('heartbeat')[0], 'events-since-subscription-start')).toBe('1')
  })

  test('an end that has passed turns the Subscription off', async () => {
    const target = await receiver()
    const end = new Date(world.context.clock().getTime() + HOUR).toISOString()
    const id = await activeSubscription(target, { end })
    world.advance(2 * HOUR)
    await commitEvents(world, 1)
    await waitFor('off', async () => (await statusOfSubscription(world, id)) === 'off')
    expect(target.ofType('event-notification')).toHaveLength(0)
  })

  test('turned off by its owner, nothing more is sent; requested again, it goes on where it stood', async () => {
    const target = await receiver()
    const id = await activeSubscription(target)
    await commitEvents(world, 1)
    await waitFor('the first', () => target.taken().length === 1)
    await change(world, id, { endpoint: target.url, status: 'off' })
    await commitEvents(world, 2)
    await waitFor('settled', async () => (await world.deliveries.newEvents(1)).length === 0)
    await change(world, id, { endpoint: target.url, status: 'requested' })
    await waitFor('active', async () => (await statusOfSubscription(world, id)) === 'active')
    await commitEvents(world, 1)
    await waitFor('the next', () => target.taken().length === 2)
    expect(target.taken()).toEqual([1, 2])
  })
})

describe('what breaks on our side', () => {
  test('a crash between commit and numbering, and between numbering and sending, loses nothing', async () => {
    const target = await receiver()
    const id = await activeSubscription(target)
    await world.stop()
    await commitEvents(world, 3)
    const lease = await waitFor('the lease', () => world.deliveries.takeDispatcher('a process that dies'))
    const [first, ...rest] = await world.deliveries.newEvents(10)
    if (first === undefined) throw new Error('no event')
    expect(await world.deliveries.numberEvents(lease, [{ event: first, subscriptions: [id] }])).toBe(true)
    expect(rest).toHaveLength(2)
    world.start()
    await waitFor('all', () => target.taken().length === 3)
    expect(target.taken()).toEqual([1, 2, 3])
  })

  test('a crash between sending and marking repeats the same webhook-id', async () => {
    const target = await receiver()
    await activeSubscription(target)
    await world.stop()
    await commitEvents(world, 2)
    let marks = 0
    const breaking: DeliveryStore = {
      ...world.deliveries,
      async markDelivered(...given) {
        marks += 1
        if (marks === 1) throw new StoreError('transient', 'The test breaks the connection.')
        return world.deliveries.markDelivered(...given)
      },
    }
    world.start(breaking)
    await waitFor('all', () => target.taken().length === 3)
    expect(target.taken()).toEqual([1, 1, 2])
    const ids = target.ofType('event-notification').map((one) => one.webhookId)
    expect(ids[0]).toBe(ids[1])
    expect(ids[2]).not.toBe(ids[0])
  })

  test('two dispatchers on one database never number twice, and each event arrives once', async () => {
    const [one, two] = [await receiver(), await receiver()]
    await activeSubscription(one)
    await activeSubscription(two)
    const others = [world.start(), world.start()]
    const committing = Promise.all([commitEvents(world, 30), commitEvents(world, 30)])
    for (let turn = 0; turn < 20; turn += 1) for (const other of others) other.wake()
    await committing
    for (const target of [one, two]) {
      await waitFor('60 events', () => target.taken().length >= 60, 20_000)
      expect(target.taken()).toEqual(ONE_TO(60))
    }
  })

  test('a dispatcher whose lease was taken by another writes nothing', async () => {
    const target = await receiver()
    const id = await activeSubscription(target)
    await world.stop()
    await commitEvents(world, 1)
    const old = await waitFor('the lease', () => world.deliveries.takeDispatcher('old'))
    await world.deliveries.releaseDispatcher(old)
    const other = await waitFor('the other lease', () => world.deliveries.takeDispatcher('new'))
    expect(other.token).toBeGreaterThan(old.token)
    const [event] = await world.deliveries.newEvents(1)
    if (event === undefined) throw new Error('no event')
    const routings = [{ event, subscriptions: [id] }]
    expect(await world.deliveries.numberEvents(old, routings)).toBe(false)
    expect(await world.deliveries.newEvents(10)).toEqual([event])
    expect((await laneOf(id))?.lastNumber).toBe(0)
    expect(await world.deliveries.numberEvents(other, routings)).toBe(true)
    expect(await world.deliveries.numberEvents(other, routings)).toBe(false)
    expect((await laneOf(id))?.lastNumber).toBe(1)
    await world.deliveries.releaseDispatcher(other)
  })

  test('a lane whose lease was taken by another marks nothing', async () => {
    const target = await receiver()
    const id = await activeSubscription(target)
    await commitEvents(world, 1)
    await waitFor('delivered', async () => (await laneOf(id))?.deliveredThrough === 1)
    await world.stop()
    const name = { id, authority: DERBYSHIRE }
    const first = await waitFor('the lane', () => world.deliveries.takeLane(name))
    expect(await world.deliveries.takeLane(name)).toBeUndefined()
    await world.deliveries.releaseLane(first.lease)
    await waitFor('the lane again', () => world.deliveries.takeLane(name))
    const attempt = {
      kind: 'events',
      numbers: { from: 2, through: 2 },
      webhookId: 'x',
      at: world.context.clock(),
      answer: '2xx',
      durationMs: 1,
    } as const
    expect(await world.deliveries.markDelivered(first.lease, attempt)).toBe(false)
    expect(await world.deliveries.renewLane(first.lease)).toBe(false)
    expect(await world.deliveries.openLane(first.lease)).toBe(false)
  })
})

test('a dead endpoint and one that hangs slow no other', async () => {
  const [good, dead, hanging] = [await receiver(), await receiver(), await receiver()]
  const deadId = await activeSubscription(dead)
  await activeSubscription(hanging, { timeout: 3 })
  await activeSubscription(good)
  dead.behave({ kind: 'close' })
  hanging.behave({ kind: 'hang' })
  await commitEvents(world, 10)
  await waitFor('10 events', () => good.taken().length === 10, 5_000)
  expect(good.taken()).toEqual(ONE_TO(10))
  await waitFor('a failure', async () => ((await laneOf(deadId))?.failures ?? 0) > 0)
  expect(hanging.taken()).toEqual([])
})

const PAYLOAD_4_0 = 'application/fhir+json; fhirVersion=4.0'

async function laneOf(id: string) {
  return (await world.deliveries.lanes()).find((lane) => lane.id === id)
}

/** A Subscription after its handshake, with a dispatcher running. */
async function activeSubscription(target: Receiver, wish: Omit<Parameters<typeof subscribe>[1], 'endpoint'> = {}) {
  const id = await subscribe(world, { endpoint: target.url, ...wish })
  world.start()
  await waitFor('status active', async () => (await statusOfSubscription(world, id, wish.authority)) === 'active')
  return id
}

function partOf(received: Receiver['received'][number] | undefined, name: string): string | undefined {
  if (received === undefined) return undefined
  const found = statusOf(received.bundle).parameter?.find((one) => one.name === name)
  return found?.valueCode ?? found?.valueString
}
