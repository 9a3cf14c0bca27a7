/** A write outside a Bundle (R4 http.html#create, #update, #delete): one change, answered as Prefer asks. */

import { fhirError } from '../../fhir/fhir-error.ts'
import { buildOutcome } from '../../fhir/outcome.ts'
import { fhirBase } from '../fhir-base.ts'
import type { FhirRequest, FhirResponse, Handler } from '../interaction.ts'
import { isOwnedType, renderRow, requireAuthority, versionHeaders } from '../owned-rows.ts'
import type { Applied, Change } from './change.ts'
import { commitChanges } from './commit-changes.ts'
import { filingFacts } from './filing-facts.ts'
import { prepareChange } from './prepare-change.ts'

/** The handler of one method on one resource. Refuses with all faults at once; what it does is committed with its audit record. */
export function singleWrite(method: Change['method']): Handler {
  return async (request, caller, context) => {
    const authority = requireAuthority(caller)
    if (!isOwnedType(request.type)) throw fhirError('NOT_FOUND')
    const change = prepareChange(
      {
        place: '',
        method,
        type: request.type,
        ...(request.id === undefined ? {} : { id: request.id }),
        ...conditionOf(method, request),
        ...(request.headers.ifMatch === undefined ? {} : { ifMatch: request.headers.ifMatch }),
        resource: request.body,
      },
      { filing: await filingFacts(request, authority, context), context },
    )
    const [applied] = await commitChanges([change], {
      request,
      caller: authority,
      context,
      status: ([one]) => one?.status ?? 200,
    })
    if (applied === undefined) throw fhirError('INTERNAL')
    return answer(applied, request, fhirBase(context))
  }
}

function conditionOf(method: Change['method'], request: FhirRequest): { condition?: string } {
  const query =
    method === 'POST' ? request.headers.ifNoneExist : request.id === undefined ? queryOf(request) : undefined
  return query === undefined ? {} : { condition: query }
}

/** A condition is looked at again as a query: only its names and values count. */
function queryOf(request: FhirRequest): string {
  return request.parameters.map((pair) => pair.map(encodeURIComponent).join('=')).join('&')
}

function answer(applied: Applied, request: FhirRequest, base: string): FhirResponse {
  const { row, status, issues } = applied
  if (status === 204 || row === undefined) return { status: 204, audited: true }
  const headers = versionHeaders(row, base)
  if (request.prefer.return === 'minimal') return { status, headers, audited: true }
  const resource = request.prefer.return === 'OperationOutcome' ? buildOutcome(issues) : renderRow(row, request.today)
  return { status, headers, resource, audited: true }
}
