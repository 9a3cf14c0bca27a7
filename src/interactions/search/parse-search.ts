/** All parameters of a search → what to find and how to show it (R4 search.html#return); unknown ones are refused, or left out in lenient handling. */
import { type Issue, issue } from '../../fhir/outcome.ts'
import type { Criterion, Query } from '../../store/store.ts'
import { DEFAULT_COUNT, parseCount } from '../paging.ts'
import { parseCriteria, type SearchFacts } from './criteria.ts'
import { type Inclusion, parseInclusion } from './include.ts'
import { parseShape, type Shape, WHOLE } from './shape.ts'

type Parameter = readonly [name: string, value: string]

export interface SearchPlan {
  readonly criteria: readonly Criterion[]
  readonly sort: NonNullable<Query['sort']>
  readonly count: number
  readonly needsTotal: boolean
  readonly shape: Shape
  readonly inclusions: readonly Inclusion[]
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

/** What the result parameters have said so far. */
interface Wish {
  sort: SearchPlan['sort']
  count: number
  needsTotal: boolean
  shape: Shape
  readonly inclusions: Inclusion[]
}

/** The plan of a search, or every fault of its parameters. Pure. */
export function parseSearch(
  parameters: readonly Parameter[],
  facts: SearchRequestFacts,
): { readonly plan: SearchPlan } | { readonly issues: readonly Issue[] } {
  const issues: Issue[] = []
  const criteria: Criterion[] = []
  const used: Parameter[] = []
  const wish: Wish = {
    sort: { field: 'id', descending: false },
    count: DEFAULT_COUNT,
    needsTotal: false,
    shape: WHOLE,
    inclusions: [],
  }
  for (const parameter of parameters) {
    const found = takeResult(parameter, wish, facts) ?? takeSelecting(parameter, facts, criteria)
    if (found === 'taken') used.push(parameter)
    else if (!(facts.isLenient && found.code === 'UNKNOWN_PARAMETER')) issues.push(found)
  }
  // R4: _count=0 is the same as _summary=count
  if (wish.count === 0 || wish.shape.summary === 'count') Object.assign(wish, { count: 0, needsTotal: true })
  if (wish.shape.summary === 'text' && wish.inclusions.length > 0) {
    issues.push(issue('INVALID_PARAMETER', undefined, '_summary=text and _include exclude each other.'))
  }
  return issues.length > 0 ? { issues } : { plan: { criteria, used, ...wish } }
}

/** A parameter that shapes the answer; undefined when it is none. */
function takeResult([name, value]: Parameter, wish: Wish, facts: SearchFacts): 'taken' | Issue | undefined {
  const shape = parseShape(name, value, wish.shape)
  if (shape !== undefined) return take(shape, (one) => Object.assign(wish, { shape: one }))
  switch (name) {
    case '_count':
      return take(parseCount(value), (count) => Object.assign(wish, { count }))
    case '_total':
      return take(parseTotal(value), (isNeeded) => Object.assign(wish, { needsTotal: wish.needsTotal || isNeeded }))
    case '_sort':
      return take(parseSort(value), (sort) => Object.assign(wish, { sort }))
    case '_include':
    case '_revinclude':
      return take(parseInclusion(name, value, facts.type), (one) => wish.inclusions.push(one))
    case '_cursor':
      return 'taken'
    default:
      return undefined
  }
}

function take<T>(value: T | Issue, keep: (value: T) => void): 'taken' | Issue {
  if (isIssue(value)) return value
  keep(value)
  return 'taken'
}

function isIssue(value: unknown): value is Issue {
  return typeof value === 'object' && value !== null && 'code' in value
}

function parseTotal(value: string): boolean | Issue {
  if (value === 'none') return false
  if (value === 'accurate' || value === 'estimate') return true
  return issue('INVALID_PARAMETER', undefined, '_total must be none, estimate or accurate.')
}

/** One key; `_id` may stand behind it, as it decides between equals anyway. */
function parseSort(value: string): SearchPlan['sort'] | Issue {
  const [first = '', second] = value.split(',')
  const name = first.replace(/^-/, '')
  const field = Object.hasOwn(SORTS, name) ? SORTS[name] : undefined
  if (field !== undefined && (second === undefined || second === '_id'))
    return { field, descending: first.startsWith('-') }
  return issue(
    'INVALID_PARAMETER',
    undefined,
    '_sort must be one of _lastUpdated, date, _id, with - before it for descending.',
  )
}

function takeSelecting(parameter: Parameter, facts: SearchFacts, criteria: Criterion[]): 'taken' | Issue {
  const parsed = parseCriteria([parameter], facts)
  if ('issues' in parsed) return parsed.issues[0] ?? issue('INVALID_PARAMETER')
  criteria.push(...parsed.criteria)
  return 'taken'
}
