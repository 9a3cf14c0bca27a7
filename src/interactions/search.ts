/** R4 search on one type (search.html; interface.md "REST"): the caller's own rows, strict parameters, cursor paging. */
import type { Bundle } from '@medplum/fhirtypes'
import { FhirError, fhirError } from '../fhir/fhir-error.ts'
import type { OwnedType, Row } from '../store/store.ts'
import { openPage, type Place } from './cursor.ts'
import { fhirBase } from './fhir-base.ts'
import type { Handler } from './interaction.ts'
import { isOwnedType, readingFor, renderRow, requireAuthority, rowsFor, seesAll } from './owned-rows.ts'
import { buildLinks } from './paging.ts'
import { findIncluded } from './search/include.ts'
import { parseSearch, type SearchPlan } from './search/parse-search.ts'
import { shapeResource } from './search/shape.ts'

/** Answers a searchset of the caller's own rows, less deleted ones; every fault of the parameters at once. */
export const handleSearch: Handler = async (request, caller, context) => {
  if (!isOwnedType(request.type)) throw fhirError('NOT_FOUND')
  const { type } = request
  const base = fhirBase(context)
  const { cursor, parameters } = openPage(request, type, { caller, context })
  const authority = seesAll(caller, type) ? undefined : requireAuthority(caller).authority
  const numberRange = context.config.mode === 'sandbox' ? 'test' : 'real'
  const parsed = parseSearch(parameters, {
    type,
    numberRange,
    fhirBase: base,
    ...(authority === undefined ? {} : { authority }),
    isLenient: request.prefer.handling === 'lenient',
  })
  if ('issues' in parsed) throw new FhirError(parsed.issues)
  const { plan } = parsed
  const rows = rowsFor(context.store.read, caller, type)
  const found = plan.count === 0 ? [] : await rows.search(queryOf(plan, cursor?.places.at(-1)))
  const total = plan.needsTotal ? await rows.count(plan.criteria) : undefined
  const shown = found.slice(0, plan.count)
  const last = shown.at(-1)
  const more = found.length > plan.count && last !== undefined ? placeOf(plan, last) : undefined
  const included =
    plan.inclusions.length === 0
      ? []
      : await findIncluded(shown, plan.inclusions, readingFor(context.store.read, requireAuthority(caller)))
  const link = buildLinks({ scope: type, url: `${base}/${type}`, parameters: plan.used, cursor, more, caller, context })
  const entryOf = (mode: 'match' | 'include') => (row: Row<OwnedType>) => ({
    fullUrl: `${base}/${row.type}/${row.id}`,
    resource: shapeResource(renderRow(row, request.today), plan.shape),
    search: { mode },
  })
  const entry = [...shown.map(entryOf('match')), ...included.map(entryOf('include'))]
  const resource: Bundle = {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(total === undefined ? {} : { total }),
    link,
    ...(entry.length === 0 ? {} : { entry }),
  }
  return { status: 200, resource, audit: { parameters: plan.used.map(([name]) => name) } }
}

function queryOf(plan: SearchPlan, after: Place | undefined) {
  return {
    criteria: plan.criteria,
    sort: plan.sort,
    limit: plan.count + 1,
    ...(after === undefined ? {} : { after: [String(after[0]), String(after[1])] as const }),
  }
}

function placeOf(plan: SearchPlan, row: Row<OwnedType>): Place {
  const value =
    plan.sort.field === 'lastUpdated' ? row.lastUpdated : plan.sort.field === 'start' ? (row.index.start ?? '') : row.id
  return [value, row.id]
}
