/** What the lists that a Bundle asks for may bring at most, judged before any work (security.md "Abuse and bad input"): an answer must fit in memory. */
import { type Issue, issue } from '../../fhir/outcome.ts'
import { DEFAULT_COUNT, parseCount } from '../paging.ts'
import type { BundleEntry } from './bundle-entries.ts'

/** Rows of all searches and histories of one Bundle together: ten pages of the largest size, or a hundred of the usual one. */
export const MOST_ROWS = 5_000
/** A search that only counts brings no row; it is work all the same. */
const COUNTED = 1

/** An issue when the searches and histories together may bring more than MOST_ROWS rows. Pure. */
export function checkReadCost(entries: readonly BundleEntry[]): readonly Issue[] {
  const rows = entries.reduce((sum, entry) => sum + mostRowsOf(entry), 0)
  if (rows <= MOST_ROWS) return []
  const text = `The searches and histories of the Bundle may bring more than ${MOST_ROWS} rows. Ask for fewer with _count, or split it.`
  return [issue('TOO_MANY_ENTRIES', 'Bundle.entry', text)]
}

function mostRowsOf({ method, url }: BundleEntry): number {
  if (method !== 'GET') return 0
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  if (path.includes('/') && !path.endsWith('/_history')) return 0
  const parameters = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1))
  if (parameters.get('_summary') === 'count') return COUNTED
  const count = parseCount(parameters.get('_count') ?? undefined)
  return typeof count === 'number' ? Math.max(count, COUNTED) : DEFAULT_COUNT
}
