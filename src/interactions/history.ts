/** R4 history of one resource (http.html#history): its versions, newest first, deletions included. */
import type { Bundle, BundleEntry } from '@medplum/fhirtypes'
import { FhirError, fhirError } from '../fhir/fhir-error.ts'
import { type Issue, issue } from '../fhir/outcome.ts'
import type { OwnedType, Row } from '../store/store.ts'
import { openCursor } from './cursor.ts'
import { fhirBase } from './fhir-base.ts'
import type { FhirRequest, Handler } from './interaction.ts'
import { isOwnedType, parseId, renderRow, rowsFor } from './owned-rows.ts'
import { buildLinks, parseCount } from './paging.ts'

/** Answers the versions of an own resource; NOT_FOUND for what is unknown or another's. One or two reads. */
export const handleHistoryInstance: Handler = async (request, caller, context) => {
  const id = parseId(request.id)
  if (id === undefined || !isOwnedType(request.type)) throw fhirError('NOT_FOUND')
  const rows = rowsFor(context.store.read, caller, request.type)
  if ((await rows.find(id)) === undefined) throw fhirError('NOT_FOUND')
  const scope = `${request.type}/${id}/_history`
  const sealed = request.parameters.find(([name]) => name === '_cursor')?.[1]
  const cursor = sealed === undefined ? undefined : openCursor(sealed, scope, { caller, context })
  const parameters = cursor?.parameters ?? request.parameters
  const { count, since } = parseHistory(parameters)
  const after = cursor?.places.at(-1) as [string, string, number] | undefined
  const found = await rows.history({
    id,
    limit: count + 1,
    ...(since === undefined ? {} : { since }),
    ...(after === undefined ? {} : { after }),
  })
  const shown = found.slice(0, count)
  const last = shown.at(-1)
  const more = found.length > count && last !== undefined ? [last.lastUpdated, last.id, last.version] : undefined
  const url = `${fhirBase(context)}/${scope}`
  const link = buildLinks({ scope, url, parameters, cursor, more, caller, context })
  const entry = shown.map((row) => historyEntry(row, fhirBase(context)))
  const resource: Bundle = { resourceType: 'Bundle', type: 'history', link, ...(entry.length === 0 ? {} : { entry }) }
  return {
    status: 200,
    resource,
    audit: { entities: shown.map((row) => ({ type: row.type, id: row.id, version: row.version })) },
  }
}

function parseHistory(parameters: FhirRequest['parameters']): { readonly count: number; readonly since?: string } {
  const issues: Issue[] = []
  let count: number | Issue = parseCount(undefined)
  let since: string | undefined
  for (const [name, value] of parameters) {
    if (name === '_count') count = parseCount(value)
    else if (name === '_since') since = Number.isNaN(Date.parse(value)) ? undefined : new Date(value).toISOString()
    else issues.push(issue('UNKNOWN_PARAMETER', undefined, 'A history takes _count and _since only.'))
    if (name === '_since' && since === undefined)
      issues.push(issue('INVALID_PARAMETER', undefined, '_since must be an instant.'))
  }
  if (typeof count !== 'number') issues.push(count)
  if (issues.length > 0 || typeof count !== 'number') throw new FhirError(issues)
  return { count, ...(since === undefined ? {} : { since }) }
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
