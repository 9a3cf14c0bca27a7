/** A reading entry of a Bundle (R4 http.html#transaction): a read, a version, a history or a search, answered as by itself. */
import type { BundleEntry as ReplyEntry } from '@medplum/fhirtypes'
import type { AuthorityCaller } from '../../auth/caller.ts'
import { decideAccess } from '../../auth/policy.ts'
import type { Context } from '../../context.ts'
import { FhirError } from '../../fhir/fhir-error.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'
import type { Reader } from '../../store/store.ts'
import { handleReadAudit, handleSearchAudits } from '../audit-search.ts'
import { handleHistoryInstance, handleHistoryType } from '../history.ts'
import type { FhirRequest, Handler, InteractionCode } from '../interaction.ts'
import { isOwnedType } from '../owned-rows.ts'
import { handleRead, handleVread } from '../read.ts'
import { handleSearch } from '../search.ts'
import type { BundleEntry } from './bundle-entries.ts'

/** What a GET entry asks. */
export interface EntryRead {
  readonly place: string
  readonly request: FhirRequest
  readonly handler: Handler
}

/** The reading that a GET entry asks for, or why it is not offered; judged by the access table. Pure. */
export function parseEntryRead(entry: BundleEntry, bundle: FhirRequest, caller: AuthorityCaller): EntryRead | Issue {
  const place = `${entry.place}.request.url`
  const mark = entry.url.indexOf('?')
  const segments = (mark === -1 ? entry.url : entry.url.slice(0, mark)).split('/')
  const [type = '', id, history, versionId] = segments
  const found = findReading(segments)
  if (found === undefined) return issue('INVALID_BUNDLE', place, 'The url names nothing that can be read here.')
  const access = decideAccess(caller, { interaction: found.interaction, type })
  if (!access.allowed) return issue(access.code, `${entry.place}.request`, access.text)
  const isType = history === undefined && id === '_history'
  const request: FhirRequest = {
    ...bundle,
    interaction: found.interaction,
    type,
    ...(id === undefined || isType ? {} : { id }),
    ...(versionId === undefined ? {} : { versionId }),
    parameters: mark === -1 ? [] : [...new URLSearchParams(entry.url.slice(mark + 1))],
    body: undefined,
    headers: {
      ...(entry.ifNoneMatch === undefined ? {} : { ifNoneMatch: entry.ifNoneMatch }),
      ...(entry.ifModifiedSince === undefined ? {} : { ifModifiedSince: entry.ifModifiedSince }),
    },
  }
  return { place: entry.place, request, handler: found.handler }
}

interface Reading {
  readonly interaction: InteractionCode
  readonly handler: Handler
}

function findReading(segments: readonly string[]): Reading | undefined {
  const [type = '', id, history, versionId] = segments
  const isAudit = type === 'AuditEvent'
  if (segments.length > 4 || segments.includes('') || (!isAudit && !isOwnedType(type))) return undefined
  if (id === undefined) return { interaction: 'search-type', handler: isAudit ? handleSearchAudits : handleSearch }
  if (history === undefined && id === '_history') {
    return isAudit ? undefined : { interaction: 'history-type', handler: handleHistoryType }
  }
  if (history === undefined) return { interaction: 'read', handler: isAudit ? handleReadAudit : handleRead }
  if (history !== '_history' || isAudit) return undefined
  if (versionId === undefined) return { interaction: 'history-instance', handler: handleHistoryInstance }
  return { interaction: 'vread', handler: handleVread }
}

/** Answers a reading entry; inside a transaction through its unit, so that it sees what the entries before have written. Throws FhirError with the place of the entry. */
export async function answerRead(
  read: EntryRead,
  caller: AuthorityCaller,
  { context, reader }: { readonly context: Context; readonly reader: Reader },
): Promise<ReplyEntry> {
  const within: Context = { ...context, store: { ...context.store, read: reader } }
  try {
    const { status, resource, headers = {} } = await read.handler(read.request, caller, within)
    const { ETag: etag, 'Last-Modified': modified } = headers
    return {
      ...(resource === undefined ? {} : { resource }),
      response: {
        status: status === 304 ? '304 Not Modified' : '200 OK',
        ...(etag === undefined ? {} : { etag }),
        ...(modified === undefined ? {} : { lastModified: new Date(modified).toISOString() }),
      },
    }
  } catch (error) {
    if (!(error instanceof FhirError)) throw error
    const issues = error.issues.map((one) => ({ ...one, expression: `${read.place}.request.url` }))
    throw new FhirError(issues, { cause: error })
  }
}
