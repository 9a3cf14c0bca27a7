/** Filters of a Subscription (delivery.md "Topics"): parsed from `name=value`, and matched against an event. Several are ANDed; a comma is an OR. */
import type { PlanType } from './brands.ts'
import { findCareSetting } from './care-settings.ts'
import type { RegisterEvent, Topic } from './events.ts'
import { PLAN_TYPES, planTypeOf } from './plan.ts'

export type SubscriptionFilter =
  | { readonly kind: 'plan-status'; readonly anyOf: readonly string[] }
  | { readonly kind: 'plan-type'; readonly anyOf: readonly PlanType[] }
  | { readonly kind: 'setting'; readonly anyOf: readonly string[] }
  | { readonly kind: 'incidents-in-six-months'; readonly atLeast: number }

/** Names of the filters of each topic. */
export const TOPIC_FILTERS: Readonly<Record<Topic, readonly SubscriptionFilter['kind'][]>> = {
  'child-checked': ['plan-status', 'plan-type', 'setting', 'incidents-in-six-months'],
  'incident-opened': ['plan-status', 'plan-type', 'setting', 'incidents-in-six-months'],
  'nhs-number-superseded': [],
  'nhs-number-missing': [],
  'baby-born': [],
}

/** A filter of a topic; undefined for an unknown name, one the topic lacks, or a value of a wrong form. Pure. */
export function parseFilter(text: string, topic: Topic): SubscriptionFilter | undefined {
  const at = text.indexOf('=')
  const name = text.slice(0, Math.max(at, 0))
  const kind = TOPIC_FILTERS[topic].find((one) => one === name)
  const value = text.slice(at + 1)
  switch (kind) {
    case 'plan-status':
      return anyOf(value, (one) => (one === 'open' || one === 'closed' ? one : undefined), kind)
    case 'setting':
      return anyOf(value, (one) => findCareSetting(one)?.code, kind)
    case 'plan-type': {
      const types = value.split(',').map(parsePlanType)
      return types.every((one) => one !== undefined) ? { kind, anyOf: types } : undefined
    }
    case 'incidents-in-six-months': {
      const count = /^ge([1-9]\d{0,3})$/.exec(value)?.[1]
      return count === undefined ? undefined : { kind, atLeast: Number(count) }
    }
    default:
      return undefined
  }
}

/** Whether an event passes one filter; what the event does not say does not pass. Pure. */
export function matchesFilter(filter: SubscriptionFilter, event: RegisterEvent): boolean {
  switch (filter.kind) {
    case 'plan-status':
      return filter.anyOf.includes(event.caseStatus)
    case 'plan-type':
      return event.plans.some((plan) => filter.anyOf.includes(plan.type))
    case 'setting':
      return event.setting !== undefined && filter.anyOf.includes(event.setting)
    case 'incidents-in-six-months':
      return event.incident !== undefined && event.incident.inSixMonths >= filter.atLeast
  }
}

function anyOf(
  value: string,
  parse: (one: string) => string | undefined,
  kind: 'plan-status' | 'setting',
): SubscriptionFilter | undefined {
  const parsed = value.split(',').map(parse)
  return parsed.every((one) => one !== undefined) ? { kind, anyOf: parsed } : undefined
}

/** A plan type by its short name (CPP, LAC, UCPP) or its SNOMED CT code, with or without the system. */
function parsePlanType(text: string): PlanType | undefined {
  if (Object.hasOwn(PLAN_TYPES, text)) return planTypeOf(PLAN_TYPES[text as PlanType].code)
  return planTypeOf(text.startsWith('http://snomed.info/sct|') ? text.slice('http://snomed.info/sct|'.length) : text)
}
