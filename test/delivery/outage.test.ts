/** An endpoint that is down for 72 hours, on the injected clock (issue 7 item 4; delivery.md "Subscription", steps 3 and 4): schedule with jitter, status error, alarm, numbering that goes on, and everything in order when it is back. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { startDelivery } from '../../src/delivery/dispatcher.ts'
import { DELAYS_MS, GIVE_UP_AFTER_MS, JITTER, latestTry, MOST_RETRY_AFTER_MS } from '../../src/delivery/schedule.ts'
import type { AuditRecord } from '../../src/domain/audit-record.ts'
import type { ResourceId } from '../../src/domain/brands.ts'
import { answer, faultsOf, ok, type Receiver, startReceiver } from '../support/receiver.ts'
import { waitFor } from '../support/wait-for.ts'
import { change, commitEvents, openWorld, readRow, statusOfSubscription, subscribe, type World } from './world.ts'

const HOUR = 3_600_000

let world: World
let receiver: Receiver
beforeAll(async () => {
  world = await openWorld()
})
afterEach(async () => {
  await world.stop()
  await receiver.close()
})
afterAll(() => world.close())

const laneOf = async (id: ResourceId) => (await world.deliveries.lanes()).find((lane) => lane.id === id)

async function dueIds(): Promise<readonly ResourceId[]> {
  const now = world.context.clock()
  return (await world.deliveries.dueLanes({ now, latest: latestTry(now) }, 100)).map(({ id }) => id)
}

async function active(): Promise<ResourceId> {
  receiver = await startReceiver({ keys: world.keys.webhooks })
  const id = await subscribe(world, { endpoint: receiver.url })
  world.start()
  await waitFor('status active', async () => (await statusOfSubscription(world, id)) === 'active')
  return id
}

interface Outage {
  /** Milliseconds between one try and the next. */
  readonly gaps: readonly number[]
  readonly beganAt: number
}

/** Moves the clock from try to try until nothing more is tried; `between` runs after each. */
async function sitOut(
  id: ResourceId,
  between: (tries: number) => Promise<void> = async () => undefined,
): Promise<Outage> {
  const gaps: number[] = []
  const beganAt = world.context.clock().getTime()
  for (let tries = 1; ; tries += 1) {
    const lane = await waitFor(`try ${tries}`, async () => {
      const one = await laneOf(id)
      return one?.failures === tries || one?.halted === 'error' ? one : undefined
    })
    if (lane.retryAt === undefined) return { gaps, beganAt }
    await between(tries)
    // nothing is tried a moment earlier
    const wait = lane.retryAt.getTime() - world.context.clock().getTime()
    const before = receiver.received.length
    world.advance(wait - 1)
    world.wake()
    expect(await dueIds()).not.toContain(id)
    world.advance(1)
    gaps.push(wait)
    expect(receiver.received).toHaveLength(before)
    world.wake()
  }
}

async function alarms(id: ResourceId): Promise<readonly AuditRecord[]> {
  const records = await world.store.read.audits({ limit: 500 })
  return records.filter((one) => one.operation === 'subscription-error' && one.entities.some((its) => its.id === id))
}

async function alarmCount(): Promise<number> {
  const { values } = await world.context.metrics.alerts.get()
  return values.find(({ labels }) => labels.alert === 'subscription-error')?.value ?? 0
}

async function turnOff(id: ResourceId): Promise<void> {
  await change(world, id, { endpoint: 'http://127.0.0.1:9/', status: 'off' })
}

describe('72 hours of outage', () => {
  test('the schedule with its jitter, then status error with an alarm; numbering goes on; requested again, all comes in order', async () => {
    const id = await active()
    receiver.behave(answer(503))
    await commitEvents(world, 2)
    const { gaps } = await sitOut(id, async (tries) => {
      if (tries % 20 === 0) await commitEvents(world, 1)
    })
    // each gap within its bounds: 5 s, 30 s, 2 min, 10 min, 30 min, then hourly; the last one ends at 72 hours exactly
    expect(DELAYS_MS).toEqual([5_000, 30_000, 120_000, 600_000, 1_800_000, HOUR])
    for (const [at, gap] of gaps.slice(0, -1).entries()) {
      const middle = DELAYS_MS[Math.min(at, DELAYS_MS.length - 1)] ?? HOUR
      expect(gap).toBeGreaterThanOrEqual(middle * (1 - JITTER))
      expect(gap).toBeLessThanOrEqual(middle * (1 + JITTER))
    }
    // with jitter: hourly tries are not an hour apart each time
    expect(new Set(gaps.slice(5)).size).toBeGreaterThan(30)
    expect(gaps.reduce((sum, gap) => sum + gap, 0)).toBe(GIVE_UP_AFTER_MS)
    await waitFor('status error', async () => (await statusOfSubscription(world, id)) === 'error')
    expect((await readRow(world, id)).resource?.error).toBe('No notification was taken for 72 hours (5xx).')

    // the administrator is told: once, with the version that went into error, and nothing of an event or an address
    const [alarm, ...more] = await alarms(id)
    expect(more).toEqual([])
    expect(alarm).toMatchObject({
      recorded: world.context.clock().toISOString(),
      caller: { kind: 'server' },
      outcome: '8',
      entities: [{ type: 'Subscription', id, version: (await readRow(world, id)).version, owner: 'E10000007' }],
      authorities: [],
    })
    expect(JSON.stringify(alarm)).not.toContain(receiver.host)
    expect(await alarmCount()).toBe(1)

    // numbered on during error, and nothing is sent
    const posts = receiver.received.length
    const { lastNumber = 0 } = (await laneOf(id)) ?? {}
    await commitEvents(world, 3)
    await waitFor('numbers', async () => (await laneOf(id))?.lastNumber === lastNumber + 3)
    world.advance(24 * HOUR)
    world.wake()
    await waitFor('a look', async () => (await world.deliveries.newEvents(1)).length === 0)
    expect(receiver.received).toHaveLength(posts)

    // the owner re-activates: handshake first, then everything in order, the first under the id it always had
    receiver.behave(ok)
    await change(world, id, { endpoint: receiver.url, status: 'requested' })
    await waitFor('all', async () => (await laneOf(id))?.deliveredThrough === lastNumber + 3)
    expect(receiver.ofType('handshake').at(-1)).toBe(receiver.received[posts])
    expect(receiver.taken()).toEqual(Array.from({ length: lastNumber + 3 }, (_, at) => at + 1))
    expect(faultsOf(receiver.ofType('event-notification'))).toEqual([])
    expect(await statusOfSubscription(world, id)).toBe('active')
    expect((await readRow(world, id)).resource?.error).toBeUndefined()
    expect(await laneOf(id)).toMatchObject({ failures: 0, lastNumber: lastNumber + 3 })
    await turnOff(id)
  }, 60_000)

  test('Retry-After of a day is honoured for an hour at most, and the 72 hours stand', async () => {
    const id = await active()
    receiver.behave(answer(429, { 'retry-after': '86400' }))
    await commitEvents(world, 1)
    const { gaps } = await sitOut(id)
    expect(gaps.every((gap) => gap <= MOST_RETRY_AFTER_MS)).toBe(true)
    expect(gaps).toHaveLength(72)
    expect(gaps.reduce((sum, gap) => sum + gap, 0)).toBe(GIVE_UP_AFTER_MS)
    await waitFor('status error', async () => (await statusOfSubscription(world, id)) === 'error')
    await turnOff(id)
  }, 60_000)

  test('an endpoint that takes one in between begins its 72 hours anew', async () => {
    const id = await active()
    receiver.behave(answer(500))
    await commitEvents(world, 2)
    await waitFor('a failure', async () => (await laneOf(id))?.failures === 1)
    world.advance(71 * HOUR)
    receiver.next(ok)
    world.wake()
    const lane = await waitFor('a failure of the second', async () => {
      const one = await laneOf(id)
      return one?.deliveredThrough === 1 && one.failures === 1 ? one : undefined
    })
    expect(lane.failingSince).toEqual(world.context.clock())
    world.advance(2 * HOUR)
    world.wake()
    await waitFor('another try', async () => (await laneOf(id))?.failures === 2)
    expect(await statusOfSubscription(world, id)).toBe('active')
    await turnOff(id)
  })

  test.each([
    ['410', answer(410)],
    ['a handshake that is not taken', answer(500)],
  ])('%s is told to the administrator at once', async (_name, behaviour) => {
    const id = await active()
    const before = await alarmCount()
    receiver.behave(behaviour)
    if (_name === '410') await commitEvents(world, 1)
    else await change(world, id, { endpoint: receiver.url, status: 'requested' })
    world.wake()
    await waitFor('status error', async () => (await statusOfSubscription(world, id)) === 'error')
    expect(await alarms(id)).toHaveLength(1)
    await waitFor('the count', async () => (await alarmCount()) === before + 1)
    await turnOff(id)
  })

  test('the alarm stands or falls with the status: where it cannot be kept, neither is', async () => {
    const id = await active()
    await world.stop()
    receiver.behave(answer(410))
    let attempts = 0
    const failing: typeof world.store = {
      ...world.store,
      transact: (work) =>
        world.store.transact((unit) =>
          work({
            ...unit,
            async appendAudit(record) {
              attempts += 1
              if (attempts === 1) throw new Error('The test breaks the log.')
              await unit.appendAudit(record)
            },
          }),
        ),
    }
    await commitEvents(world, 1)
    const delivery = startDelivery({ ...world.context, store: failing }, world.deliveries)
    await waitFor('the second attempt', async () => {
      delivery.wake()
      return attempts > 1 && (await statusOfSubscription(world, id)) === 'error'
    })
    await delivery.stop()
    expect(await alarms(id)).toHaveLength(1)
    // it was tried twice, as the first error was not kept
    expect((await laneOf(id))?.deliveredThrough).toBe(0)
    await turnOff(id)
  })
})

describe('a clock that is set back', () => {
  test('holds no lane back: it is tried at once, and the schedule and the 72 hours go on by the new time', async () => {
    const id = await active()
    receiver.behave(answer(503))
    await commitEvents(world, 2)
    await waitFor('a failure', async () => (await laneOf(id))?.failures === 1)
    world.advance(-6 * HOUR)
    world.wake()
    const lane = await waitFor('a second try', async () => {
      const one = await laneOf(id)
      return one?.failures === 2 ? one : undefined
    })
    const now = world.context.clock()
    expect(lane.failingSince).toEqual(now)
    expect((lane.retryAt?.getTime() ?? 0) - now.getTime()).toBeLessThanOrEqual(30_000 * (1 + JITTER))
    expect(await dueIds()).not.toContain(id)
    receiver.behave(ok)
    world.advance(-6 * HOUR)
    world.wake()
    await waitFor('both', async () => (await laneOf(id))?.deliveredThrough === 2)
    expect(receiver.taken()).toEqual([1, 2])
    await turnOff(id)
  })

  test('by less than the longest pause: the lane waits for its time, which is never further away', async () => {
    const id = await active()
    receiver.behave(answer(503))
    await commitEvents(world, 1)
    const lane = await waitFor('a failure', async () => {
      const one = await laneOf(id)
      return one?.failures === 1 ? one : undefined
    })
    receiver.behave(ok)
    const posts = receiver.received.length
    world.advance(-HOUR)
    expect(await dueIds()).not.toContain(id)
    world.advance((lane.retryAt?.getTime() ?? 0) - world.context.clock().getTime())
    expect(receiver.received).toHaveLength(posts)
    world.wake()
    await waitFor('it', async () => (await laneOf(id))?.deliveredThrough === 1)
    await turnOff(id)
  })
})
