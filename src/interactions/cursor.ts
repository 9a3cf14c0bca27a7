/** Paging cursors (interface.md "Search"; security.md): sealed, and bound to the caller, its authority and what is searched. They carry the query, so that links need no number. */
import type { Caller } from '../auth/caller.ts'
import type { Context } from '../context.ts'
import { FhirError, fhirError } from '../fhir/fhir-error.ts'
import { issue } from '../fhir/outcome.ts'
import type { FhirRequest } from './interaction.ts'

/** Sort values and id of the last row already given. */
export type Place = readonly (string | number)[]

export interface Cursor {
  /** Where the pages so far ended; the last is where this page begins, those before lead back. */
  readonly places: readonly Place[]
  /** The search as first asked, less `_cursor`. */
  readonly parameters: readonly (readonly [name: string, value: string])[]
}

/** Pages that one can go back; a longer way starts from `first`. Keeps links far below the longest address that is taken. */
const MOST_PLACES = 20

/** An opaque text that only the same caller can use, for the same type (or route) of search. CPU only. */
export function sealCursor(cursor: Cursor, scope: string, { caller, context }: Holder): string {
  const kept = { p: cursor.places.slice(-MOST_PLACES), q: cursor.parameters }
  return context.store.seal(JSON.stringify(kept), bindingOf(scope, caller))
}

export interface Holder {
  readonly caller: Caller | undefined
  readonly context: Pick<Context, 'store'>
}

/** Throws INVALID_PARAMETER for a text that was changed, or was made for another caller, authority or search. CPU only. */
export function openCursor(sealed: string, scope: string, { caller, context }: Holder): Cursor {
  const text = context.store.open(sealed, bindingOf(scope, caller))
  if (text === undefined) {
    throw fhirError('INVALID_PARAMETER', undefined, 'This page link is not yours or was changed. Search again.')
  }
  const kept = JSON.parse(text) as { readonly p: readonly Place[]; readonly q: Cursor['parameters'] }
  return { places: kept.p, parameters: kept.q }
}

export interface Page {
  /** Undefined: the first page, as asked. */
  readonly cursor: Cursor | undefined
  /** What is searched: as first asked, with the page size of this request if it names one (some clients add `_count` to every link). */
  readonly parameters: Cursor['parameters']
}

/** Which page a request asks for. Throws INVALID_PARAMETER as openCursor, UNKNOWN_PARAMETER for anything but `_count` beside a cursor, unless lenient. CPU only. */
export function openPage(
  { parameters, prefer }: Pick<FhirRequest, 'parameters' | 'prefer'>,
  scope: string,
  holder: Holder,
): Page {
  const sealed = parameters.filter(([name]) => name === '_cursor')
  const [only] = sealed
  if (only === undefined) return { cursor: undefined, parameters }
  const counts = parameters.filter(([name]) => name === '_count')
  if (sealed.length + counts.length < parameters.length && prefer.handling === 'strict') {
    throw new FhirError([issue('UNKNOWN_PARAMETER', undefined, 'A page link takes _count only. Follow it as it is.')])
  }
  const cursor = openCursor(only[1], scope, holder)
  if (counts.length === 0) return { cursor, parameters: cursor.parameters }
  return { cursor, parameters: [...cursor.parameters.filter(([name]) => name !== '_count'), ...counts] }
}

/** A new token of the same client, person and authority goes on where the last one stopped. */
function bindingOf(scope: string, caller: Caller | undefined): string {
  const who =
    caller === undefined
      ? []
      : [
          caller.kind,
          caller.clientId,
          'authority' in caller ? caller.authority : '',
          'user' in caller ? caller.user.id : '',
          'organization' in caller ? caller.organization : '',
        ]
  return JSON.stringify(['cursor', scope, ...who])
}
