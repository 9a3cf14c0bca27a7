/** An entry of a Bundle → what it asks: method, type, id or condition (R4 http.html#transaction). */

import { type Issue, issue } from '../../fhir/outcome.ts'
import type { OwnedType } from '../../store/store.ts'
import type { InteractionCode } from '../interaction.ts'
import { isOwnedType, parseId } from '../owned-rows.ts'
import type { ChangeParts } from '../write/prepare-change.ts'
import type { BundleEntry } from './bundle-entries.ts'

/** A writing entry, with the interaction that must be permitted for it. */
export interface EntryChange {
  readonly interaction: InteractionCode
  readonly parts: ChangeParts
}

const INTERACTION = { POST: 'create', PUT: 'update', DELETE: 'delete' } as const
type WritingMethod = keyof typeof INTERACTION

/** The change that an entry asks for, or why it cannot be carried out. Pure. */
export function parseEntryChange(entry: BundleEntry): EntryChange | Issue {
  const { method } = entry
  if (!isWriting(method))
    return issue('INVALID_BUNDLE', `${entry.place}.request.method`, 'Entries may be POST, PUT or DELETE.')
  const [path = '', query] = splitOnce(entry.url)
  const [type, id, ...more] = path.split('/')
  const place = `${entry.place}.request.url`
  if (!isOwnedType(type) || more.length > 0)
    return issue('INVALID_BUNDLE', place, 'The url names no type that can be written here.')
  const fault = checkForm(method, { type, id, query, entry })
  if (fault !== undefined) return { ...fault, expression: fault.expression ?? place }
  const condition = method === 'POST' ? entry.ifNoneExist : query
  return {
    interaction: INTERACTION[method],
    parts: {
      place: entry.place,
      method,
      type,
      ...(id === undefined ? {} : { id }),
      ...(condition === undefined ? {} : { condition }),
      ...(entry.ifMatch === undefined ? {} : { ifMatch: entry.ifMatch }),
      ...(entry.fullUrl === undefined ? {} : { fullUrl: entry.fullUrl }),
      ...(method === 'DELETE' ? {} : { resource: entry.resource }),
    },
  }
}

function isWriting(method: string): method is WritingMethod {
  return Object.hasOwn(INTERACTION, method)
}

function splitOnce(url: string): readonly [string, string?] {
  const mark = url.indexOf('?')
  return mark === -1 ? [url] : [url.slice(0, mark), url.slice(mark + 1)]
}

function checkForm(
  method: WritingMethod,
  asked: { type: OwnedType; id: string | undefined; query: string | undefined; entry: BundleEntry },
): Issue | undefined {
  const { id, query, entry } = asked
  if (method === 'POST') {
    if (id !== undefined || query !== undefined)
      return issue('INVALID_BUNDLE', undefined, 'A POST entry names only the type; a condition stands in ifNoneExist.')
  } else if ((id === undefined) === (query === undefined)) {
    return issue('INVALID_BUNDLE', undefined, 'The url needs an id or a condition.')
  } else if (id !== undefined && parseId(id) === undefined)
    return issue('INVALID_BUNDLE', undefined, 'The id has a wrong form.')
  if (method !== 'DELETE' && entry.resource === undefined)
    return issue('INVALID_BUNDLE', `${entry.place}.resource`, 'The entry needs a resource.')
  return undefined
}
