/** Search parameters → criteria of the store (R4 search.html; interface.md "Search"): typed, strict, all faults at once. */
import { parseNhsNumber } from '../../domain/nhs-number.ts'
import { planTypeOf } from '../../domain/plan.ts'
import { SYSTEM } from '../../fhir/canonicals.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'
import { parseName, parseToken, splitOr, unescapeText } from '../../fhir/search-parameters.ts'
import type { Criterion, OwnedType } from '../../store/store.ts'
import { parseId } from '../owned-rows.ts'
import { birthCriteria, eachDate, instantCriteria, periodCriteria } from './date-criteria.ts'
import { each } from './or-list.ts'
import { findSearchDefinition, type SearchDefinition } from './search-definitions.ts'

/** What a criterion may need to know: whose rows, and how references to this server begin. */
export interface SearchFacts {
  readonly type: OwnedType
  readonly numberRange: 'test' | 'real'
  readonly fhirBase: string
  /** GSS of the caller's authority: a search for another's rows finds nothing. */
  readonly authority?: string
}

type Parameter = readonly [name: string, value: string]
type Parsed = { readonly criteria: readonly Criterion[] } | { readonly issues: readonly Issue[] }

/** Criterion that no row fulfils. */
const NOTHING: Criterion = { field: 'id', anyOf: [] }

/** Criteria of the parameters that select; result parameters must have been taken out before. Pure. */
export function parseCriteria(parameters: readonly Parameter[], facts: SearchFacts): Parsed {
  const parsed = parameters.map((one) => parseOne(one, facts))
  const issues = parsed.flatMap((one) => (Array.isArray(one) ? [] : [one as Issue]))
  if (issues.length > 0) return { issues }
  return { criteria: parsed.flatMap((one) => (Array.isArray(one) ? one : [])) }
}

function parseOne([full, value]: Parameter, facts: SearchFacts): readonly Criterion[] | Issue {
  const { name, modifier } = parseName(full)
  if (name === '_id' && modifier === undefined) return [{ field: 'id', anyOf: splitOr(value).map(unescapeText) }]
  if (name === '_lastUpdated' && modifier === undefined) return parseLastUpdated(value)
  // Every resource has both
  if ((name === '_id' || name === '_lastUpdated') && modifier === 'missing') return parseNeverMissing(name, value)
  const definition = findSearchDefinition(facts.type, name)
  if (definition === undefined) return unknown()
  if (modifier !== undefined && modifier !== 'missing' && !definition.modifiers.includes(modifier)) {
    return issue('UNKNOWN_PARAMETER', undefined, `The modifier of ${definition.name} is not offered. Leave it out.`)
  }
  if (modifier === 'missing') return parseMissing(definition, value)
  return readValue(definition, { value, modifier, facts }) ?? invalid(definition.name)
}

function unknown(): Issue {
  return issue(
    'UNKNOWN_PARAMETER',
    undefined,
    'A search parameter is not known for this type. See the CapabilityStatement.',
  )
}

function invalid(name: string): Issue {
  return issue('INVALID_PARAMETER', undefined, `The value of ${name} has a wrong form. Correct it.`)
}

interface Value {
  readonly value: string
  readonly modifier: string | undefined
  readonly facts: SearchFacts
}

function readValue(definition: SearchDefinition, given: Value): readonly Criterion[] | Issue | undefined {
  const not = given.modifier === 'not' ? { not: true } : {}
  switch (definition.meaning) {
    case 'identifier':
      return each(given.value, parseToken, (tokens) => [{ field: 'identifier', tokens }])
    case 'nhs-number':
      return parseNumbers(given)
    case 'status':
      return each(given.value, codeOf(STATUS_SYSTEM[given.facts.type]), (anyOf) => [{ field: 'status', anyOf, ...not }])
    case 'plan-type':
      return each(given.value, planTypeToken, (anyOf) => [{ field: 'planType', anyOf, ...not }])
    case 'org-type':
      return each(given.value, codeOf(SYSTEM.organizationType), (anyOf) => [{ field: 'orgType', anyOf }])
    case 'patient':
      return given.modifier === 'identifier' ? parseNumbers(given) : references('Patient', 'patientId', given)
    case 'plan':
      return references('EpisodeOfCare', 'planId', given)
    case 'authority':
      return parseAuthority(given)
    case 'period':
      return eachDate(given.value, periodCriteria)
    case 'birth-date':
      return eachDate(given.value, birthCriteria)
    case 'name':
      return each(
        given.value,
        (one) => unescapeText(one) || undefined,
        (startsWith) => [{ field: 'name', startsWith }],
      )
    case 'url':
      return each(
        given.value,
        (one) => unescapeText(one) || undefined,
        (anyOf) => [{ field: 'url', anyOf }],
      )
    case 'topic':
      return each(
        given.value,
        (one) => unescapeText(one) || undefined,
        (anyOf) => [{ field: 'topic', anyOf }],
      )
  }
}

/** Systems of the codes of `status` elements (R4, required bindings). */
const STATUS_SYSTEM: Readonly<Partial<Record<OwnedType, string>>> = {
  EpisodeOfCare: 'http://hl7.org/fhir/episode-of-care-status',
  Flag: 'http://hl7.org/fhir/flag-status',
  Subscription: 'http://hl7.org/fhir/subscription-status',
}

/** A code that nothing has: what is well-formed and of another system simply matches nothing. */
const NO_CODE = 'none'

function codeOf(system: string | undefined): (part: string) => string | undefined {
  return (part) => {
    const token = parseToken(part)
    if (token?.value === undefined) return undefined
    return token.system === undefined || token.system === system ? token.value : NO_CODE
  }
}

function planTypeToken(part: string): string | undefined {
  const token = parseToken(part)
  if (token?.value === undefined) return undefined
  if (token.system !== undefined && token.system !== SYSTEM.snomed) return NO_CODE
  return planTypeOf(token.value) ?? NO_CODE
}

function parseMissing(definition: SearchDefinition, value: string): readonly Criterion[] | Issue {
  if (value !== 'true' && value !== 'false') return invalid(definition.name)
  const missing = value === 'true'
  switch (definition.meaning) {
    case 'nhs-number':
      return [{ field: 'nhsNumber', missing }]
    case 'patient':
      return [{ field: 'patientId', missing }]
    case 'plan':
      return [{ field: 'planId', missing }]
    case 'birth-date':
      return [{ field: 'birthDate', missing }]
    case 'status':
      return [{ field: 'status', missing }]
    case 'plan-type':
      return [{ field: 'planType', missing }]
    case 'period':
      return [{ field: 'start', missing }]
    case 'org-type':
      return [{ field: 'orgType', missing }]
    case 'name':
      return [{ field: 'name', missing }]
    case 'url':
      return [{ field: 'url', missing }]
    case 'topic':
      return [{ field: 'topic', missing }]
    case 'authority':
      return missing ? [NOTHING] : []
    case 'identifier':
      return [{ field: 'identifier', missing }]
  }
}

/** Child by NHS number, with or without its system; another system finds nothing. INVALID_NHS_NUMBER for a number that cannot be one. */
function parseNumbers({ value, facts }: Value): readonly Criterion[] | Issue | undefined {
  const numbers: string[] = []
  for (const part of splitOr(value)) {
    const token = parseToken(part)
    if (token?.value === undefined) return undefined
    if (token.system !== undefined && token.system !== SYSTEM.nhsNumber) continue
    const parsed = parseNhsNumber(token.value, facts.numberRange)
    if (!('nhsNumber' in parsed)) return issue(parsed.code)
    numbers.push(parsed.nhsNumber)
  }
  return [{ field: 'nhsNumber', anyOf: numbers }]
}

function references(
  type: string,
  field: 'patientId' | 'planId',
  { value, facts }: Value,
): readonly Criterion[] | undefined {
  return each(
    value,
    (part) => parseId(localId(unescapeText(part), type, facts.fhirBase)),
    (anyOf) => [{ field, anyOf }],
  )
}

/** `x`, `Type/x` or `[base]/Type/x` → `x`. */
function localId(reference: string, type: string, fhirBase: string): string {
  const relative = reference.startsWith(`${fhirBase}/`) ? reference.slice(fhirBase.length + 1) : reference
  return relative.startsWith(`${type}/`) ? relative.slice(type.length + 1) : relative
}

/** All rows are the caller's own: naming its own authority selects all of them, another selects none. */
function parseAuthority({ value, modifier, facts }: Value): readonly Criterion[] | undefined {
  const parts = splitOr(value)
  if (parts.some((one) => one === '')) return undefined
  const named = parts.map((part) =>
    modifier === 'identifier' ? gssOf(part) : localId(unescapeText(part), 'Organization', facts.fhirBase),
  )
  return named.includes(facts.authority) ? [] : [NOTHING]
}

/** Plans and Flags name their authority by its GSS code. */
function gssOf(part: string): string | undefined {
  const token = parseToken(part)
  return token?.system === undefined || token.system === SYSTEM.gss ? token?.value : undefined
}

function parseNeverMissing(name: string, value: string): readonly Criterion[] | Issue {
  if (value !== 'true' && value !== 'false') return invalid(name)
  return value === 'true' ? [NOTHING] : []
}

function parseLastUpdated(value: string): readonly Criterion[] | Issue {
  return eachDate(value, instantCriteria) ?? invalid('_lastUpdated')
}
