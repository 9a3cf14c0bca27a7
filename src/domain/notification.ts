/** The notification Bundle of Subscriptions R5 Backport 1.1.0 for R4 (delivery.md "Bundle"): type history, first entry the status as Parameters. Pure. */
import type { Bundle, BundleEntry, Parameters, ParametersParameter, Resource, Subscription } from '@medplum/fhirtypes'
import { BACKPORT } from '../fhir/canonicals.ts'
import type { RegisterEvent } from './events.ts'
import type { PayloadContent } from './subscription-channel.ts'

export const STATUS_PROFILE = BACKPORT.status
export const NOTIFICATION_PROFILE = BACKPORT.notification

export type NotificationType = 'handshake' | 'heartbeat' | 'event-notification' | 'query-status' | 'query-event'

/** One event as a Subscription numbers it. References are relative: `AuditEvent/id`. */
export interface NotifiedEvent {
  readonly number: number
  /** Instant. */
  readonly at: string
  readonly focus: string
  readonly context: readonly string[]
}

export interface StatusFacts {
  /** UUID of the Parameters. */
  readonly id: string
  /** FHIR base of the server, without trailing slash. */
  readonly base: string
  readonly type: NotificationType
  readonly subscription: {
    readonly id: string
    readonly criteria: string
    readonly status: Subscription['status']
    readonly content: PayloadContent
  }
  /** Events numbered so far, sent or not. */
  readonly eventsSinceStart: number
  readonly events: readonly NotifiedEvent[]
  /** Plain words; absent when all is well. */
  readonly error?: string
}

export interface NotificationFacts extends StatusFacts {
  /** UUID of the Bundle. */
  readonly bundleId: string
  /** Instant of the sending. */
  readonly at: string
  /** For full-resource: the resources by their relative reference, as that authority may see them. */
  readonly resources?: ReadonlyMap<string, Resource>
}

/** What a receiver is told of an event: focus is the access (or the plan, where there is none), context the authority's plans. */
export function describeEvent(number: number, event: RegisterEvent): NotifiedEvent {
  const plans = event.plans.map((plan) => `EpisodeOfCare/${plan.id}`)
  const [focus = '', ...context] = event.auditId === undefined ? plans : [`AuditEvent/${event.auditId}`, ...plans]
  return { number, at: event.at, focus, context }
}

/** The references that these events name, each once, in their order: what a full-resource Bundle holds. Pure. */
export function targetsOf(events: readonly NotifiedEvent[]): readonly string[] {
  return [...new Set(events.flatMap(({ focus, context }) => [focus, ...context]))]
}

/** The Bundle that is posted, or that $events answers. */
export function buildNotification(facts: NotificationFacts): Bundle {
  const subscriptionUrl = `${facts.base}/Subscription/${facts.subscription.id}`
  const status: BundleEntry = {
    fullUrl: `urn:uuid:${facts.id}`,
    resource: buildStatus(facts),
    request: { method: 'GET', url: `${subscriptionUrl}/$status` },
    response: { status: '200' },
  }
  return {
    resourceType: 'Bundle',
    id: facts.bundleId,
    meta: { profile: [NOTIFICATION_PROFILE] },
    type: 'history',
    timestamp: facts.at,
    entry: [status, ...buildEntries(facts)],
  }
}

/** The status Parameters alone, as $status lists them. */
export function buildStatus(facts: StatusFacts): Parameters {
  const { subscription } = facts
  const parameter: ParametersParameter[] = [
    { name: 'subscription', valueReference: { reference: `${facts.base}/Subscription/${subscription.id}` } },
    // The IG: no topic in empty payloads, which say nothing about what happened.
    ...(subscription.content === 'empty' ? [] : [{ name: 'topic', valueCanonical: subscription.criteria }]),
    { name: 'status', valueCode: subscription.status },
    { name: 'type', valueCode: facts.type },
    { name: 'events-since-subscription-start', valueString: String(facts.eventsSinceStart) },
    ...facts.events.map((event) => buildEvent(facts, event)),
    ...(facts.error === undefined ? [] : [{ name: 'error', valueCodeableConcept: { text: facts.error } }]),
  ]
  return { resourceType: 'Parameters', id: facts.id, meta: { profile: [STATUS_PROFILE] }, parameter }
}

function buildEvent(facts: StatusFacts, event: NotifiedEvent): ParametersParameter {
  const reference = (name: string, target: string): ParametersParameter => ({
    name,
    valueReference: { reference: `${facts.base}/${target}` },
  })
  const links =
    facts.subscription.content === 'empty'
      ? []
      : [reference('focus', event.focus), ...event.context.map((target) => reference('additional-context', target))]
  return {
    name: 'notification-event',
    part: [
      { name: 'event-number', valueString: String(event.number) },
      { name: 'timestamp', valueInstant: event.at },
      ...links,
    ],
  }
}

/** One entry for each resource named, once even when several events name it. */
function buildEntries(facts: NotificationFacts): readonly BundleEntry[] {
  if (facts.subscription.content === 'empty') return []
  return targetsOf(facts.events).map((target) => buildEntry(facts, target))
}

function buildEntry(facts: NotificationFacts, target: string): BundleEntry {
  const resource = facts.subscription.content === 'full-resource' ? facts.resources?.get(target) : undefined
  const missing = facts.subscription.content === 'full-resource' && resource === undefined
  const created = target.startsWith('AuditEvent/')
  return {
    fullUrl: `${facts.base}/${target}`,
    ...(resource === undefined ? {} : { resource }),
    request: created ? { method: 'POST', url: 'AuditEvent' } : { method: 'GET', url: target },
    response: { status: missing ? '404' : created ? '201' : '200' },
  }
}
