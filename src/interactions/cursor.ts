/** Paging cursors (interface.md "Search"; security.md): sealed, and bound to the caller, its authority and what is searched. They carry the query, so that links need no number. */
import type { Caller } from '../auth/caller.ts'
import type { Context } from '../context.ts'
import { fhirError } from '../fhir/fhir-error.ts'

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
