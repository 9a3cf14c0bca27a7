/** One message of a lane: builds its Bundle, posts it, describes the try, and plans the next heartbeat (delivery.md step 4 and "Bundle"). */
import type { Resource } from '@medplum/fhirtypes'
import type { AuthorityCode } from '../domain/brands.ts'
import {
  buildNotification,
  describeEvent,
  type NotificationType,
  type NotifiedEvent,
  targetsOf,
} from '../domain/notification.ts'
import type { Attempt, NumberedEvent } from '../store/delivery-store.ts'
import type { LaneParts, Step } from './lane-step.ts'
import type { Answer } from './send.ts'

/** Few enough to leave connections of the database to others. */
const READS_AT_ONCE = 4

/** Posts one message to the endpoint and says how it ended. Database I/O for full-resource; network I/O. */
export async function postNotification(
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
  const { authority } = lane
  return parts.send({
    webhookId: message.webhookId,
    bundle,
    draft,
    authority,
    allowedHosts: parts.allowedHosts(authority),
  })
}

async function readResources(
  parts: LaneParts,
  authority: AuthorityCode,
  events: readonly NotifiedEvent[],
): Promise<ReadonlyMap<string, Resource>> {
  const found = new Map<string, Resource>()
  const targets = targetsOf(events)
  for (let from = 0; from < targets.length; from += READS_AT_ONCE) {
    const read = targets.slice(from, from + READS_AT_ONCE).map(async (reference) => {
      const resource = await parts.readResource(authority, reference)
      if (resource !== undefined) found.set(reference, resource)
    })
    await Promise.all(read)
  }
  return found
}

/** The row that is kept of a try. Pure. */
export function describeAttempt(kind: Attempt['kind'], webhookId: string, answer: Answer): Attempt {
  const { at, durationMs, status } = answer
  return { kind, webhookId, at, durationMs, answer: answer.answer, ...(status === undefined ? {} : { status }) }
}

/** A heartbeat is due when nothing else was sent for the period asked for. */
export async function planHeartbeat({ context, deliveries }: LaneParts, { lane, draft }: Step): Promise<void> {
  if (draft.heartbeatSeconds === undefined && lane.heartbeatAt === undefined) return
  const at =
    draft.heartbeatSeconds === undefined
      ? undefined
      : new Date(context.clock().getTime() + draft.heartbeatSeconds * 1_000)
  await deliveries.scheduleHeartbeat(lane.lease, at)
}
