/** One fault, one issue (interface.md "Errors"): where a rule and the profile find the same fault, only the rule is reported. */
import type { CatalogueCode } from '../../fhir/catalogue.ts'
import { type Issue, isError } from '../../fhir/outcome.ts'

/** What the profile check says of a value that a rule judges too. */
const OF_PROFILE: ReadonlySet<CatalogueCode> = new Set(['PROFILE', 'INVALID_RESOURCE', 'INVALID_CODE'])

/** The issues of the profile check that no rule reports at the same place or below or above it, and then those of the rules. The whole resource is no place. Pure. */
export function mergeIssues(ofProfile: readonly Issue[], ofRules: readonly Issue[]): readonly Issue[] {
  const places = ofRules
    .filter(isError)
    .flatMap((one) => one.expression ?? [])
    .filter(isInside)
  const others = ofProfile.filter((one) => {
    const { expression } = one
    if (!OF_PROFILE.has(one.code) || expression === undefined) return true
    return !(isInside(expression) && places.some((place) => isWithin(place, expression) || isWithin(expression, place)))
  })
  return [...others, ...ofRules]
}

function isInside(place: string): boolean {
  return place.includes('.')
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`)
}
