/** A filed EpisodeOfCare → its facts and the resource as it will be kept, or all that is wrong with it (register.md R1, R9–R12). */
import type { EpisodeOfCare } from '@medplum/fhirtypes'
import { type Issue, isError, issue } from '../../fhir/outcome.ts'
import type { LondonDay } from '../brands.ts'
import { statusOn } from '../visibility.ts'
import type { FilingFacts, PlanDraft } from './draft.ts'
import { dropNotHeld } from './not-held.ts'
import { authorityReference, checkAssigners, checkOwnAuthority } from './own-authority.ts'
import { checkPeriod, checkStatus, checkStatusIsTaken, isWithdrawnStatus, parsePeriod } from './plan-dates.ts'
import {
  type AboutWhom,
  keptReference,
  parseAboutWhom,
  parseExpectedDelivery,
  parseLegalBasis,
  parseOwnIdentifiers,
  parsePlanType,
} from './plan-parts.ts'

export interface ParsedPlan {
  readonly issues: readonly Issue[]
  /** Present when no issue is an error. */
  readonly plan?: PlanDraft
}

/**
 * Parses a plan as one authority files it. All faults at once, with places below `EpisodeOfCare`; warnings and
 * information stand beside a plan. Judges nothing that needs other resources: see completeness.ts, overlap.ts. Pure.
 */
export function parsePlan(resource: EpisodeOfCare, facts: FilingFacts): ParsedPlan {
  const type = parsePlanType(resource.type, 'EpisodeOfCare.type')
  const period = parsePeriod(resource.period, 'EpisodeOfCare.period')
  const { issues: patientIssues, about } = parseAboutWhom(resource.patient, 'EpisodeOfCare.patient', facts)
  const identifiers = parseOwnIdentifiers(resource.identifier)
  const withdrawn = isWithdrawnStatus(resource.status)
  const basis = parseLegalBasis(resource, type.value)
  const delivery = parseExpectedDelivery(resource, facts.today)
  const { start, end } = period
  const dates = start === undefined ? undefined : { start, ...(end === undefined ? {} : { end }) }
  const issues = [
    ...checkOwnAuthority(resource.managingOrganization, 'EpisodeOfCare.managingOrganization', facts),
    ...checkAssigners(resource.identifier, 'EpisodeOfCare.identifier', facts),
    ...identifiers.issues,
    ...checkStatusIsTaken(resource.status),
    ...type.issues,
    ...patientIssues,
    ...period.issues,
    ...checkPeriod(period, 'EpisodeOfCare.period', facts.today),
    ...basis.issues.filter((one) => isError(one) || !withdrawn),
    ...delivery.issues,
  ]
  if (issues.some(isError)) return { issues }
  if (type.value === undefined || dates === undefined || identifiers.value === undefined || isNobody(about))
    return refuseShape(issues)
  const plan: PlanDraft = {
    resource: keptPlan(resource, { about, dates, withdrawn, facts }),
    type: type.value,
    ...dates,
    withdrawn,
    ...(about.nhsNumber === undefined ? {} : { nhsNumber: about.nhsNumber }),
    ...(about.reference === undefined ? {} : { patientReference: about.reference }),
    ...(about.identifier === undefined ? {} : { patientIdentifier: about.identifier }),
    identifiers: identifiers.value,
    unique: withdrawn ? [] : identifiers.value,
    ...(basis.value === undefined ? {} : { legalBasis: basis.value }),
    ...(delivery.value === undefined ? {} : { expectedDelivery: delivery.value }),
  }
  return { issues: [...checkStatus(resource.status, dates, facts.today), ...issues], plan }
}

/** Only a patient of a shape that the base validation reports leaves it empty without an issue. */
function isNobody({ nhsNumber, reference, identifier }: AboutWhom): boolean {
  return nhsNumber === undefined && reference === undefined && identifier === undefined
}

/** A part has a shape that only the profile check can name; were it to let it through, the plan is still not taken. */
function refuseShape(issues: readonly Issue[]): ParsedPlan {
  return { issues: [...issues, issue('INVALID_RESOURCE', 'EpisodeOfCare')] }
}

interface Kept {
  readonly about: AboutWhom
  readonly dates: { readonly start: LondonDay; readonly end?: LondonDay }
  readonly withdrawn: boolean
  readonly facts: FilingFacts
}

function keptPlan(sent: EpisodeOfCare, { about, dates, withdrawn, facts }: Kept): EpisodeOfCare {
  const { id: _id, meta: _meta, ...content } = dropNotHeld(sent).resource
  return {
    ...content,
    status: statusOn({ type: 'CPP', withdrawn, ...dates }, facts.today),
    patient: keptReference(content.patient, about),
    managingOrganization: authorityReference(facts),
    period: { ...content.period, ...dates },
  }
}
