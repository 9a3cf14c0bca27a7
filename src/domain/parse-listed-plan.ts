/** One entry of an authority's list → what $reconcile compares: read leniently, only identifier, type, period, status and whom it is about. */

import type { EpisodeOfCare } from '@medplum/fhirtypes'
import { SYSTEM } from '../fhir/canonicals.ts'
import { isObject } from '../fhir/json-object.ts'
import { type Issue, isError, issue } from '../fhir/outcome.ts'
import type { NumberRange } from './nhs-number.ts'
import type { ListedPlan } from './reconcile.ts'
import { isWithdrawnStatus, parsePeriod } from './upload/plan-dates.ts'
import { parseAboutWhom, parseOwnIdentifiers, parsePlanType } from './upload/plan-parts.ts'
import { partsOf } from './upload/tolerant.ts'

/** The plan, or every reason why it cannot be compared, with places below EpisodeOfCare. Everything else in it is passed over. Pure. */
export function parseListedPlan(
  value: unknown,
  place: string,
  facts: { readonly numberRange: NumberRange },
): { readonly plan: ListedPlan } | { readonly issues: readonly Issue[] } {
  if (!isObject(value) || value['resourceType'] !== 'EpisodeOfCare')
    return { issues: [issue('INVALID_RESOURCE', undefined, 'This must be one EpisodeOfCare.')] }
  const resource = value as unknown as EpisodeOfCare
  const identifiers = parseOwnIdentifiers(resource.identifier)
  const type = parsePlanType(resource.type, 'EpisodeOfCare.type')
  const period = parsePeriod(resource.period, 'EpisodeOfCare.period')
  const who = parseWho(resource, facts)
  const issues = [...identifiers.issues, ...type.issues, ...period.issues, ...who.issues].filter(isError)
  const { start, end } = period
  if (issues.length > 0) return { issues }
  if (start === undefined || type.value === undefined || !identifiers.value?.length)
    return { issues: [issue('INVALID_RESOURCE', 'EpisodeOfCare')] }
  return {
    plan: {
      place,
      identifiers: identifiers.value,
      type: type.value,
      start,
      ...(end === undefined ? {} : { end }),
      withdrawn: isWithdrawnStatus(resource.status),
      ...(who.about.nhsNumber === undefined ? {} : { nhsNumber: who.about.nhsNumber }),
    },
  }
}

/** Only an NHS number is looked at: a list may name its children by anything else. */
function parseWho({ patient }: EpisodeOfCare, facts: { readonly numberRange: NumberRange }) {
  const { identifier } = partsOf(patient)
  if (identifier?.system !== SYSTEM.nhsNumber) return { issues: [], about: {} }
  return parseAboutWhom({ identifier }, 'EpisodeOfCare.patient', facts)
}
