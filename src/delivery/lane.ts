/** One turn of one lane: handshake, waiting events in order, heartbeat, or halt, under the lane's lease (delivery.md "From check to endpoint", steps 3 to 5). */
import type { Resource, Subscription } from '@medplum/fhirtypes'
import type { AuthorityCode } from '../domain/brands.ts'
import {
  buildNotification,
  describeEvent,
  type NotificationType,
  type NotifiedEvent,
  targetsOf,
} from '../domain/notification.ts'
import { parseStoredSubscription, type SubscriptionDraft } from '../domain/subscription.ts'
import {
  type Again,
  type Attempt,
  type HaltReason,
  type HeldLane,
  type LaneName,
  LEASE_MS,
  type NumberedEvent,
  type NumberRange,
} from '../store/delivery-store.ts'
import type { Row } from '../store/store.ts'
import { decideNext } from './schedule.ts'
import { type Answer, isGone, isTaken, type Send } from './send.ts'
import { changeStatus, type DeliveryParts, findSubscription } from './subscription-status.ts'

export interface LaneParts extends DeliveryParts {
  readonly send: Send
  /** FHIR base of this server, without trailing slash. */
  readonly base: string
  readonly allowedHosts: (authority: AuthorityCode) => readonly string[]
  /** For full-resource: a resource by its relative reference as that authority may see it. */
  readonly readResource: (authority: AuthorityCode, reference: string) => Promise<Resource | undefined>
  /** From 0 inclusive to 1 exclusive. */
  readonly random: () => number
}

/** Bundles sent in one turn before other lanes get theirs. */
const SENDS_PER_TURN = 10

/** Works on a lane until nothing is due or its turn is over; true when more may be due. Database and network I/O. */
export async function runTurn(parts: LaneParts, name: LaneName): Promise<boolean> {
  const lane = await parts.deliveries.takeLane(name)
  if (lane === undefined) return false
  const keeper = setInterval(() => {
    // A lost lease is noticed by the next write.
    parts.deliveries.renewLane(lane.lease).catch(() => undefined)
  }, LEASE_MS / 3)
  try {
    for (let sent = 0; sent < SENDS_PER_TURN; sent += 1) {
      if (!(await takeStep(parts, name, lane))) return false
    }
    return true
  } finally {
    clearInterval(keeper)
    await parts.deliveries.releaseLane(lane.lease)
  }
}

/** A Subscription as it was when the step began, and the lane it has. */
interface Step {
  readonly lane: HeldLane
  readonly row: Row<'Subscription'>
  readonly resource: Subscription
  readonly draft: SubscriptionDraft
}

/** One step; true when another may follow at once. */
async function takeStep(parts: LaneParts, name: LaneName, held: HeldLane): Promise<boolean> {
  const row = await findSubscription(parts.context, name)
  const lane = await parts.deliveries.readLane(held.lease)
  if (lane === undefined) return false
  if (row === undefined) return halt(parts, lane, 'deleted')
  const draft = parseStoredSubscription(row.resource)
  if (draft === undefined) throw new Error('A stored Subscription cannot be understood.')
  const step = { lane, row, resource: row.resource, draft }
  if (row.resource.status === 'off' || row.resource.status === 'error') return halt(parts, lane, row.resource.status)
  if (draft.end !== undefined && draft.end <= parts.context.clock().toISOString()) return turnOff(parts, step)
  return row.resource.status === 'requested' ? shakeHands(parts, step) : sendDue(parts, step)
}

async function halt({ deliveries }: LaneParts, lane: HeldLane, reason: HaltReason): Promise<false> {
  await deliveries.haltLane(lane.lease, reason)
  return false
}

async function turnOff(parts: LaneParts, { lane, row }: Step): Promise<boolean> {
  const changed = await changeStatus(parts.context, row, { status: 'off' })
  return changed ? halt(parts, lane, 'off') : true
}

async function shakeHands(parts: LaneParts, step: Step): Promise<boolean> {
  const { lane, row } = step
  const webhookId = `${row.id}_handshake_${row.version}`
  const answer = await post(parts, step, { type: 'handshake', webhookId, waiting: [] })
  if (!(await parts.deliveries.keepAttempt(lane.lease, describeAttempt('handshake', webhookId, answer)))) return false
  if (!isTaken(answer)) return fail(parts, step, `The endpoint did not take the handshake (${answer.answer}).`)
  // Opened first: were the process to end here, the Subscription is still requested and the handshake is made again.
  if (!(await parts.deliveries.openLane(lane.lease))) return false
  if (await changeStatus(parts.context, row, { status: 'active' })) {
    parts.context.log.info({ subscription: row.id, authority: lane.authority }, 'subscription active')
    await planHeartbeat(parts, step)
  }
  return true
}

/** Status error first: were the process to end between, the next turn sees it and halts. */
async function fail(parts: LaneParts, { lane, row }: Step, words: string): Promise<boolean> {
  if (!(await changeStatus(parts.context, row, { status: 'error', error: words }))) return true
  parts.context.log.warn({ subscription: row.id, authority: lane.authority }, 'subscription in error')
  return halt(parts, lane, 'error')
}

async function sendDue(parts: LaneParts, step: Step): Promise<boolean> {
  const { lane, draft } = step
  // An active Subscription with a halted lane: the process ended while opening or closing it.
  if (lane.halted !== undefined && !(await parts.deliveries.openLane(lane.lease))) return false
  const now = parts.context.clock()
  if (lane.retryAt !== undefined && lane.retryAt > now) return false
  if (lane.again !== undefined) return sendAgain(parts, step, lane.again)
  const most = lane.batchThrough === undefined ? draft.maxCount : lane.batchThrough - lane.deliveredThrough
  const waiting = await parts.deliveries.waiting(lane.id, lane.deliveredThrough, most)
  if (waiting.length > 0) return sendEvents(parts, step, waiting)
  const isDue = lane.heartbeatAt !== undefined && lane.heartbeatAt <= now
  return isDue ? sendHeartbeat(parts, step, lane.heartbeatAt) : false
}

async function sendEvents(parts: LaneParts, step: Step, waiting: readonly NumberedEvent[]): Promise<boolean> {
  const { lane, draft } = step
  const from = lane.deliveredThrough + 1
  const through = lane.deliveredThrough + waiting.length
  if (waiting.some(({ number }, index) => number !== from + index)) throw new Error('A lane has a gap.')
  // Repeats must carry the same events under the same webhook-id, however many wait by then.
  if (draft.maxCount > 1 && lane.batchThrough === undefined) {
    if (!(await parts.deliveries.fixBatch(lane.lease, through))) return false
  }
  return sendNumbered(parts, step, {
    webhookId: `${lane.id}_${from}_${through}`,
    waiting,
    numbers: { from, through },
    mark: (attempt) => parts.deliveries.markDelivered(lane.lease, attempt),
  })
}

/** What its owner asked for once more ($resend) goes before what waits, under webhook-ids of that asking: a receiver that drops repeats takes it. */
async function sendAgain(parts: LaneParts, step: Step, again: Again): Promise<boolean> {
  const { lane, draft } = step
  const most = Math.min(draft.maxCount, again.through - again.from + 1)
  const waiting = await parts.deliveries.waiting(lane.id, again.from - 1, most)
  const numbers = { from: again.from, through: again.from + waiting.length - 1 }
  if (waiting[0]?.number !== numbers.from) throw new Error('A lane has a gap.')
  return sendNumbered(parts, step, {
    webhookId: `${lane.id}_${numbers.from}_${numbers.through}_${again.asked}`,
    waiting,
    numbers,
    mark: (attempt) => parts.deliveries.markAgain(lane.lease, attempt, again),
  })
}

interface Numbered {
  readonly webhookId: string
  readonly waiting: readonly NumberedEvent[]
  readonly numbers: NumberRange
  readonly mark: (attempt: Attempt & { readonly numbers: NumberRange }) => Promise<boolean>
}

async function sendNumbered(parts: LaneParts, step: Step, { mark, numbers, ...sent }: Numbered): Promise<boolean> {
  const { authority } = step.lane
  const answer = await post(parts, step, { type: 'event-notification', ...sent })
  const attempt = { ...describeAttempt('events', sent.webhookId, answer), numbers }
  parts.context.metrics.deliveries.inc({ authority, result: isTaken(answer) ? 'delivered' : 'failed' })
  if (!isTaken(answer)) return keepFailure(parts, step, { attempt, answer })
  if (!(await mark(attempt))) return false
  await planHeartbeat(parts, step)
  return true
}

async function keepFailure(
  parts: LaneParts,
  step: Step,
  { attempt, answer }: { readonly attempt: Attempt; readonly answer: Answer },
): Promise<boolean> {
  const { lane, row } = step
  const now = parts.context.clock()
  const failures = lane.failures + 1
  const failingSince = lane.failingSince ?? now
  const { retryAfter } = answer
  const next = decideNext({
    failures,
    failingSince,
    now,
    random: parts.random(),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  })
  parts.context.log.warn(
    { subscription: row.id, authority: lane.authority, answer: answer.answer, failures },
    'notification failed',
  )
  const setback = { attempt, failures, failingSince }
  if (next.kind === 'retry' && !isGone(answer)) {
    await parts.deliveries.markFailed(lane.lease, { ...setback, retryAt: next.at })
    return false
  }
  await parts.deliveries.markFailed(lane.lease, setback)
  return fail(
    parts,
    step,
    isGone(answer)
      ? 'The endpoint says that it is gone (410).'
      : `No notification was taken for 72 hours (${answer.answer}).`,
  )
}

async function sendHeartbeat(parts: LaneParts, step: Step, due: Date): Promise<boolean> {
  const webhookId = `${step.lane.id}_heartbeat_${due.getTime()}`
  const answer = await post(parts, step, { type: 'heartbeat', webhookId, waiting: [] })
  await parts.deliveries.keepAttempt(step.lane.lease, describeAttempt('heartbeat', webhookId, answer))
  await planHeartbeat(parts, step)
  return false
}

/** A heartbeat is due when nothing else was sent for the period asked for. */
async function planHeartbeat({ context, deliveries }: LaneParts, { lane, draft }: Step): Promise<void> {
  if (draft.heartbeatSeconds === undefined && lane.heartbeatAt === undefined) return
  const at =
    draft.heartbeatSeconds === undefined
      ? undefined
      : new Date(context.clock().getTime() + draft.heartbeatSeconds * 1_000)
  await deliveries.scheduleHeartbeat(lane.lease, at)
}

async function post(
  parts: LaneParts,
  { lane, row, resource, draft }: Step,
  message: { readonly type: NotificationType; readonly webhookId: string; readonly waiting: readonly NumberedEvent[] },
): Promise<Answer> {
  const events = message.waiting.map(({ number, event }) => describeEvent(number, event))
  const bundle = buildNotification({
    id: parts.context.newId(),
    bundleId: parts.context.newId(),
    base: parts.base,
    type: message.type,
    at: parts.context.clock().toISOString(),
    subscription: { id: row.id, criteria: draft.criteria, status: resource.status, content: draft.content },
    eventsSinceStart: lane.lastNumber,
    events,
    ...(draft.content === 'full-resource' ? { resources: await readResources(parts, lane.authority, events) } : {}),
  })
  return parts.send({ webhookId: message.webhookId, bundle, draft, allowedHosts: parts.allowedHosts(lane.authority) })
}

async function readResources(
  parts: LaneParts,
  authority: AuthorityCode,
  events: readonly NotifiedEvent[],
): Promise<ReadonlyMap<string, Resource>> {
  const found = new Map<string, Resource>()
  for (const reference of targetsOf(events)) {
    const resource = await parts.readResource(authority, reference)
    if (resource !== undefined) found.set(reference, resource)
  }
  return found
}

function describeAttempt(kind: Attempt['kind'], webhookId: string, answer: Answer): Attempt {
  const { at, durationMs, status } = answer
  return { kind, webhookId, at, durationMs, answer: answer.answer, ...(status === undefined ? {} : { status }) }
}
