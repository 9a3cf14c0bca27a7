/** Events to authorities (R17 to R25; delivery.md "Topics"): facts only. */
import { authoritiesOf } from './access-history.ts'
import type { AuthorityCode, LondonDay, PlanType, ResourceId } from './brands.ts'
import { caseStatusOf, isTold } from './case-status.ts'
import type { IncidentState } from './incident.ts'
import type { PlanFacts } from './plan.ts'

export type Topic = 'child-checked' | 'incident-opened' | 'nhs-number-superseded' | 'nhs-number-missing' | 'baby-born'

export interface RegisterEvent {
  readonly id: string
  /** Instant, ISO 8601 UTC. */
  readonly at: string
  readonly topic: Topic
  readonly authority: AuthorityCode
  /** Visible plans of that authority; never empty (R25). */
  readonly plans: readonly { readonly id: ResourceId; readonly version: number; readonly type: PlanType }[]
  /** Whether any of them is open (R20). */
  readonly caseStatus: 'open' | 'closed'
  readonly setting?: string
  readonly incident?: { readonly id: string; readonly leg: number; readonly inSixMonths: number }
  /** AuditEvent of the access, for child-checked and incident-opened. */
  readonly auditId?: string
}

/** What an access tells: facts of the check, and the incident as decideAccess left it. */
export interface AccessFacts {
  /** The visible plans of every authority (R7). */
  readonly plans: readonly PlanFacts[]
  readonly incident: IncidentState
  readonly carried: NonNullable<RegisterEvent['incident']>
  readonly setting: string
  readonly auditId: string
  readonly at: Date
  readonly today: LondonDay
  /** Gives a new id for each event. */
  readonly newId: () => string
}

/**
 * The events of one access (R18): child-checked for each authority with a visible plan that is still told (R20), and
 * incident-opened for those that had none in this incident (R21). In the order of their codes; each names a plan (R25). Pure but for newId.
 */
export function buildAccessEvents(facts: AccessFacts): readonly RegisterEvent[] {
  const told = facts.plans.filter((plan) => isTold(plan, facts.today))
  return authoritiesOf(told).flatMap((authority) => {
    const topics: Topic[] = ['child-checked']
    if (!facts.incident.openedFor.includes(authority)) topics.push('incident-opened')
    return topics.map((topic) => buildAccessEvent(topic, authority, facts))
  })
}

function buildAccessEvent(topic: Topic, authority: AuthorityCode, facts: AccessFacts): RegisterEvent {
  const visible = facts.plans.filter((plan) => plan.owner === authority)
  const told = visible.filter((plan) => isTold(plan, facts.today))
  return {
    id: facts.newId(),
    at: facts.at.toISOString(),
    topic,
    authority,
    plans: told.map(namePlan),
    caseStatus: caseStatusOf(visible, facts.today),
    setting: facts.setting,
    incident: facts.carried,
    auditId: facts.auditId,
  }
}

function namePlan(plan: PlanFacts): RegisterEvent['plans'][number] {
  return { id: plan.id, version: plan.version, type: plan.type }
}

/** The incident with the authorities that these events tell of its opening; to be remembered with the child (R21). Pure. */
export function noteOpened(incident: IncidentState, events: readonly RegisterEvent[]): IncidentState {
  const opened = events.filter((event) => event.topic === 'incident-opened').map((event) => event.authority)
  return opened.length === 0 ? incident : { ...incident, openedFor: [...incident.openedFor, ...opened] }
}

/** An event about one plan that no access made: nhs-number-missing (R17), nhs-number-superseded (R23), baby-born (R24). Pure. */
export function buildPlanEvent(
  topic: Exclude<Topic, 'child-checked' | 'incident-opened'>,
  plan: PlanFacts,
  when: { readonly id: string; readonly at: Date; readonly today: LondonDay },
): RegisterEvent {
  return {
    id: when.id,
    at: when.at.toISOString(),
    topic,
    authority: plan.owner,
    plans: [namePlan(plan)],
    caseStatus: caseStatusOf([plan], when.today),
  }
}
