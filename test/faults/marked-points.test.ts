/** kill -9 of a delivery process at every marked point: nothing lost, repeats under the same webhook-id, numbers without gaps (delivery.md; issue 7 item 2). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ResourceId } from '../../src/domain/brands.ts'
import { commitEvents, openWorld, statusOfSubscription, subscribe, type World } from '../delivery/world.ts'
import { POINTS, type Point } from '../support/delivery-points.ts'
import { faultsOf, numbersOf, type Received, type Receiver, startReceiver } from '../support/receiver.ts'
import { waitFor } from '../support/wait-for.ts'
import { buildProcesses, type Processes } from './processes.ts'

const EVENTS = 5
const COMMITTED_BY_PROCESS = 2
const AT_ONCE = 5
/** For a busy machine. */
const SETUP_MS = 60_000

interface Story {
  readonly signal: NodeJS.Signals | null
  readonly sent: readonly Received[]
  readonly attemptsOfEvents: number
}

/** By point and max-count. Some run side by side: most of their time is a lease that must end. */
const stories = new Map<string, Promise<Story>>()
const nameOf = (point: Point, maxCount: number): string => `${point}, max-count ${maxCount}`
const CASES = POINTS.flatMap((point) =>
  // with one event in a bundle there is no batch to fix
  [1, 3].filter((maxCount) => maxCount > 1 || !point.includes('batch')).map((maxCount) => [point, maxCount] as const),
)

beforeAll(() => {
  const lines: Promise<unknown>[] = Array.from({ length: AT_ONCE }, () => Promise.resolve())
  for (const [nth, [point, maxCount]] of CASES.entries()) {
    const story = (lines[nth % AT_ONCE] ?? Promise.resolve()).then(() => play(point, maxCount))
    stories.set(nameOf(point, maxCount), story)
    // a failure is told by the test of that point
    lines[nth % AT_ONCE] = story.catch(() => undefined)
  }
})
afterAll(async () => {
  await Promise.allSettled(stories.values())
}, 600_000)

async function play(point: Point, maxCount: number): Promise<Story> {
  const world = await openWorld()
  const receiver = await startReceiver({ keys: world.keys.webhooks })
  const processes = buildProcesses(world)
  try {
    return await killAndRecover({ world, receiver, processes }, point, maxCount)
  } finally {
    await processes.close()
    await receiver.close()
    await world.close()
  }
}

interface Stage {
  readonly world: World
  readonly receiver: Receiver
  readonly processes: Processes
}

async function killAndRecover({ world, receiver, processes }: Stage, point: Point, maxCount: number): Promise<Story> {
  const id = await subscribe(world, { endpoint: receiver.url, maxCount })
  world.start()
  await waitFor('status active', async () => (await statusOfSubscription(world, id)) === 'active', SETUP_MS)
  await world.stop()
  // long enough for a lease to be renewed while it is under way
  if (point.includes('renewed')) receiver.next({ kind: 'slow', status: 200, afterMs: 4_000 })
  await commitEvents(world, EVENTS)
  const dying = processes.start({ point, commits: COMMITTED_BY_PROCESS })
  await dying.said(`at ${point}`)
  const signal = await dying.ended()
  processes.start()
  await waitFor('all', async () => (await deliveredThrough(world, id)) === EVENTS + COMMITTED_BY_PROCESS, 90_000)
  const attempts = await world.deliveries.attempts(id, 1_000)
  return {
    signal,
    sent: receiver.ofType('event-notification'),
    attemptsOfEvents: attempts.filter((one) => one.kind === 'events' && one.answer === '2xx').length,
  }
}

async function deliveredThrough(world: World, id: ResourceId): Promise<number> {
  return (await world.deliveries.lanes()).find((one) => one.id === id)?.deliveredThrough ?? 0
}

describe('P1 P2 killed', () => {
  test.each(CASES)(
    '%s, max-count %i',
    async (point, maxCount) => {
      const { signal, sent, attemptsOfEvents } = await (stories.get(nameOf(point, maxCount)) ?? Promise.reject())
      expect(signal).toBe('SIGKILL')
      // nothing lost, nothing overtaken, nothing under two names
      const firsts = [...new Set(sent.flatMap((one) => numbersOf(one.bundle)))]
      expect(firsts).toEqual(Array.from({ length: EVENTS + COMMITTED_BY_PROCESS }, (_, at) => at + 1))
      expect(faultsOf(sent)).toEqual([])
      // one mark for each webhook-id, however often it was sent
      expect(attemptsOfEvents).toBe(new Set(sent.map((one) => one.webhookId)).size)
    },
    600_000,
  )
})
