/** SMART App Launch 2.2 scopes in the v2 syntax (`system/EpisodeOfCare.cruds`) and the register's own, which name a duty (security.md "Callers"). */
import { CANONICAL_BASE } from '../fhir/canonicals.ts'

/** Scopes of ours: what a person or the PDS side may do that is no plain REST interaction. */
export const SCOPE = {
  check: `${CANONICAL_BASE}/scope/check`,
  birth: `${CANONICAL_BASE}/scope/birth`,
  numbers: `${CANONICAL_BASE}/scope/numbers`,
  admin: `${CANONICAL_BASE}/scope/admin`,
  audit: 'user/AuditEvent.rs',
} as const

const OWN: ReadonlySet<string> = new Set([SCOPE.check, SCOPE.birth, SCOPE.numbers, SCOPE.admin])
const SMART = /^(system|user)\/([A-Z][A-Za-z]*)\.(?=[cruds])(c?r?u?d?s?)$/

/** A SMART scope taken apart: `permissions` are letters of `cruds`. */
export interface ResourceScope {
  readonly context: string
  readonly type: string
  readonly permissions: string
}

/** Parts of a SMART v2 scope; undefined for everything else, v1 spellings, wildcards and search conditions included. Pure. */
export function parseResourceScope(text: string): ResourceScope | undefined {
  const [, context, type, permissions] = SMART.exec(text) ?? []
  return context === undefined || type === undefined || permissions === undefined
    ? undefined
    : { context, type, permissions }
}

/** The scopes of a `scope` parameter, in order and once each; undefined when one is of no known form. Pure. */
export function parseScopes(text: string): readonly string[] | undefined {
  const words = [...new Set(text.split(' ').filter((word) => word !== ''))]
  return words.every((word) => OWN.has(word) || parseResourceScope(word) !== undefined) ? words : undefined
}

/** Whether what `granted` allows includes all that `wanted` asks. Pure. */
export function coversScope(granted: string, wanted: string): boolean {
  if (granted === wanted) return true
  const have = parseResourceScope(granted)
  const want = parseResourceScope(wanted)
  if (have === undefined || want === undefined) return false
  const sameResource = have.context === want.context && have.type === want.type
  return sameResource && [...want.permissions].every((letter) => have.permissions.includes(letter))
}

/** Whether one of the scopes includes the wanted one. Pure. */
export function hasScope(scopes: readonly string[], wanted: string): boolean {
  return scopes.some((granted) => coversScope(granted, wanted))
}
