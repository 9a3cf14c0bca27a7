/** The query of If-None-Exist and of conditional update and delete (R4 http.html#ccreate): strict, and never empty. */
import { type Issue, issue } from '../../fhir/outcome.ts'
import type { Criterion } from '../../store/store.ts'
import { parseCriteria, type SearchFacts } from './criteria.ts'

/** Without what clients put before the query: `?`, `Type?`, or the whole address as HAPI's client sends it. */
function bareQuery(query: string, { type, fhirBase }: SearchFacts): string {
  const relative = query.startsWith(`${fhirBase}/`) ? query.slice(fhirBase.length + 1) : query
  return relative.replace(new RegExp(`^(?:${type})?\\?`), '')
}

/** Criteria of a condition, or what is wrong with it. A leading `Type?` or `?` is taken off. Pure. */
export function parseCondition(
  query: string,
  facts: SearchFacts,
): { readonly criteria: readonly Criterion[] } | { readonly issue: Issue } {
  const bare = bareQuery(query, facts)
  const parameters = [...new URLSearchParams(bare)]
  if (parameters.length === 0)
    return { issue: issue('MISSING_PARAMETER', undefined, 'A condition needs at least one search parameter.') }
  const parsed = parseCriteria(parameters, facts)
  if ('criteria' in parsed) return parsed
  return { issue: parsed.issues[0] ?? issue('INVALID_PARAMETER') }
}
