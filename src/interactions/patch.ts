/** R4 patch (http.html#patch) with JSON Patch, also conditional: the resource as it is, patched, then judged like any update. */
import { FhirError, fhirError } from '../fhir/fhir-error.ts'
import { applyJsonPatch } from '../fhir/patch.ts'
import type { OwnedType, Row } from '../store/store.ts'
import { fhirBase } from './fhir-base.ts'
import type { FhirRequest, FhirResponse, Handler } from './interaction.ts'
import { findStaleness, isOwnedType, parseId, renderRow, requireAuthority, rowsFor } from './owned-rows.ts'
import { parseCondition } from './search/condition.ts'
import { queryOf, writeOne } from './write/single-write.ts'

/** How often a patch without If-Match is made anew when somebody else was quicker. */
const MOST_TRIES = 4

/** Answers like an update. NOT_FOUND where nothing is (a condition too), MULTIPLE_MATCHES, GONE; a Flag is kept by its plan. */
export const handlePatch: Handler = async (request, caller, context) => {
  const authority = requireAuthority(caller)
  if (!isOwnedType(request.type)) throw fhirError('NOT_FOUND')
  if (request.type === 'Flag') throw fhirError('FLAG_KEPT_BY_PLAN')
  const { type } = request
  const find = () => getTarget(request, type, rowsFor(context.store.read, authority, type), { context, authority })
  for (let tries = 1; ; tries += 1) {
    const row = await find()
    try {
      return await patchRow(row, request, (parts) => writeOne(parts, { request, caller: authority, context }))
    } catch (error) {
      const isLate = error instanceof FhirError && error.issues[0]?.code === 'VERSION_CONFLICT'
      if (!isLate || request.headers.ifMatch !== undefined || tries === MOST_TRIES) throw error
    }
  }
}

interface Finding {
  readonly context: Parameters<Handler>[2]
  readonly authority: ReturnType<typeof requireAuthority>
}

async function getTarget(
  request: FhirRequest,
  type: OwnedType,
  rows: ReturnType<typeof rowsFor<OwnedType>>,
  { context, authority }: Finding,
): Promise<Row<OwnedType>> {
  const id = parseId(request.id)
  if (request.id === undefined) return byCondition(request, type, rows, { context, authority })
  const row = id === undefined ? undefined : await rows.find(id)
  if (row === undefined) throw fhirError('NOT_FOUND')
  if (row.deleted) throw fhirError('GONE')
  return row
}

async function byCondition(
  request: FhirRequest,
  type: OwnedType,
  rows: ReturnType<typeof rowsFor<OwnedType>>,
  { context, authority }: Finding,
): Promise<Row<OwnedType>> {
  const numberRange = context.config.mode === 'sandbox' ? 'test' : 'real'
  const facts = { type, numberRange, fhirBase: fhirBase(context), authority: authority.authority } as const
  const parsed = parseCondition(queryOf(request), facts)
  if ('issue' in parsed) throw new FhirError([parsed.issue])
  const [only, second] = await rows.search({ criteria: parsed.criteria, limit: 2 })
  if (second !== undefined) throw fhirError('MULTIPLE_MATCHES')
  if (only === undefined) throw fhirError('NOT_FOUND')
  return only
}

async function patchRow(
  row: Row<OwnedType>,
  request: FhirRequest,
  write: (parts: Parameters<typeof writeOne>[0]) => Promise<FhirResponse>,
): Promise<FhirResponse> {
  const stale = findStaleness(request.headers.ifMatch, row.version)
  if (stale !== undefined) throw new FhirError([stale])
  if (row.resource === undefined) throw fhirError('GONE')
  // As the caller reads it: many test meta.versionId first
  const patched = applyJsonPatch(renderRow(row, request.today), request.body)
  if ('issue' in patched) throw new FhirError([patched.issue])
  return write({
    place: '',
    method: 'PATCH',
    type: row.type,
    id: row.id,
    ifMatch: `W/"${row.version}"`,
    resource: patched.resource,
  })
}
