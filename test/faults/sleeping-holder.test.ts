/** A lease holder that is stopped (SIGSTOP), loses its lease to another process, and wakes up later (SIGCONT): it writes nothing (fencing; delivery.md steps 2 and 5). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ResourceId } from '../../src/domain/brands.ts'
import { commitEvents, openWorld, statusOfSubscription, subscribe, type World } from '../delivery/world.ts'
import type { Point } from '../support/delivery-points.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { waitFor } from '../support/wait-for.ts'
import { buildProcesses, type Processes } from './processes.ts'

const EVENTS = 4

interface Stage {
  readonly world: World
  readonly receiver: Receiver
  readonly processes: Processes
  readonly id: ResourceId
}

async function setStage(): Promise<Stage> {
  const world = await openWorld()
  const receiver = await startReceiver({ keys: world.keys.webhooks })
  const id = await subscribe(world, { endpoint: receiver.url })
  world.start()
  await waitFor('status active', async () => (await statusOfSubscription(world, id)) === 'active', 60_000)
  await world.stop()
  await commitEvents(world, EVENTS)
  return { world, receiver, processes: buildProcesses(world), id }
}

async function clear({ world, receiver, processes }: Stage): Promise<void> {
  await processes.close()
  await receiver.close()
  await world.close()
}

interface Waking {
  /** What the stopped process was answered when it wrote after it woke, and when it was right again. */
  readonly refused: readonly string[]
  readonly taken: readonly number[]
  readonly webhookIds: number
  readonly lastNumber: number | undefined
  readonly deliveredThrough: number | undefined
  readonly marks: number
}

/** One process stops at the point; another does the work; the first wakes up and goes on where it was. */
async function sleepAt(stage: Stage, point: Point, refusal: string): Promise<Waking> {
  const { world, receiver, processes, id } = stage
  const sleeper = processes.start({ point, how: 'SIGSTOP' })
  await sleeper.said(`at ${point}`)
  processes.start()
  await waitFor('the other to deliver all', async () => (await laneOf(stage))?.deliveredThrough === EVENTS, 60_000)
  const before = sleeper.lines().length
  sleeper.child.kill('SIGCONT')
  await sleeper.said(refusal)
  // both at work: what comes now is numbered once and sent once
  await commitEvents(world, EVENTS)
  await waitFor('the rest', async () => (await laneOf(stage))?.deliveredThrough === 2 * EVENTS, 60_000)
  const lane = await laneOf(stage)
  const marks = (await world.deliveries.attempts(id, 100)).filter((one) => one.kind === 'events')
  return {
    refused: sleeper
      .lines()
      .slice(before - 1)
      .filter((line) => /(false|failed)$/.test(line)),
    taken: receiver.taken(),
    webhookIds: new Set(receiver.ofType('event-notification').map((one) => one.webhookId)).size,
    lastNumber: lane?.lastNumber,
    deliveredThrough: lane?.deliveredThrough,
    marks: marks.length,
  }
}

async function laneOf({ world, id }: Stage) {
  return (await world.deliveries.lanes()).find((one) => one.id === id)
}

const NUMBERS = Array.from({ length: 2 * EVENTS }, (_, at) => at + 1)

const CASES = [
  ['before numbering', 'numbered false', NUMBERS],
  // its transaction is ended by the database meanwhile
  ['inside numbering', 'numbered failed', NUMBERS],
  // the receiver got number 1 from both, under one webhook-id
  ['after the receiver took it, before the mark', 'marked false', [1, ...NUMBERS]],
  ['inside the mark', 'marked failed', [1, ...NUMBERS]],
] as const

const wakings = new Map<Point, Promise<Waking>>()
const stages: Stage[] = []

beforeAll(async () => {
  for (const _ of CASES) stages.push(await setStage())
  for (const [at, [point, refusal]] of CASES.entries()) {
    const stage = stages[at]
    if (stage === undefined) throw new Error('The test has lost a stage.')
    const waking = sleepAt(stage, point, refusal)
    // told by the test of that point
    waking.catch(() => undefined)
    wakings.set(point, waking)
  }
}, 240_000)
afterAll(async () => {
  await Promise.allSettled(wakings.values())
  await Promise.all(stages.map(clear))
}, 180_000)

describe('P2 stopped', () => {
  test.each(CASES)(
    '%s, it writes nothing when it wakes (%s)',
    async (point, refusal, taken) => {
      const waking = await (wakings.get(point) ?? Promise.reject())
      expect(waking.refused[0]).toBe(refusal)
      expect(waking.taken).toEqual(taken)
      expect(waking).toMatchObject({
        webhookIds: NUMBERS.length,
        lastNumber: NUMBERS.length,
        deliveredThrough: NUMBERS.length,
        marks: NUMBERS.length,
      })
    },
    180_000,
  )
})
