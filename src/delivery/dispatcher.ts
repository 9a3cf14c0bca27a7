/** Takes new events to their lanes and keeps the lanes going (delivery.md "From check to endpoint"): woken by commits of this process, and by a poll every second. */
import type { Resource } from '@medplum/fhirtypes'
import type { AuthorityCode, ResourceId } from '../domain/brands.ts'
import type { DeliveryStore, LaneName, Lease } from '../store/delivery-store.ts'
import { describeError } from './describe-error.ts'
import { type LaneParts, runTurn } from './lane.ts'
import { buildLaneQueue } from './lane-queue.ts'
import { routeEvents } from './routing.ts'
import { buildSend } from './send.ts'
import { buildSigner } from './signature.ts'
import type { DeliveryContext } from './subscription-status.ts'

export interface DeliveryOptions {
  /** For full-resource payloads; the authority's own plans unless told. */
  readonly readResource?: LaneParts['readResource']
}

export interface Delivery {
  /** New events or changed Subscriptions may be there: looks at once. */
  wake(): void
  /** Starts nothing more and waits for what is in flight, 10 seconds at most. */
  stop(): Promise<void>
}

const POLL_MS = 1_000
const STOP_WITHIN_MS = 10_000
const EVENTS_AT_ONCE = 200
const LANES_AT_ONCE = 500
/** More than there are authorities, so that no number of slow endpoints keeps the others waiting. */
const MOST_IN_FLIGHT = 256
/** Polls between two looks at what changes slowly: gauges, ends that have passed. */
const SLOW_EVERY = 10

/** Starts delivery in this process; several processes may run it on one database. */
export function startDelivery(
  context: DeliveryContext,
  deliveries: DeliveryStore,
  options: DeliveryOptions = {},
): Delivery {
  const parts = buildParts(context, deliveries, options)
  const queue = buildLaneQueue((name) => runSafely(context, () => runTurn(parts, name), false), MOST_IN_FLIGHT)
  const numbering = buildNumbering(context, deliveries)
  let isStopped = false
  let isWoken = false
  let polls = 0
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  async function look(): Promise<void> {
    do {
      isWoken = false
      await runSafely(context, () => numbering.run((names) => queue.add(names)), undefined)
      await runSafely(context, async () => queue.add(await findWork(context, deliveries)), undefined)
    } while (isWoken && !isStopped)
  }

  function wake(): void {
    if (isStopped) return
    isWoken = true
    running ??= look().finally(() => {
      running = undefined
      if (isWoken) wake()
    })
  }

  async function poll(): Promise<void> {
    if (polls % SLOW_EVERY === 0) await runSafely(context, () => lookSlowly(context, deliveries, queue.add), undefined)
    polls += 1
    wake()
    await running
    if (!isStopped) timer = setTimeout(poll, POLL_MS)
  }

  const first = poll()
  return {
    wake,
    async stop() {
      isStopped = true
      clearTimeout(timer)
      await Promise.all([first, running, queue.stop(STOP_WITHIN_MS)])
      clearTimeout(timer)
      await runSafely(context, () => numbering.release(), undefined)
    },
  }
}

function buildParts(context: DeliveryContext, deliveries: DeliveryStore, options: DeliveryOptions): LaneParts {
  return {
    context,
    deliveries,
    send: buildSend(context, buildCurrentSigner(context)),
    base: `${context.config.baseUrl}/FHIR/R4`,
    allowedHosts: context.allowedHosts,
    readResource: options.readResource ?? ((authority, reference) => readOwnPlan(context, authority, reference)),
    // The first 32 bits of a version 4 UUID are random.
    random: () => Number.parseInt(context.newId().slice(0, 8), 16) / 2 ** 32 || 0,
  }
}

/** Signs with the keys as they are now; a rotation makes a new signer. */
function buildCurrentSigner(context: Pick<DeliveryContext, 'keys'>): ReturnType<typeof buildSigner> {
  let { webhooks } = context.keys
  let signer = buildSigner(webhooks)
  return (message) => {
    if (context.keys.webhooks !== webhooks) {
      webhooks = context.keys.webhooks
      signer = buildSigner(webhooks)
    }
    return signer(message)
  }
}

async function readOwnPlan(
  context: DeliveryContext,
  authority: AuthorityCode,
  reference: string,
): Promise<Resource | undefined> {
  const [type, id] = reference.split('/')
  if (type !== 'EpisodeOfCare') return undefined
  return (await context.store.read.of(authority, 'EpisodeOfCare').find(id as ResourceId))?.resource
}

/** Numbers what is new while this process has the dispatcher's lease. */
function buildNumbering(context: DeliveryContext, deliveries: DeliveryStore) {
  const holder = context.newId()
  let lease: Lease | undefined
  return {
    async run(onNumbered: (names: readonly LaneName[]) => void): Promise<void> {
      lease = await deliveries.takeDispatcher(holder)
      while (lease !== undefined) {
        const events = await deliveries.newEvents(EVENTS_AT_ONCE)
        if (events.length === 0) return
        const routings = await routeEvents(context, events)
        if (!(await deliveries.numberEvents(lease, routings))) return
        for (const { event, subscriptions } of routings) {
          onNumbered(subscriptions.map((id) => ({ id, authority: event.authority })))
          if (subscriptions.length === 0) context.metrics.eventsUndeliverable.inc({ topic: event.topic })
        }
        lease = await deliveries.takeDispatcher(holder)
      }
    },
    async release(): Promise<void> {
      if (lease !== undefined) await deliveries.releaseDispatcher(lease)
    },
  }
}

async function findWork(context: DeliveryContext, deliveries: DeliveryStore): Promise<readonly LaneName[]> {
  const requested = await deliveries.requested(LANES_AT_ONCE)
  const due = await deliveries.dueLanes(context.clock(), LANES_AT_ONCE)
  return [...requested, ...due]
}

async function lookSlowly(
  context: DeliveryContext,
  deliveries: DeliveryStore,
  add: (names: readonly LaneName[]) => void,
): Promise<void> {
  add(await deliveries.expired(context.clock(), LANES_AT_ONCE))
  const waiting = new Map<AuthorityCode, number>()
  for (const lane of await deliveries.lanes()) {
    const count = lane.halted === 'deleted' ? 0 : lane.lastNumber - lane.deliveredThrough
    waiting.set(lane.authority, (waiting.get(lane.authority) ?? 0) + count)
  }
  for (const [authority, count] of waiting) context.metrics.deliveriesWaiting.set({ authority }, count)
}

/** What fails is logged by kind only and done again by the next poll: rows, not memory, hold what is due. */
async function runSafely<T>(context: DeliveryContext, work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work()
  } catch (error) {
    context.log.error(describeError(error), 'delivery step failed')
    return otherwise
  }
}
