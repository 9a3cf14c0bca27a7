/** Parts of a plan that are judged one by one: plan type, identifiers, whom it is about, its extensions (register.md R1, R9, R11). */

import type { CodeableConcept, EpisodeOfCare, Extension, Identifier, Patient, Reference } from '@medplum/fhirtypes'
import { EXTENSION, SYSTEM } from '../../fhir/canonicals.ts'
import { isObject } from '../../fhir/json-object.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'
import type { LondonDay, NhsNumber, PlanType } from '../brands.ts'
import { addCalendarMonths } from '../london-day.ts'
import { parseNhsNumber } from '../nhs-number.ts'
import { planTypeOf } from '../plan.ts'
import type { FilingFacts, LegalBasis, Token } from './draft.ts'
import { parseWholeDay } from './plan-dates.ts'
import { isResolvable, listOf, partsOf, relativeReference, textOf, tokenOf } from './tolerant.ts'

interface Parsed<T> {
  readonly issues: readonly Issue[]
  readonly value?: T
}

/** The plan type of the one SNOMED CT code that is of the value set; INVALID_CODE when there is none or more than one. Pure. */
export function parsePlanType(concepts: readonly CodeableConcept[] | undefined, place: string): Parsed<PlanType> {
  if (concepts === undefined) return { issues: [issue('PROFILE', place, 'A plan needs its type.')] }
  const codings = listOf(concepts).flatMap(({ item }) => listOf(item.coding))
  const codes = codings.flatMap(({ item }) => (item.system === SYSTEM.snomed ? [textOf(item.code)] : []))
  const types = new Set(codes.map((code) => (code === undefined ? undefined : planTypeOf(code))))
  const [type] = types
  return type === undefined || types.size > 1 ? { issues: [issue('INVALID_CODE', place)] } : { issues: [], value: type }
}

/** The authority's identifiers of a plan: at least one, each with system and value (R11). Pure. */
export function parseOwnIdentifiers(identifiers: readonly Identifier[] | undefined): Parsed<readonly Token[]> {
  const place = 'EpisodeOfCare.identifier'
  if (identifiers === undefined)
    return { issues: [issue('PROFILE', place, "A plan needs its authority's identifier.")] }
  const rows = listOf(identifiers).map(({ at, item }) => ({ at, token: tokenOf(item) }))
  const issues = rows.flatMap(({ at, token }) =>
    (['system', 'value'] as const)
      .filter((part) => token[part] === undefined)
      .map((part) => issue('PROFILE', `${place}[${at}].${part}`, 'An identifier needs system and value.')),
  )
  return { issues, value: rows.map(({ token }) => token) }
}

/** Whom a plan or Flag is about, still to be resolved. */
export interface AboutWhom {
  readonly nhsNumber?: NhsNumber
  readonly reference?: string
  readonly identifier?: Token
}

/** What must be known to read whom something is about. */
type WhomFacts = Pick<FilingFacts, 'numberRange' | 'fhirBase'>

/** Reads a reference to a child or mother: literal, by NHS number (R1) or by the authority's own identifier. Pure. */
export function parseAboutWhom(
  reference: Reference<Patient> | undefined,
  place: string,
  facts: WhomFacts,
): { readonly issues: readonly Issue[]; readonly about: AboutWhom } {
  const { literal, identifier } = partsOf(reference)
  const issues: Issue[] = []
  const about: { nhsNumber?: NhsNumber; reference?: string; identifier?: Token } = {}
  if (literal !== undefined) {
    about.reference = relativeReference(literal, facts.fhirBase)
    if (!isResolvable(about.reference, 'Patient')) issues.push(issue('INVALID_REFERENCE', `${place}.reference`))
  }
  if (identifier !== undefined) issues.push(...readIdentifier(identifier, `${place}.identifier`, { about, facts }))
  if (literal === undefined && identifier === undefined && !isMisshapen(reference)) {
    issues.push(issue('PROFILE', place, 'Say whom it is about: a Patient, an NHS number or your own identifier.'))
  }
  return { issues, about }
}

/** Present, but of a shape that the base validation reports. */
function isMisshapen(reference: unknown): boolean {
  if (!isObject(reference)) return reference !== undefined
  return reference['reference'] !== undefined || reference['identifier'] !== undefined
}

function readIdentifier(
  identifier: Identifier,
  place: string,
  into: { readonly about: { nhsNumber?: NhsNumber; identifier?: Token }; readonly facts: WhomFacts },
): readonly Issue[] {
  const token = tokenOf(identifier)
  if (token.system === SYSTEM.nhsNumber) {
    const parsed = parseNhsNumber(identifier.value, into.facts.numberRange)
    if (parsed.code !== undefined) return [issue(parsed.code, `${place}.value`)]
    into.about.nhsNumber = parsed.nhsNumber
    return []
  }
  if (token.system === undefined || token.value === undefined) {
    return [issue('INVALID_REFERENCE', place, 'An identifier needs system and value.')]
  }
  into.about.identifier = token
  return []
}

/** The reference as it will be kept: the number without spaces, Reference.type beside an identifier. Its display went before (not-held.ts). Pure. */
export function keptReference(sent: Reference<Patient>, about: AboutWhom): Reference<Patient> {
  return {
    ...sent,
    ...(about.reference === undefined ? {} : { reference: about.reference }),
    ...(sent.identifier === undefined ? {} : { type: 'Patient' }),
    ...(about.nhsNumber === undefined ? {} : { identifier: { ...sent.identifier, value: about.nhsNumber } }),
  }
}

const LEGAL_BASES: readonly LegalBasis[] = ['s20', 's31', 's38']

/** R9: the legal basis of a LAC plan; OUT_OF_SCOPE for another one, a warning when there is none. Other plan types need none. Pure. */
export function parseLegalBasis(
  plan: Pick<EpisodeOfCare, 'extension'>,
  type: PlanType | undefined,
): Parsed<LegalBasis> {
  const found = findExtension(plan.extension, EXTENSION.legalBasis)
  const value = LEGAL_BASES.find((one) => one === found?.item.valueCode)
  if (value !== undefined) return { issues: [], value }
  if (type !== 'LAC') return { issues: [] }
  if (found === undefined) return { issues: [issue('LEGAL_BASIS_MISSING', 'EpisodeOfCare')] }
  return { issues: [issue('OUT_OF_SCOPE', `EpisodeOfCare.extension[${found.at}]`)] }
}

const EARLIEST_DELIVERY = '1990-01-01'
/** A plan may start a year ahead, and a pregnancy follows it. */
const MOST_DELIVERY_MONTHS_AHEAD = 24

/** The expected date of delivery (R20): a whole day that is no slip of the pen, for a wrong one would stop the events of a closed plan. Pure. */
export function parseExpectedDelivery(plan: Pick<EpisodeOfCare, 'extension'>, today: LondonDay): Parsed<LondonDay> {
  const found = findExtension(plan.extension, EXTENSION.expectedDeliveryDate)
  if (found === undefined) return { issues: [] }
  const place = `EpisodeOfCare.extension[${found.at}].value`
  const { issues, day } = parseWholeDay(found.item.valueDate, place)
  if (day === undefined) return { issues }
  const isPlausible = day >= EARLIEST_DELIVERY && day <= addCalendarMonths(today, MOST_DELIVERY_MONTHS_AHEAD)
  return isPlausible ? { issues, value: day } : { issues: [issue('DATE_IMPLAUSIBLE', place)] }
}

function findExtension(
  extensions: readonly Extension[] | undefined,
  url: string,
): { readonly at: number; readonly item: Extension } | undefined {
  return listOf(extensions).find(({ item }) => item.url === url)
}
