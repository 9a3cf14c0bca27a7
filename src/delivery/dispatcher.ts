/** Takes new events to their lanes and keeps the lanes going (delivery.md "From check to endpoint"): woken by commits of this process, by a change stream from others, and by a poll every second. */
import type { Resource } from '@medplum/fhirtypes'
import type { AuthorityCode, ResourceId } from '../domain/brands.ts'
import type { DeliveryStore, EventWatch, LaneName } from '../store/delivery-store.ts'
import { describeError } from './describe-error.ts'
import { buildKnownSubscriptions } from './known-subscriptions.ts'
import { runTurn } from './lane.ts'
import { setLaneGauges } from './lane-gauges.ts'
import { buildLaneQueue } from './lane-queue.ts'
import type { LaneParts } from './lane-step.ts'
import { buildSendByChannel, buildSendByMail } from './notify-by-mail.ts'
import { buildNumbering } from './numbering.ts'
import { latestTry } from './schedule.ts'
import { buildSend } from './send.ts'
import { buildSigner } from './signature.ts'
import type { DeliveryContext } from './subscription-status.ts'
import { buildWakeable } from './wakeable.ts'

export interface DeliveryOptions {
  /** For full-resource payloads; the authority's own plans unless told. */
  readonly readResource?: LaneParts['readResource']
  /** Between two looks at what nobody told of; a second unless told. */
  readonly pollMs?: number
}

/** `events`: only new events may be there; else also changed Subscriptions and lanes. */
export type WakeReason = 'events'

export interface Delivery {
  /** Something new was committed: looks at once. */
  wake(reason?: WakeReason): void
  /** Starts nothing more and waits for what is in flight, 10 seconds at most. */
  stop(): Promise<void>
}

const POLL_MS = 1_000
const STOP_WITHIN_MS = 10_000
const LANES_AT_ONCE = 500
/** More than there are authorities, so that no number of slow endpoints keeps the others waiting. */
const MOST_IN_FLIGHT = 256
/** Between two looks for lanes with something due: what was just numbered needs none. */
const WORK_GAP_MS = 50
/** Polls between two looks at what changes slowly: gauges, ends that have passed. */
const SLOW_EVERY = 10

/** Starts delivery in this process; several processes may run it on one database. */
export function startDelivery(
  context: DeliveryContext,
  deliveries: DeliveryStore,
  options: DeliveryOptions = {},
): Delivery {
  const parts = {
    ...buildParts(context, deliveries, options),
    underWay: (id: ResourceId) => numbering.underWay(id),
  }
  const safely = (work: () => Promise<void>) => () => runSafely(context, work, undefined)
  const queue = buildLaneQueue((name) => runSafely(context, () => runTurn(parts, name), false), MOST_IN_FLIGHT)
  const numbering = buildNumbering(context, parts, queue.add)
  const numberer = buildWakeable(safely(numbering.run))
  const finder = buildWakeable(
    safely(async () => queue.add(await findWork(context, deliveries))),
    WORK_GAP_MS,
  )
  const slow = buildWakeable(safely(() => lookSlowly(context, deliveries, queue.add)))
  const watch = watchOthers(context, deliveries, numberer.wake)
  let polls = 0

  function wake(reason?: WakeReason): void {
    numberer.wake()
    if (reason === undefined) finder.wake()
  }

  function poll(): void {
    numbering.prolong()
    wake()
    if (polls % SLOW_EVERY === 0) slow.wake()
    polls += 1
  }

  poll()
  const timer = setInterval(poll, options.pollMs ?? POLL_MS)
  return {
    wake,
    async stop() {
      clearInterval(timer)
      watch.close()
      const stopping = [numberer.stop(), finder.stop(), slow.stop(), queue.stop(STOP_WITHIN_MS)]
      await Promise.all(stopping)
      await runSafely(context, () => numbering.release(), undefined)
    },
  }
}

/** Events that other processes commit wake this one by a change stream; without it they wait for the poll. */
function watchOthers(context: DeliveryContext, deliveries: DeliveryStore, onEvents: () => void): EventWatch {
  return deliveries.watchEvents({
    onEvents,
    onFault(fault) {
      const words =
        fault === 'refused'
          ? 'the database does not let events be watched (changeStream): those of other processes wait for the poll'
          : 'watching events broke off; it begins again by itself'
      context.log.warn({ fault }, words)
    },
  })
}

function buildParts(
  context: DeliveryContext,
  deliveries: DeliveryStore,
  options: DeliveryOptions,
): Omit<LaneParts, 'underWay'> {
  return {
    context,
    deliveries,
    subscriptions: buildKnownSubscriptions(context, deliveries),
    waiting: deliveries.waiting,
    send: buildSendByChannel(buildSend(context, buildCurrentSigner(context)), buildSendByMail(context)),
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

async function findWork(context: DeliveryContext, deliveries: DeliveryStore): Promise<readonly LaneName[]> {
  const requested = await deliveries.requested(LANES_AT_ONCE)
  const now = context.clock()
  const due = await deliveries.dueLanes({ now, latest: latestTry(now) }, LANES_AT_ONCE)
  return [...requested, ...due]
}

async function lookSlowly(
  context: DeliveryContext,
  deliveries: DeliveryStore,
  add: (names: readonly LaneName[]) => void,
): Promise<void> {
  add(await deliveries.expired(context.clock(), LANES_AT_ONCE))
  setLaneGauges(context.metrics, await deliveries.lanes(), context.clock())
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
