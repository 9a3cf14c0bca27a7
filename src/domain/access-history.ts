/** The access history of a child (R18, R19): the record, and which of it is shown. */
import type { AuthorityCode, OdsCode } from './brands.ts'

/** How many earlier accesses an answer shows (R19). */
export const SHOWN_ACCESSES = 25

/** One access of a child: a check that found something, from an unscheduled setting. */
export interface Access {
  /** Id of the AuditEvent of the check. */
  readonly id: string
  /** Instant, ISO 8601 UTC. */
  readonly at: string
  readonly user: UserFacts
  readonly organization: OdsCode
  readonly site?: OdsCode
  readonly setting: string
  readonly incident: { readonly id: string; readonly leg: number; readonly inSixMonths: number }
  /** Authorities with a visible plan at that moment: they may see it. */
  readonly authorities: readonly AuthorityCode[]
}

/** A person as the token names them. */
export interface UserFacts {
  readonly id: string
  readonly name: string
  readonly roleProfileId: string
  /** Job role, e.g. R8001, and its display. */
  readonly roleCode: string
  readonly roleName: string
}
