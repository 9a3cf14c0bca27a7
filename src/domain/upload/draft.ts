/** What parsing an upload gives: checked facts beside the resource as it will be kept (register.md R10–R12). */
import type { EpisodeOfCare, Flag, Organization, Patient } from '@medplum/fhirtypes'
import type { AuthorityCode, LondonDay, NhsNumber, PlanType } from '../brands.ts'
import type { NumberRange } from '../nhs-number.ts'

/** A business identifier as a search or uniqueness key. */
export interface Token {
  readonly system?: string
  readonly value?: string
}

/** Who files, and when: from the token and the clock, never from the body (R10). */
export interface FilingFacts {
  readonly authority: AuthorityCode
  readonly today: LondonDay
  readonly numberRange: NumberRange
  /** The authority's own Organization as held: its id, name and other codes. Without it only the GSS code is known as its own. */
  readonly organization?: Organization
  /** Other references that mean that Organization, such as the urn:uuid of its Bundle entry. */
  readonly ownReferences?: readonly string[]
  /** `[base]`, so that absolute references to this server are understood. */
  readonly fhirBase?: string
}

/** The three legal bases that bring a looked-after child in scope (R9). */
export type LegalBasis = 's20' | 's31' | 's38'

export interface PlanDraft {
  /** As it will be kept: status from the dates, whole days, the authority filled in, no id, meta or server-owned extension. */
  readonly resource: EpisodeOfCare
  readonly type: PlanType
  readonly start: LondonDay
  readonly end?: LondonDay
  readonly withdrawn: boolean
  /** The number that the plan itself names; its Patient may name one too. */
  readonly nhsNumber?: NhsNumber
  /** `Patient/x`, `urn:uuid:…` or `Patient?identifier=…`, still to be resolved. */
  readonly patientReference?: string
  /** The authority's own identifier of the child (never the NHS number). */
  readonly patientIdentifier?: Token
  readonly identifiers: readonly Token[]
  /** Those of the identifiers that may stand only once in the authority: all, but none of a withdrawn plan (R15). */
  readonly unique: readonly Token[]
  readonly legalBasis?: LegalBasis
  readonly expectedDelivery?: LondonDay
}

export interface PatientDraft {
  readonly resource: Patient
  readonly nhsNumber?: NhsNumber
  /** YYYY, YYYY-MM or YYYY-MM-DD. */
  readonly birthDate?: string
  readonly identifiers: readonly Token[]
  /** The NHS number's token (R15). */
  readonly unique: readonly Token[]
}

export interface FlagDraft {
  readonly resource: Flag
  /** Literal or conditional reference of flag-detail, still to be resolved. */
  readonly planReference?: string
  /** Logical flag-detail: the authority's identifier of the plan. */
  readonly planIdentifier?: Token
  readonly identifiers: readonly Token[]
}

export interface AuthorityDraft {
  readonly resource: Organization
  readonly name: string
  readonly identifiers: readonly Token[]
  readonly unique: readonly Token[]
}
