/** R4 history of one resource or of a type (http.html#history): versions, newest first, deletions included. */
import type { Bundle, BundleEntry } from '@medplum/fhirtypes'
import type { Caller } from '../auth/caller.ts'
import type { Context } from '../context.ts'
import type { ResourceId } from '../domain/brands.ts'
import { FhirError, fhirError } from '../fhir/fhir-error.ts'
import { type Issue, issue } from '../fhir/outcome.ts'
import { isFhirDateTime } from '../fhir/primitive.ts'
import type { OwnedType, Row, Rows } from '../store/store.ts'
import { openPage } from './cursor.ts'
import { fhirBase } from './fhir-base.ts'
import type { FhirRequest, FhirResponse, Handler } from './interaction.ts'
import { isOwnedType, parseId, renderRow, rowsFor } from './owned-rows.ts'
import { buildLinks, parseCount } from './paging.ts'

/** Answers the versions of an own resource; NOT_FOUND for what is unknown or another's. Two reads. */
export const handleHistoryInstance: Handler = async (request, caller, context) => {
  const id = parseId(request.id)
  if (id === undefined || !isOwnedType(request.type)) throw fhirError('NOT_FOUND')
  const rows = rowsFor(context.store.read, caller, request.type)
  if ((await rows.find(id)) === undefined) throw fhirError('NOT_FOUND')
  return answerHistory(request, { rows, id, path: `${request.type}/${id}/_history` }, { caller, context })
}

/** Answers the versions of all own resources of a type. One read. */
export const handleHistoryType: Handler = async (request, caller, context) => {
  if (!isOwnedType(request.type)) throw fhirError('NOT_FOUND')
  const rows = rowsFor(context.store.read, caller, request.type)
  return answerHistory(request, { rows, path: `${request.type}/_history` }, { caller, context })
}

interface Asked {
  readonly rows: Rows<OwnedType>
  readonly id?: ResourceId
  readonly path: string
}

async function answerHistory(
  request: FhirRequest,
  asked: Asked,
  { caller, context }: HistoryHolder,
): Promise<FhirResponse> {
  const { rows, id, path } = asked
  const page = openPage(request, path, { caller, context })
  const { cursor } = page
  const { count, since, used: parameters } = parseHistory(page.parameters, request.prefer.handling === 'lenient')
  const after = cursor?.places.at(-1) as [string, string, number] | undefined
  const found = await rows.history({
    limit: count + 1,
    ...(id === undefined ? {} : { id }),
    ...(since === undefined ? {} : { since }),
    ...(after === undefined ? {} : { after }),
  })
  const shown = found.slice(0, count)
  const last = shown.at(-1)
  const more = found.length > count && last !== undefined ? [last.lastUpdated, last.id, last.version] : undefined
  const base = fhirBase(context)
  const link = buildLinks({ scope: path, url: `${base}/${path}`, parameters, cursor, more, caller, context })
  const entry = shown.map((row) => historyEntry(row, base))
  const resource: Bundle = { resourceType: 'Bundle', type: 'history', link, ...(entry.length === 0 ? {} : { entry }) }
  return {
    status: 200,
    resource,
    audit: { entities: shown.map((row) => ({ type: row.type, id: row.id, version: row.version })) },
  }
}

interface HistoryHolder {
  readonly caller: Caller | undefined
  readonly context: Context
}

interface HistoryWish {
  readonly count: number
  readonly since?: string
  /** Parameters that counted. */
  readonly used: FhirRequest['parameters']
}

function parseHistory(parameters: FhirRequest['parameters'], isLenient: boolean): HistoryWish {
  const used = parameters.filter(([name]) => name === '_count' || name === '_since')
  const issues: Issue[] = []
  if (used.length < parameters.length && !isLenient)
    issues.push(issue('UNKNOWN_PARAMETER', undefined, 'A history takes _count and _since only.'))
  const count = parseCount(used.findLast(([name]) => name === '_count')?.[1])
  if (typeof count !== 'number') issues.push(count)
  const since = used.findLast(([name]) => name === '_since')?.[1]
  if (since !== undefined && !isFhirDateTime(since))
    issues.push(issue('INVALID_PARAMETER', undefined, '_since must be an instant, such as 2026-05-03T10:00:00Z.'))
  if (issues.length > 0 || typeof count !== 'number') throw new FhirError(issues)
  return { count, used, ...(since === undefined ? {} : { since: instantOf(since) }) }
}

/** JavaScript knows no leap second, R4 does. */
function instantOf(text: string): string {
  return new Date(text.replace(/^(.{17})60/, '$159')).toISOString()
}

function historyEntry(row: Row<OwnedType>, base: string): BundleEntry {
  const url = row.method === 'POST' ? row.type : `${row.type}/${row.id}`
  return {
    fullUrl: `${base}/${row.type}/${row.id}`,
    ...(row.deleted ? {} : { resource: renderRow(row) }),
    request: { method: row.method, url },
    response: {
      status: row.method === 'POST' ? '201' : row.deleted ? '204' : '200',
      etag: `W/"${row.version}"`,
      lastModified: row.lastUpdated,
    },
  }
}
