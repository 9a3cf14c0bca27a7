/** What an active lane sends: what was asked for once more, waiting events in order, or a heartbeat; and what follows from the answer (delivery.md "From check to endpoint", steps 3 to 5). */
import { createHash } from 'node:crypto'
import type { Again, Attempt, NumberedEvent, NumberRange } from '../store/delivery-store.ts'
import { fail, type LaneParts, type Step } from './lane-step.ts'
import { describeAttempt, planHeartbeat, postNotification } from './post-notification.ts'
import { decideNext, isTryDue, latestTry } from './schedule.ts'
import { type Answer, isGone, isTaken } from './send.ts'

/** Sends what is due first; true when more may be due at once. Database and network I/O. */
export async function sendDue(parts: LaneParts, step: Step): Promise<boolean> {
  const { lane, draft } = step
  // An active Subscription with a halted lane: the process ended while opening or closing it.
  if (lane.halted !== undefined && !(await parts.deliveries.openLane(lane.lease))) return false
  const now = parts.context.clock()
  // A digest that gathers may have become full meanwhile
  const gathers = draft.digestMinutes !== undefined && lane.failures === 0
  if (!gathers && !isTryDue(lane.retryAt, now)) return false
  if (lane.again !== undefined) return sendAgain(parts, step, lane.again)
  const most = lane.batchThrough === undefined ? draft.maxCount : lane.batchThrough - lane.deliveredThrough
  const isWaiting = lane.lastNumber > lane.deliveredThrough
  const waiting = isWaiting ? await parts.waiting(lane.id, lane.deliveredThrough, most) : []
  if (waiting.length > 0) return (await isGathering(parts, step, waiting)) ? false : sendEvents(parts, step, waiting)
  const isDue = lane.heartbeatAt !== undefined && lane.heartbeatAt <= now
  return isDue ? sendHeartbeat(parts, step, lane.heartbeatAt) : false
}

/** By so much may the clock of the process that made an event be ahead of this one's. */
const CLOCKS_DIFFER_MS = 60_000

/** A digest by mail waits until its first event is old enough; a repeat and a full one do not, nor one whose event is of a time that is still to come. */
async function isGathering(parts: LaneParts, step: Step, waiting: readonly NumberedEvent[]): Promise<boolean> {
  const { lane, draft } = step
  const [first] = waiting
  if (draft.digestMinutes === undefined || first === undefined) return false
  if (lane.batchThrough !== undefined || lane.failures > 0 || waiting.length >= draft.maxCount) return false
  const now = parts.context.clock()
  const at = Date.parse(first.event.at)
  // Made before the clock was set back: it would wait for that long besides
  if (at > now.getTime() + CLOCKS_DIFFER_MS) return false
  const due = at + draft.digestMinutes * 60_000
  if (due <= now.getTime()) return false
  // Later than any next try nothing is kept: a longer digest is looked at in between
  await parts.deliveries.postpone(lane.lease, new Date(Math.min(due, latestTry(now).getTime())))
  return true
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
    webhookId: messageIdOf(lane.id, waiting),
    waiting,
    numbers: { from, through },
    mark: async (attempt) => {
      const isMarked = await parts.deliveries.markDelivered(lane.lease, attempt)
      if (isMarked) observeDelays(parts, { authority: lane.authority, waiting, attempt })
      return isMarked
    },
  })
}

function observeDelays(
  { context }: LaneParts,
  sent: { readonly authority: string; readonly waiting: readonly NumberedEvent[]; readonly attempt: Attempt },
): void {
  const { authority, waiting, attempt } = sent
  const takenAt = attempt.at.getTime() + attempt.durationMs
  for (const { event } of waiting) {
    const seconds = Math.max(0, takenAt - Date.parse(event.at)) / 1_000
    context.metrics.deliveredAfter.observe({ authority }, seconds)
  }
}

/** What its owner asked for once more ($resend) goes before what waits, under webhook-ids of that asking: a receiver that drops repeats takes it. */
async function sendAgain(parts: LaneParts, step: Step, again: Again): Promise<boolean> {
  const { lane, draft } = step
  const most = Math.min(draft.maxCount, again.through - again.from + 1)
  const waiting = await parts.waiting(lane.id, again.from - 1, most)
  const numbers = { from: again.from, through: again.from + waiting.length - 1 }
  if (waiting[0]?.number !== numbers.from) throw new Error('A lane has a gap.')
  return sendNumbered(parts, step, {
    webhookId: `${messageIdOf(lane.id, waiting)}_${again.asked}`,
    waiting,
    numbers,
    mark: (attempt) => parts.deliveries.markAgain(lane.lease, attempt, again),
  })
}

/** The same for the same events, and another for others, even under numbers that a restore from a backup gave away again: receivers drop what they have seen. Pure. */
export function messageIdOf(lane: string, events: readonly NumberedEvent[]): string {
  const hash = createHash('sha256')
  for (const { event } of events) hash.update(`${event.id} `)
  return `${lane}_${events[0]?.number}_${events.at(-1)?.number}_${hash.digest('hex').slice(0, 12)}`
}

interface Numbered {
  readonly webhookId: string
  readonly waiting: readonly NumberedEvent[]
  readonly numbers: NumberRange
  readonly mark: (attempt: Attempt & { readonly numbers: NumberRange }) => Promise<boolean>
}

async function sendNumbered(parts: LaneParts, step: Step, { mark, numbers, ...sent }: Numbered): Promise<boolean> {
  const { authority } = step.lane
  const answer = await postNotification(parts, step, { type: 'event-notification', ...sent })
  const attempt = { ...describeAttempt('events', sent.webhookId, answer), numbers }
  parts.context.metrics.deliveries.inc({ authority, result: isTaken(answer) ? 'delivered' : 'failed' })
  if (!isTaken(answer)) return keepFailure(parts, step, { attempt, answer })
  if (!(await mark(attempt))) return false
  await planHeartbeat(parts, step)
  return true
}

/** What follows from a try that was not taken: the next time by the schedule, or status error. */
export async function keepFailure(
  parts: LaneParts,
  step: Step,
  { attempt, answer }: { readonly attempt: Attempt; readonly answer: Answer },
): Promise<boolean> {
  const { lane, row } = step
  const now = parts.context.clock()
  const failures = lane.failures + 1
  // After this one it cannot be: a clock that was set back must not put off the end of the 72 hours
  const failingSince = lane.failingSince !== undefined && lane.failingSince < now ? lane.failingSince : now
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
  const setback = { attempt, failures, failingSince, asks: lane.asks }
  if (next.kind === 'retry' && !isGone(answer)) {
    await parts.deliveries.markFailed(lane.lease, { ...setback, retryAt: next.at })
    return false
  }
  await parts.deliveries.markFailed(lane.lease, setback)
  return fail(
    parts,
    step,
    isGone(answer)
      ? `The endpoint says that it is gone (${answer.status}).`
      : `No notification was taken for 72 hours (${answer.answer}).`,
  )
}

async function sendHeartbeat(parts: LaneParts, step: Step, due: Date): Promise<boolean> {
  const webhookId = `${step.lane.id}_heartbeat_${due.getTime()}`
  const answer = await postNotification(parts, step, { type: 'heartbeat', webhookId, waiting: [] })
  await parts.deliveries.keepAttempt(step.lane.lease, describeAttempt('heartbeat', webhookId, answer))
  await planHeartbeat(parts, step)
  return false
}
