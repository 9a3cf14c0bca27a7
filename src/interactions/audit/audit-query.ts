/** Search parameters of AuditEvent → a query of the store (R4 search.html; interface.md "REST"): strict, every fault at once. */
import { parseNhsNumber } from '../../domain/nhs-number.ts'
import { SYSTEM } from '../../fhir/canonicals.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'
import {
  parseSearchDate,
  parseToken,
  type SearchToken,
  splitOr,
  unescapeText as unescapeValue,
} from '../../fhir/search-parameters.ts'
import type { AuditQuery } from '../../store/store.ts'
import { parseCount } from '../paging.ts'
import { parseShape, type Shape, WHOLE } from '../search/shape.ts'

type Parameter = readonly [name: string, value: string]
type Selection = Omit<AuditQuery, 'limit' | 'after' | 'authority'>

export interface AuditPlan {
  /** Undefined when nothing can match. */
  readonly selection: Selection | undefined
  readonly count: number
  readonly needsTotal: boolean
  readonly shape: Shape
  /** Parameters that counted. */
  readonly used: readonly Parameter[]
}

export interface AuditSearchFacts {
  readonly isLenient: boolean
  /** An auditor must give a bound on the time. */
  readonly needsDate: boolean
  readonly numberRange: 'test' | 'real'
  readonly fhirBase: string
  /** An authority reads: only it has a worklist. */
  readonly hasWorklist: boolean
}

/** What one parameter asks: a part of the query, `nothing` when no record can fulfil it, or a fault. */
type Asked = Selection | 'nothing' | Issue
type Read = (value: string, facts: AuditSearchFacts) => Asked

const NOTHING = 'nothing'

/** The plan, or all that is wrong. Pure. */
export function parseAuditSearch(
  parameters: readonly Parameter[],
  facts: AuditSearchFacts,
): { readonly plan: AuditPlan } | { readonly issues: readonly Issue[] } {
  const used = parameters.filter(([name]) => isKnown(name))
  const issues: Issue[] = used.length < parameters.length && !facts.isLenient ? [unknownParameter()] : []
  const wish = parseResult(used)
  const asked = used.flatMap(([name, value]) => (isRead(name) ? (READ[name]?.(value, facts) ?? []) : []))
  issues.push(...wish.issues, ...asked.filter(isIssue))
  const selections = asked.filter((one) => one !== NOTHING && !isIssue(one)) as readonly Selection[]
  const merged = mergeAll(selections)
  if (merged === 'twice') issues.push(issue('INVALID_PARAMETER', undefined, 'A parameter stands more than once.'))
  const hasBound = selections.some((one) => one.from !== undefined || one.before !== undefined)
  if (facts.needsDate && !hasBound && !asked.some(isIssue)) issues.push(missingDate())
  if (issues.length > 0 || merged === 'twice') return { issues }
  return { plan: { ...wish, selection: asked.includes(NOTHING) ? undefined : merged, used } }
}

const RESULT = ['_count', '_total', '_sort', '_summary', '_elements']

function isKnown(name: string): boolean {
  return isRead(name) || RESULT.includes(name)
}

function isRead(name: string): boolean {
  return Object.hasOwn(READ, name)
}

function isIssue(asked: Asked | Shape): asked is Issue {
  return typeof asked === 'object' && 'code' in asked
}

function unknownParameter(): Issue {
  return issue(
    'UNKNOWN_PARAMETER',
    undefined,
    'A search parameter is not known for AuditEvent. See the CapabilityStatement.',
  )
}

function missingDate(): Issue {
  return issue(
    'MISSING_PARAMETER',
    undefined,
    'An auditor must give date with at least one bound, such as date=ge2026-05-01.',
  )
}

function parseResult(used: readonly Parameter[]): Pick<AuditPlan, 'count' | 'needsTotal' | 'shape'> & {
  readonly issues: readonly Issue[]
} {
  const given = (name: string): string | undefined => used.find(([one]) => one === name)?.[1]
  const count = parseCount(given('_count'))
  const { shape, issues: wrongShape } = shapeOf(used)
  const isCountOnly = shape.summary === 'count' || count === 0
  const issues = [
    ...(typeof count === 'number' ? [] : [count]),
    ...badValue('_sort', given('_sort'), ['-date', '-_lastUpdated']),
    ...badValue('_total', given('_total'), ['none', 'accurate', 'estimate']),
    ...wrongShape,
  ]
  const needsTotal = isCountOnly || ['accurate', 'estimate'].includes(given('_total') ?? 'none')
  return { count: isCountOnly || typeof count !== 'number' ? 0 : count, needsTotal, shape, issues }
}

function shapeOf(used: readonly Parameter[]): { readonly shape: Shape; readonly issues: readonly Issue[] } {
  let shape = WHOLE
  const issues: Issue[] = []
  for (const [name, value] of used) {
    const parsed = parseShape(name, value, shape) ?? shape
    if (isIssue(parsed)) issues.push(parsed)
    else shape = parsed
  }
  return { shape, issues }
}

function badValue(name: string, value: string | undefined, allowed: readonly string[]): Issue[] {
  if (value === undefined || allowed.includes(value)) return []
  return [issue('INVALID_PARAMETER', undefined, `${name} must be one of ${allowed.join(', ')}.`)]
}

const byDate: Read = (value) => {
  const date = parseSearchDate(value)
  switch (date?.prefix) {
    case 'eq':
    case 'ap':
      return { from: date.from, before: date.before }
    case 'ge':
      return { from: date.from }
    case 'gt':
    case 'sa':
      return { from: date.before }
    case 'lt':
    case 'eb':
      return { before: date.from }
    case 'le':
      return { before: date.before }
    default:
      return invalid('date', 'a day or instant with a prefix eq, ge, gt, le, lt, sa, eb or ap')
  }
}

const byPatient: Read = (value, facts) => {
  const token = parseToken(value)
  if (token?.value === undefined) return invalid('patient:identifier', 'one NHS number')
  if (token.system !== undefined && token.system !== SYSTEM.nhsNumber) return NOTHING
  const parsed = parseNhsNumber(token.value, facts.numberRange)
  return parsed.nhsNumber === undefined ? issue(parsed.code) : { nhsNumber: parsed.nhsNumber }
}

const byEntityIdentifier: Read = (value, facts) =>
  parseToken(value)?.system === SYSTEM.nhsNumber ? byPatient(value, facts) : NOTHING

const byEntity: Read = (value, { fhirBase }) => {
  const references = splitOr(value).map((part) => {
    const text = unescapeValue(part)
    return text.startsWith(`${fhirBase}/`) ? text.slice(fhirBase.length + 1) : text
  })
  const isReference = (one: string): boolean => /^([A-Z][A-Za-z]+\/)?[A-Za-z0-9\-.]{1,64}$/.test(one)
  return references.every(isReference)
    ? { entities: references }
    : invalid('entity', 'a reference such as EpisodeOfCare/id')
}

function byTokens(name: string, field: 'agents' | 'subtypes' | 'outcomes' | 'incidents'): Read {
  return (value) => {
    const tokens = splitOr(value).map(parseToken)
    const values = tokens.flatMap((token: SearchToken | undefined) => token?.value ?? [])
    return values.length === tokens.length ? { [field]: values } : invalid(name, 'one or more codes')
  }
}

const byAcknowledged: Read = (value, { hasWorklist }) => {
  if (!hasWorklist)
    return issue('INVALID_PARAMETER', undefined, 'Only an authority searches by acknowledged: it is its own worklist.')
  const token = parseToken(value)
  if (token?.value === 'true' || token?.value === 'false') return { acknowledged: token.value === 'true' }
  return invalid('acknowledged', 'true or false')
}

const byId: Read = (value) => ({ ids: splitOr(value).map(unescapeValue) })

const byAgent = byTokens('agent:identifier', 'agents')

/** Agents and patients are logical references: a literal one is well-formed, and matches none. */
const byLiteral: Read = (value) => (value === '' ? invalid('patient or agent', 'a reference') : NOTHING)

const READ: Readonly<Record<string, Read>> = {
  _id: byId,
  _lastUpdated: byDate,
  date: byDate,
  patient: byLiteral,
  'patient:identifier': byPatient,
  'patient.identifier': byPatient,
  agent: byLiteral,
  'agent:identifier': byAgent,
  'agent.identifier': byAgent,
  entity: byEntity,
  'entity:identifier': byEntityIdentifier,
  'entity.identifier': byEntityIdentifier,
  subtype: byTokens('subtype', 'subtypes'),
  outcome: byTokens('outcome', 'outcomes'),
  incident: byTokens('incident', 'incidents'),
  acknowledged: byAcknowledged,
}

function invalid(name: string, wanted: string): Issue {
  return issue('INVALID_PARAMETER', undefined, `The value of ${name} must be ${wanted}.`)
}

/** All parts together: bounds of time narrow each other; any other part may come once. */
function mergeAll(selections: readonly Selection[]): Selection | 'twice' {
  const names = selections.flatMap((one) => Object.keys(one).filter((key) => key !== 'from' && key !== 'before'))
  if (new Set(names).size < names.length) return 'twice'
  const froms = selections.flatMap(({ from }) => from ?? []).sort()
  const befores = selections.flatMap(({ before }) => before ?? []).sort()
  const from = froms.at(-1)
  const [before] = befores
  const rest = Object.assign({}, ...selections) as Selection
  return { ...rest, ...(from === undefined ? {} : { from }), ...(before === undefined ? {} : { before }) }
}
