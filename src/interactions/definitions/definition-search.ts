/** Search parameters over published definitions (R4 search.html; interface.md "REST"): url, name, code and those that all types have. */
import type { Resource } from '@medplum/fhirtypes'
import { type Issue, issue } from '../../fhir/outcome.ts'
import { parseSearchDate, parseToken, splitOr, unescapeText as unescapeValue } from '../../fhir/search-parameters.ts'
import { parseCount } from '../paging.ts'
import { parseShape, type Shape, WHOLE } from '../search/shape.ts'
import { DEFINITION_PARAMETERS } from './definition-parameters.ts'

type Parameter = readonly [name: string, value: string]
type Test = (resource: Resource) => boolean

export interface DefinitionSearch {
  readonly matches: Test
  readonly count: number
  /** By id, from the last. */
  readonly descending: boolean
  readonly shape: Shape
  readonly used: readonly Parameter[]
}

/** What to find, or every fault of the parameters; unknown ones are left out in lenient handling. Pure. */
export function parseDefinitionSearch(
  type: string,
  parameters: readonly Parameter[],
  isLenient: boolean,
): { readonly search: DefinitionSearch } | { readonly issues: readonly Issue[] } {
  const known = parameters.filter(([name]) => isKnown(type, name))
  const issues: Issue[] = known.length < parameters.length && !isLenient ? [issue('UNKNOWN_PARAMETER')] : []
  const result = parseResult(known)
  issues.push(...result.issues)
  if (known.some(([, value]) => value === '')) issues.push(issue('INVALID_PARAMETER'))
  if (known.some(([name, value]) => name === '_lastUpdated' && !splitOr(value).every(parseSearchDate)))
    issues.push(issue('INVALID_PARAMETER', undefined, 'The value of _lastUpdated must be a date.'))
  if (issues.length > 0) return { issues }
  const tests = known.map(testOf)
  return { search: { ...result.wish, used: known, matches: (resource) => tests.every((test) => test(resource)) } }
}

const COMMON = ['_id', '_lastUpdated', '_count', '_sort', '_total', '_summary', '_elements']

function isKnown(type: string, name: string): boolean {
  const own = type === 'Basic' ? DEFINITION_PARAMETERS.topic : DEFINITION_PARAMETERS.conformance
  return COMMON.includes(name) || own.some((one) => one.name === name)
}

/** How the answer is to look. The total is always given: it costs nothing here. */
function parseResult(known: readonly Parameter[]): {
  readonly wish: Pick<DefinitionSearch, 'count' | 'descending' | 'shape'>
  readonly issues: readonly Issue[]
} {
  const given = (name: string): string | undefined => known.findLast(([one]) => one === name)?.[1]
  const issues: Issue[] = []
  let shape = WHOLE
  for (const [name, value] of known) {
    const parsed = parseShape(name, value, shape) ?? shape
    if ('code' in parsed) issues.push(parsed)
    else shape = parsed
  }
  const counted = parseCount(given('_count'))
  if (typeof counted !== 'number') issues.push(counted)
  const sort = given('_sort') ?? '_id'
  if (sort !== '_id' && sort !== '-_id')
    issues.push(issue('INVALID_PARAMETER', undefined, '_sort must be _id or -_id.'))
  if (!['none', 'estimate', 'accurate'].includes(given('_total') ?? 'none'))
    issues.push(issue('INVALID_PARAMETER', undefined, '_total must be none, estimate or accurate.'))
  const count = typeof counted !== 'number' || shape.summary === 'count' ? 0 : counted
  return { wish: { count, shape, descending: sort === '-_id' }, issues }
}

function testOf([name, value]: Parameter): Test {
  const parts = splitOr(value)
  switch (name) {
    case '_id':
      return ({ id }) => parts.map(unescapeValue).includes(id ?? '')
    case '_lastUpdated':
      // what is published with the software was never updated here
      return ({ meta }) => meta?.lastUpdated !== undefined
    case 'url':
      return (resource) => 'url' in resource && parts.map(unescapeValue).includes(resource.url ?? '')
    case 'name':
      return (resource) => parts.some((part) => startsWith(nameOf(resource), unescapeValue(part)))
    case 'code':
      return (resource) => parts.some((part) => hasCode(resource, part))
    default:
      return () => true
  }
}

function nameOf(resource: Resource): string {
  return 'name' in resource && typeof resource.name === 'string' ? resource.name : ''
}

function startsWith(text: string, start: string): boolean {
  return text.toLowerCase().startsWith(start.toLowerCase())
}

function hasCode(resource: Resource, part: string): boolean {
  const token = parseToken(part)
  if (token === undefined || resource.resourceType !== 'Basic') return false
  return (resource.code.coding ?? []).some(
    ({ system, code }) =>
      (token.system === undefined || token.system === (system ?? '')) &&
      (token.value === undefined || token.value === code),
  )
}
