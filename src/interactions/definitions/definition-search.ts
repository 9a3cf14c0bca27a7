/** Search parameters over published definitions (R4 search.html; interface.md "REST"): url, name, code, _id. */
import type { Resource } from '@medplum/fhirtypes'
import { type Issue, issue } from '../../fhir/outcome.ts'
import { parseToken, splitOr, unescapeText as unescapeValue } from '../../fhir/search-parameters.ts'
import { parseCount } from '../paging.ts'
import { DEFINITION_PARAMETERS } from './definition-parameters.ts'

type Parameter = readonly [name: string, value: string]
type Test = (resource: Resource) => boolean

export interface DefinitionSearch {
  readonly matches: Test
  readonly count: number
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
  const count = parseCount(known.find(([name]) => name === '_count')?.[1])
  if (typeof count !== 'number') issues.push(count)
  if (known.some(([, value]) => value === '')) issues.push(issue('INVALID_PARAMETER'))
  if (issues.length > 0 || typeof count !== 'number') return { issues }
  const tests = known.map(testOf)
  return { search: { count, used: known, matches: (resource) => tests.every((test) => test(resource)) } }
}

function isKnown(type: string, name: string): boolean {
  const own = type === 'Basic' ? DEFINITION_PARAMETERS.topic : DEFINITION_PARAMETERS.conformance
  return name === '_id' || name === '_count' || own.some((one) => one.name === name)
}

function testOf([name, value]: Parameter): Test {
  const parts = splitOr(value)
  switch (name) {
    case '_id':
      return ({ id }) => parts.map(unescapeValue).includes(id ?? '')
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
