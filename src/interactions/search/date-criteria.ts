/** Dates of a search → ranges of the store (R4 search.html#date and #prefix). */
import { END_OF_TIME, parseSearchDate, type SearchDate } from '../../fhir/search-parameters.ts'
import type { Criterion } from '../../store/store.ts'
import { each } from './or-list.ts'

/** A date parameter with its or-list; undefined when a part is no date. Pure. */
export function eachDate(
  value: string,
  build: (date: SearchDate) => readonly Criterion[],
): readonly Criterion[] | undefined {
  return each(value, parseSearchDate, (dates) => {
    const [only] = dates
    return dates.length === 1 && only !== undefined ? build(only) : [{ or: dates.map(build) }]
  })
}

/** An instant against a span. Pure. */
export function instantCriteria(date: SearchDate): readonly Criterion[] {
  const field = 'lastUpdated'
  switch (date.prefix) {
    case 'eq':
    case 'ap':
      return [{ field, from: date.from, before: date.before }]
    case 'ne':
      return [{ or: [[{ field, before: date.from }], [{ field, from: date.before }]] }]
    case 'gt':
    case 'sa':
      return [{ field, from: date.before }]
    case 'lt':
    case 'eb':
      return [{ field, before: date.from }]
    case 'ge':
      return [{ field, from: date.from }]
    case 'le':
      return [{ field, before: date.before }]
  }
}

const LAST_DAY = '9999-12-31'

/** First day of the span, and the first day behind it. */
function daysOf(date: SearchDate): { readonly first: string; readonly behind: string } {
  const behind = date.before.slice(0, 10)
  return { first: date.from.slice(0, 10), behind: date.text.length > 10 ? nextDay(date.from.slice(0, 10)) : behind }
}

function nextDay(day: string): string {
  if (day >= LAST_DAY) return END_OF_TIME.slice(0, 10)
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10)
}

/** Period against a span of days (R4 search.html#prefix): a period without an end goes on for ever. */
export function periodCriteria(date: SearchDate): readonly Criterion[] {
  const { first, behind } = daysOf(date)
  const within: readonly Criterion[] = [
    { field: 'start', from: first },
    { field: 'end', from: first, before: behind },
  ]
  const reachesBehind: Criterion = { field: 'end', from: behind, openEnd: true }
  const beginsBefore: Criterion = { field: 'start', before: first }
  switch (date.prefix) {
    case 'eq':
      return within
    case 'ne':
      return [{ or: [[beginsBefore], [reachesBehind], [{ field: 'end', before: first }]] }]
    case 'gt':
      return [reachesBehind]
    case 'lt':
      return [beginsBefore]
    case 'ge':
      return [{ field: 'end', from: first, openEnd: true }]
    case 'le':
      return [{ field: 'start', before: behind }]
    case 'sa':
      return [{ field: 'start', from: behind }]
    case 'eb':
      return [{ field: 'end', before: first }]
    case 'ap':
      return [
        { field: 'start', before: behind },
        { field: 'end', from: first, openEnd: true },
      ]
  }
}

/** Birth dates compare as text: a partial one stands at the first day it could be. */
export function birthCriteria(date: SearchDate): readonly Criterion[] {
  const { first, behind } = daysOf(date)
  const field = 'birthDate'
  const lowest = date.text
  switch (date.prefix) {
    case 'eq':
    case 'ap':
      return [{ field, from: lowest, before: behind }]
    case 'ne':
      return [{ or: [[{ field, before: lowest }], [{ field, from: behind }]] }]
    case 'gt':
    case 'sa':
      return [{ field, from: behind }]
    case 'lt':
    case 'eb':
      return [{ field, before: first }]
    case 'ge':
      return [{ field, from: lowest }]
    case 'le':
      return [{ field, before: behind }]
  }
}
