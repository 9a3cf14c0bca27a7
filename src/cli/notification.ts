/** Reads a Subscriptions R5 Backport notification: a history Bundle that opens with its status Parameters (delivery.md "Bundle"). */
import type { Bundle, Parameters, ParametersParameter } from '@medplum/fhirtypes'
import { parseResource } from './parse-answer.ts'

export interface NotificationEvent {
  readonly number: number
  /** Instant at which it occurred. */
  readonly at: string | undefined
  /** Relative or absolute reference of the AuditEvent or the plan. */
  readonly focus: string | undefined
  readonly context: readonly string[]
}

export interface Notification {
  readonly type: string
  readonly topic: string | undefined
  readonly subscription: string | undefined
  /** Highest number that this Subscription has given out. */
  readonly eventsSinceStart: number
  readonly events: readonly NotificationEvent[]
}

/** The notification in a body; throws when it is none. Pure. */
export function parseNotification(body: unknown): Notification {
  const bundle: Bundle = parseResource(body, 'Bundle')
  const status: Parameters = parseResource(bundle.entry?.[0]?.resource, 'Parameters')
  const parts = status.parameter ?? []
  return {
    type: valueIn(parts, 'type') ?? '',
    topic: valueIn(parts, 'topic'),
    subscription: valueIn(parts, 'subscription'),
    eventsSinceStart: Number(valueIn(parts, 'events-since-subscription-start') ?? 0),
    events: parts.filter((one) => one.name === 'notification-event').map(parseEvent),
  }
}

function parseEvent(event: ParametersParameter): NotificationEvent {
  const parts = event.part ?? []
  return {
    number: Number(valueIn(parts, 'event-number') ?? 0),
    at: parts.find((one) => one.name === 'timestamp')?.valueInstant,
    focus: valueIn(parts, 'focus'),
    context: parts.filter((one) => one.name === 'additional-context').flatMap((one) => textOf(one) ?? []),
  }
}

function valueIn(parts: readonly ParametersParameter[], name: string): string | undefined {
  const found = parts.find((one) => one.name === name)
  return found === undefined ? undefined : textOf(found)
}

function textOf(part: ParametersParameter): string | undefined {
  return part.valueReference?.reference ?? part.valueCode ?? part.valueCanonical ?? part.valueUri ?? part.valueString
}

/** Type and id of a reference, absolute or not, with or without `_history`: `Patient/1`. Pure. */
export function relativeReference(reference: string): string | undefined {
  return reference.match(/(?:^|\/)([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]+)?$/)?.[1]
}
