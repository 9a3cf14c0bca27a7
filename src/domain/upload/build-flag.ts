/** The Flag that the server keeps for each plan (register.md R14; profile cpis-flag). */
import type { Flag, Identifier, Organization, Patient, Reference } from '@medplum/fhirtypes'
import { EXTENSION, NHS_FLAG_CODE, SYSTEM } from '../../fhir/canonicals.ts'
import type { LondonDay, PlanType, ResourceId } from '../brands.ts'
import { PLAN_TYPES, type PlanFacts } from '../plan.ts'
import { flagStatusOn } from '../visibility.ts'

export interface FlagFacts {
  readonly plan: Pick<PlanFacts, 'type' | 'start' | 'end' | 'withdrawn' | 'birthDate'>
  readonly planId: ResourceId
  readonly flagId: ResourceId
  /** As the plan has it. */
  readonly patient: Reference<Patient>
  /** As own-authority.ts builds it. */
  readonly authority: Reference<Organization>
  /** Identifiers of a Flag that the authority brought along. */
  readonly sentIdentifiers?: readonly Identifier[]
}

/** The Flag of a plan as of a day. Pure. */
export function buildFlag(facts: FlagFacts, today: LondonDay): Flag {
  const { plan, sentIdentifiers = [] } = facts
  return {
    resourceType: 'Flag',
    id: facts.flagId,
    extension: [buildDetail(facts.planId)],
    ...(sentIdentifiers.length === 0 ? {} : { identifier: [...sentIdentifiers] }),
    status: flagStatusOn(plan, today),
    ...buildSignal(plan.type),
    subject: facts.patient,
    period: { start: plan.start, ...(plan.end === undefined ? {} : { end: plan.end }) },
    author: facts.authority,
  }
}

/** The flag-detail extension that links a Flag to its plan. Pure. */
export function buildDetail(planId: ResourceId): { url: string; valueReference: Reference } {
  return {
    url: EXTENSION.flagDetail,
    valueReference: { reference: `EpisodeOfCare/${planId}`, type: 'EpisodeOfCare' },
  }
}

/** Category and code of a Flag of that plan type: the same for its authority and for the NHS. Pure. */
export function buildSignal(type: PlanType): Required<Pick<Flag, 'category' | 'code'>> {
  return {
    category: [{ coding: [{ system: SYSTEM.flagCategory, code: 'safety', display: 'Safety' }] }],
    code: {
      coding: [
        { system: SYSTEM.snomed, ...PLAN_TYPES[type] },
        { system: SYSTEM.nhsFlag, code: NHS_FLAG_CODE },
      ],
    },
  }
}
