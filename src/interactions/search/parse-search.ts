/** All parameters of a search → what to find and how to show it (R4 search.html#return); unknown ones are refused, or left out in lenient handling. */
import { type Issue, issue } from '../../fhir/outcome.ts'
import type { Criterion, Query } from '../../store/store.ts'
import { parseCount } from '../paging.ts'
import { parseCriteria, type SearchFacts } from './criteria.ts'

type Parameter = readonly [name: string, value: string]

export interface SearchPlan {
  readonly criteria: readonly Criterion[]
  readonly sort: NonNullable<Query['sort']>
  readonly count: number
  readonly needsTotal: boolean
  /** Parameters that counted, for the self link. */
  readonly used: readonly Parameter[]
}

export interface SearchRequestFacts extends SearchFacts {
  readonly isLenient: boolean
}

const SORTS: Readonly<Record<string, NonNullable<Query['sort']>['field']>> = {
  _lastUpdated: 'lastUpdated',
  date: 'start',
  _id: 'id',
}

/** The plan of a search, or every fault of its parameters. Pure. */
export function parseSearch(
  parameters: readonly Parameter[],
  facts: SearchRequestFacts,
): { readonly plan: SearchPlan } | { readonly issues: readonly Issue[] } {
  const issues: Issue[] = []
  const criteria: Criterion[] = []
  const used: Parameter[] = []
  const shape: { sort: SearchPlan['sort']; count: number; needsTotal: boolean } = {
    sort: { field: 'id', descending: false },
    count: 0,
    needsTotal: false,
  }
  shape.count = take(parseCount(undefined), issues) ?? 0
  for (const parameter of parameters) {
    const found = parseResult(parameter, shape) ?? parseSelecting(parameter, facts, criteria)
    if (found === 'taken') used.push(parameter)
    else if (!(facts.isLenient && found.code === 'UNKNOWN_PARAMETER')) issues.push(found)
  }
  return issues.length > 0 ? { issues } : { plan: { criteria, used, ...shape } }
}

function take<T>(value: T | Issue, issues: Issue[]): T | undefined {
  if (typeof value === 'object' && value !== null && 'code' in value) {
    issues.push(value as Issue)
    return undefined
  }
  return value as T
}

/** A parameter that shapes the answer; undefined when it is none. */
function parseResult(
  [name, value]: Parameter,
  shape: { sort: SearchPlan['sort']; count: number; needsTotal: boolean },
): 'taken' | Issue | undefined {
  switch (name) {
    case '_count': {
      const count = parseCount(value)
      if (typeof count !== 'number') return count
      shape.count = count
      // R4: _count=0 is the same as _summary=count
      if (count === 0) shape.needsTotal = true
      return 'taken'
    }
    case '_total':
      if (value !== 'none' && value !== 'accurate' && value !== 'estimate')
        return issue('INVALID_PARAMETER', undefined, '_total must be none, estimate or accurate.')
      shape.needsTotal = shape.needsTotal || value !== 'none'
      return 'taken'
    case '_sort': {
      const field = SORTS[value.replace(/^-/, '')]
      if (field === undefined)
        return issue(
          'INVALID_PARAMETER',
          undefined,
          '_sort must be one of _lastUpdated, date, _id, with - before it for descending.',
        )
      shape.sort = { field, descending: value.startsWith('-') }
      return 'taken'
    }
    case '_cursor':
      return 'taken'
    default:
      return undefined
  }
}

function parseSelecting(parameter: Parameter, facts: SearchFacts, criteria: Criterion[]): 'taken' | Issue {
  const parsed = parseCriteria([parameter], facts)
  if ('issues' in parsed) return parsed.issues[0] ?? issue('INVALID_PARAMETER')
  criteria.push(...parsed.criteria)
  return 'taken'
}
