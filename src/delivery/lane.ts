/** One turn of one lane: handshake, waiting events in order, heartbeat, or halt, under the lane's lease (delivery.md "From check to endpoint", steps 3 to 5). */
import { type DeliveryStore, type HeldLane, type LaneName, LEASE_MS } from '../store/delivery-store.ts'
import type { KnownSubscription } from './known-subscriptions.ts'
import { fail, halt, type LaneParts, type Step } from './lane-step.ts'
import { describeAttempt, planHeartbeat, postNotification } from './post-notification.ts'
import { buildReadAhead } from './read-ahead.ts'
import { isTryDue } from './schedule.ts'
import { type Answer, isTaken } from './send.ts'
import { keepFailure, sendDue } from './send-due.ts'
import { changeStatus } from './subscription-status.ts'

/** Bundles sent in one turn before other lanes get theirs. */
const SENDS_PER_TURN = 32

/** Works on a lane until nothing is due or its turn is over; true when more may be due. Database and network I/O. */
export async function runTurn(parts: LaneParts, name: LaneName): Promise<boolean> {
  const lane = await parts.deliveries.takeLane(name)
  if (lane === undefined) return false
  const { deliveries, stop } = keepLease(parts, lane)
  const { waiting, prepare } = buildReadAhead(deliveries)
  const turn = { ...parts, deliveries, waiting }
  try {
    await parts.underWay(lane.id)
    // What most turns begin with; with the rest of what the first step reads.
    const prepared = prepare(lane.id, lane.deliveredThrough)
    for (let sent = 0; sent < SENDS_PER_TURN; sent += 1) {
      const [now, known] = await Promise.all([
        deliveries.readLane(lane.lease),
        parts.subscriptions.find(name),
        sent === 0 ? prepared : undefined,
      ])
      if (now === undefined || !(await takeStep(turn, now, known))) return false
    }
    return true
  } finally {
    stop()
    await deliveries.releaseLane(lane.lease)
  }
}

/** Renews the lease until stopped, unless a mark has just prolonged it. A lost lease is noticed by the next write. */
function keepLease(
  { deliveries }: LaneParts,
  { lease }: Pick<HeldLane, 'lease'>,
): { readonly deliveries: DeliveryStore; readonly stop: () => void } {
  let isFresh = true
  const timer = setInterval(() => {
    if (!isFresh) deliveries.renewLane(lease).catch(() => undefined)
    isFresh = false
  }, LEASE_MS / 4)
  return {
    deliveries: {
      ...deliveries,
      async markDelivered(...given) {
        const isMarked = await deliveries.markDelivered(...given)
        isFresh = isMarked
        return isMarked
      },
    },
    stop: () => clearInterval(timer),
  }
}

/** One step; true when another may follow at once. */
async function takeStep(parts: LaneParts, lane: HeldLane, known: KnownSubscription | undefined): Promise<boolean> {
  if (known === undefined) return halt(parts, lane, 'deleted')
  const step = { lane, ...known }
  const { draft, resource } = known
  if (resource.status === 'off' || resource.status === 'error') return halt(parts, lane, resource.status)
  if (draft.end !== undefined && draft.end <= parts.context.clock().toISOString()) return turnOff(parts, step)
  if (lane.paused) return false
  return resource.status === 'requested' ? shakeHands(parts, step) : sendDue(parts, step)
}

async function turnOff(parts: LaneParts, { lane, row }: Step): Promise<boolean> {
  const changed = await changeStatus(parts.context, row, { status: 'off' })
  return changed ? halt(parts, lane, 'off') : true
}

async function shakeHands(parts: LaneParts, step: Step): Promise<boolean> {
  const { lane, row } = step
  const webhookId = `${row.id}_handshake_${row.version}`
  if (await isHandshakeLater(parts, step, webhookId)) return false
  const answer = await postNotification(parts, step, { type: 'handshake', webhookId, waiting: [] })
  const attempt = describeAttempt('handshake', webhookId, answer)
  if (mayComeLater(step, answer)) return keepFailure(parts, step, { attempt, answer })
  if (!(await parts.deliveries.keepAttempt(lane.lease, attempt))) return false
  if (!isTaken(answer)) return fail(parts, step, `The endpoint did not take the handshake (${answer.answer}).`)
  // Opened first: were the process to end here, the Subscription is still requested and the handshake is made again.
  if (!(await parts.deliveries.openLane(lane.lease))) return false
  if (await changeStatus(parts.context, row, { status: 'active' })) {
    parts.context.log.info({ subscription: row.id, authority: lane.authority }, 'subscription active')
    await planHeartbeat(parts, step)
  }
  return true
}

/** Between the authority and a mail there is a mail server of others: that it is down, or asks to come again (4yz, as greylisting does), says nothing of the mailbox. */
function mayComeLater({ draft }: Step, { answer }: Answer): boolean {
  return draft.channel === 'email' && !['2xx', '5xx', 'not-allowed'].includes(answer)
}

/** A mail that is to come again waits for its time, unless its owner has changed the Subscription meanwhile. */
async function isHandshakeLater(parts: LaneParts, { lane, draft }: Step, webhookId: string): Promise<boolean> {
  if (draft.channel !== 'email' || isTryDue(lane.retryAt, parts.context.clock())) return false
  const [last] = await parts.deliveries.attempts(lane.id, 1)
  return last?.webhookId === webhookId
}
