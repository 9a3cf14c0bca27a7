/** Pages of a list (interface.md "Search"): how many, behind which place, and the links between them. */
import type { BundleLink } from '@medplum/fhirtypes'
import { type Issue, issue } from '../fhir/outcome.ts'
import { type Cursor, type Holder, type Place, sealCursor } from './cursor.ts'

export const DEFAULT_COUNT = 50
export const MOST_COUNT = 500

/** `_count` as asked, at most 500; an issue when it is no whole number. Pure. */
export function parseCount(text: string | undefined): number | Issue {
  if (text === undefined) return DEFAULT_COUNT
  if (!/^\d{1,9}$/.test(text)) return issue('INVALID_PARAMETER', undefined, '_count must be a whole number.')
  return Math.min(Number(text), MOST_COUNT)
}

export interface Paging extends Holder {
  /** What the cursor is bound to: a type, or a route. */
  readonly scope: string
  /** Absolute URL without a query. */
  readonly url: string
  /** Parameters as used; those that hold a number of a patient are left out of the self link. */
  readonly parameters: readonly (readonly [string, string])[]
  readonly cursor: Cursor | undefined
  /** Place of the last row shown, when there are more behind it. */
  readonly more: Place | undefined
}

/** Links self, first, previous and next. CPU only. */
export function buildLinks(paging: Paging): BundleLink[] {
  const { cursor, more } = paging
  const places = cursor?.places ?? []
  const links: BundleLink[] = [{ relation: 'self', url: selfUrl(paging) }]
  const link = (relation: string, to: readonly Place[]): void => {
    links.push({
      relation,
      url: `${paging.url}?_cursor=${sealCursor({ places: to, parameters: paging.parameters }, paging.scope, paging)}`,
    })
  }
  if (places.length > 0 || more !== undefined) link('first', [])
  if (places.length > 0) link('previous', places.slice(0, -1))
  if (more !== undefined) link('next', [...places, more])
  return links
}

/** Parameters that name a child are never repeated in a link (interface.md "REST", deviations). */
const NUMBER_PARAMETERS = /^(identifier|nhs-number|(patient|subject|entity)[:.]identifier)$/

function selfUrl({ url, parameters }: Paging): string {
  const shown = parameters.filter(([name]) => !NUMBER_PARAMETERS.test(name))
  const query = shown.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')
  return query === '' ? url : `${url}?${query}`
}
