/** The access history of a child (R18, R19): the record, and which of it is shown. */
import type { AuthorityCode, OdsCode } from './brands.ts'
import type { PlanFacts } from './plan.ts'

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

/** R19: the accesses that an answer shows, newest first, at most 25; earlier ones only, so read them before this one is added. Pure. */
export function shownAccesses(accesses: readonly Access[]): readonly Access[] {
  return [...accesses].sort(newestFirst).slice(0, SHOWN_ACCESSES)
}

function newestFirst(a: Access, b: Access): number {
  if (a.at !== b.at) return a.at < b.at ? 1 : -1
  return a.id < b.id ? 1 : -1
}

/** R19: whether an authority may see an access: one of its plans was visible then. Pure. */
export function maySeeAccess(access: Pick<Access, 'authorities'>, authority: AuthorityCode): boolean {
  return access.authorities.includes(authority)
}

/** Authorities of these (visible) plans, each once, in the order of their codes: they may see the access (R19). Pure. */
export function authoritiesOf(plans: readonly Pick<PlanFacts, 'owner'>[]): readonly AuthorityCode[] {
  return [...new Set(plans.map((plan) => plan.owner))].sort()
}
