/** The plan as facts: what register.md "Terms" calls a plan, without its FHIR clothes. */
import type { AuthorityCode, LondonDay, NhsNumber, PlanType, ResourceId } from './brands.ts'

/** SNOMED CT code and display of each plan type (value set cpis-plan-type). */
export const PLAN_TYPES = {
  CPP: { code: '342191000000101', display: 'Subject to child protection plan' },
  LAC: { code: '764841000000100', display: 'Looked after child' },
  UCPP: { code: '818901000000100', display: 'Subject to unborn child protection plan' },
} as const satisfies Record<PlanType, { code: string; display: string }>

/** Plan type of a SNOMED CT code; undefined when it is none of the three. Pure. */
export function planTypeOf(snomedCode: string): PlanType | undefined {
  return (Object.keys(PLAN_TYPES) as PlanType[]).find((type) => PLAN_TYPES[type].code === snomedCode)
}

/** What the rules need to know of one filed plan. */
export interface PlanFacts {
  readonly id: ResourceId
  readonly version: number
  readonly flagId: ResourceId
  readonly owner: AuthorityCode
  readonly type: PlanType
  readonly start: LondonDay
  readonly end?: LondonDay
  /** entered-in-error or cancelled (R4). */
  readonly withdrawn: boolean
  readonly nhsNumber?: NhsNumber
  /** As held by the LA: YYYY, YYYY-MM or YYYY-MM-DD. */
  readonly birthDate?: string
  /** UCPP only (R20). */
  readonly expectedDelivery?: LondonDay
}
