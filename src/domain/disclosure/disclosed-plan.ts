/** A visible plan and its Flag as the NHS sees them: built from an allow-list, never copied (register.md P3, "Who sees what"). */
import type { EpisodeOfCare, Flag, Organization, Period } from '@medplum/fhirtypes'
import { EXTENSION, PROFILE, SYSTEM } from '../../fhir/canonicals.ts'
import type { LondonDay, NhsNumber } from '../brands.ts'
import { PLAN_TYPES } from '../plan.ts'
import { buildDetail, buildSignal } from '../upload/build-flag.ts'
import { type FoundPlan, flagStatusOn, isOpen, shownUntil, statusOn } from '../visibility.ts'
import { disclosedAuthority, disclosedSubject, redactedMeta } from './disclosed-parts.ts'

export interface DisclosedFacts {
  readonly plan: FoundPlan
  /** The number that the caller sent. */
  readonly nhsNumber: NhsNumber
  readonly today: LondonDay
  readonly organization: Organization | undefined
}

/** The plan as disclosed (cpis-plan-disclosed). Pure. */
export function buildDisclosedPlan(facts: DisclosedFacts): EpisodeOfCare & { id: string } {
  const { plan, today } = facts
  const until = isOpen(plan, today) ? undefined : shownUntil(plan)
  return {
    resourceType: 'EpisodeOfCare',
    id: plan.id,
    meta: redactedMeta(PROFILE.planDisclosed),
    extension: [
      { url: EXTENSION.caseStatus, valueCode: disclosedCaseStatus(plan, today) },
      ...(until === undefined ? [] : [{ url: EXTENSION.shownUntil, valueDate: until }]),
    ],
    status: statusOn(plan, today),
    type: [{ coding: [{ system: SYSTEM.snomed, ...PLAN_TYPES[plan.type] }] }],
    patient: disclosedSubject(plan, facts.nhsNumber),
    managingOrganization: disclosedAuthority(plan.owner, facts.organization),
    period: disclosedPeriod(plan),
  }
}

/** Open, closed, or of the mother of the child (R20, R24). Pure. */
export function disclosedCaseStatus(
  plan: Pick<FoundPlan, 'via' | 'end' | 'withdrawn'>,
  today: LondonDay,
): 'open' | 'closed' | 'born-plan-of-mother' {
  if (plan.via === 'mother') return 'born-plan-of-mother'
  return isOpen(plan, today) ? 'open' : 'closed'
}

/** The Flag as disclosed (cpis-flag-disclosed). Pure. */
export function buildDisclosedFlag(facts: DisclosedFacts): Flag & { id: string } {
  const { plan } = facts
  return {
    resourceType: 'Flag',
    id: plan.flagId,
    meta: redactedMeta(PROFILE.flagDisclosed),
    extension: [buildDetail(plan.id)],
    status: flagStatusOn(plan, facts.today),
    ...buildSignal(plan.type),
    subject: disclosedSubject(plan, facts.nhsNumber),
    period: disclosedPeriod(plan),
    author: disclosedAuthority(plan.owner, facts.organization),
  }
}

function disclosedPeriod(plan: FoundPlan): Period {
  return { start: plan.start, ...(plan.end === undefined ? {} : { end: plan.end }) }
}
