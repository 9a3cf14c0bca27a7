/** R4 read (http.html#read): the current version, with If-None-Match and If-Modified-Since. */
import type { LondonDay } from '../domain/brands.ts'
import { fhirError } from '../fhir/fhir-error.ts'
import type { OwnedType, Row } from '../store/store.ts'
import type { AuditDetail, FhirRequest, FhirResponse, Handler } from './interaction.ts'
import { isOwnedType, parseId, parseVersion, renderRow, rowsFor, versionHeaders } from './owned-rows.ts'
import { parseReadShape, type Shape, shapeResource } from './search/shape.ts'

/** Answers 200 or 304; NOT_FOUND for what is unknown or another's (the same), GONE for what was deleted. One read. */
export const handleRead: Handler = async (request, caller, context) => {
  const shape = shapeOf(request)
  const row = await getRow(request, (type, id) => rowsFor(context.store.read, caller, type).find(id))
  return answerRow(row, { request, shape, today: request.today })
}

/** R4 vread: one version, with the same headers; GONE for the version that is the deletion. */
export const handleVread: Handler = async (request, caller, context) => {
  const shape = shapeOf(request)
  const version = parseVersion(request.versionId ?? '')
  if (version === undefined) throw fhirError('NOT_FOUND')
  const row = await getRow(request, (type, id) => rowsFor(context.store.read, caller, type).findVersion(id, version))
  return answerRow(row, { request, shape })
}

interface Answering {
  readonly request: FhirRequest
  readonly shape: Shape
  /** For the current version, which says what it lacks today. */
  readonly today?: LondonDay
}

function answerRow(row: Row<OwnedType>, { request, shape, today }: Answering): FhirResponse {
  if (row.deleted) throw fhirError('GONE')
  const headers = versionHeaders(row)
  const audit = auditOf(row)
  if (isUnmodified(request, row)) return { status: 304, headers, audit }
  return { status: 200, resource: shapeResource(renderRow(row, today), shape), headers, audit }
}

function shapeOf({ parameters, prefer }: FhirRequest): Shape {
  return parseReadShape(parameters, prefer.handling === 'lenient')
}

function auditOf(row: Row<OwnedType>): AuditDetail {
  const { nhsNumber } = row.index
  return {
    entities: [{ type: row.type, id: row.id, version: row.version }],
    ...(nhsNumber === undefined ? {} : { nhsNumber }),
  }
}

async function getRow(
  request: FhirRequest,
  find: (type: OwnedType, id: NonNullable<ReturnType<typeof parseId>>) => Promise<Row<OwnedType> | undefined>,
): Promise<Row<OwnedType>> {
  const id = parseId(request.id)
  const row = id === undefined || !isOwnedType(request.type) ? undefined : await find(request.type, id)
  if (row === undefined) throw fhirError('NOT_FOUND')
  return row
}

function isUnmodified(request: FhirRequest, row: Row<OwnedType>): boolean {
  const { ifNoneMatch, ifModifiedSince } = request.headers
  if (ifNoneMatch !== undefined) {
    return ifNoneMatch.split(',').some((one) => one.trim() === '*' || parseVersion(one) === row.version)
  }
  if (ifModifiedSince === undefined) return false
  const since = Date.parse(ifModifiedSince)
  // HTTP dates have whole seconds: what changed within that second counts as unmodified only when not later
  return !Number.isNaN(since) && Math.floor(Date.parse(row.lastUpdated) / 1000) * 1000 <= since
}
