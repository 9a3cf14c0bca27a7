/** A write outside a Bundle (R4 http.html#create, #update, #delete): one change, answered as Prefer asks. */

import type { Caller, WritingCaller } from '../../auth/caller.ts'
import type { Context } from '../../context.ts'
import type { AuthorityCode } from '../../domain/brands.ts'
import { fhirError } from '../../fhir/fhir-error.ts'
import { buildOutcome } from '../../fhir/outcome.ts'
import { fhirBase } from '../fhir-base.ts'
import type { FhirRequest, FhirResponse, Handler } from '../interaction.ts'
import { isOwnedType, parseId, renderRow, requireAuthority, versionHeaders } from '../owned-rows.ts'
import type { Applied, Change } from './change.ts'
import { commitChanges } from './commit-changes.ts'
import { filingFacts } from './filing-facts.ts'
import { type ChangeParts, prepareChange } from './prepare-change.ts'

/** The handler of one method on one resource. Refuses with all faults at once; what it does is committed with its audit record. */
export function singleWrite(method: Change['method']): Handler {
  return async (request, caller, context) => {
    const authority = actingAuthority(request, caller)
    if (!isOwnedType(request.type)) throw fhirError('NOT_FOUND')
    const parts: ChangeParts = {
      place: '',
      method,
      type: request.type,
      ...(request.id === undefined ? {} : { id: request.id }),
      ...conditionOf(method, request),
      ...(request.headers.ifMatch === undefined ? {} : { ifMatch: request.headers.ifMatch }),
      resource: request.body,
    }
    return writeOne(parts, { request, caller: authority, context })
  }
}

/** Who writes, and for which authority: a system for its own; an administrator the Organization of the authority that the address names. */
function actingAuthority(request: FhirRequest, caller: Caller | undefined): WritingCaller {
  if (request.type !== 'Organization' || caller?.kind !== 'administrator') return requireAuthority(caller)
  const id = parseId(request.id)
  if (id === undefined) throw fhirError('NOT_FOUND')
  return { ...caller, authority: id as string as AuthorityCode }
}

export interface Writing {
  readonly request: FhirRequest
  readonly caller: WritingCaller
  readonly context: Context
}

/** Carries out one change and answers it. Throws FhirError with all faults, having changed nothing. */
export async function writeOne(parts: ChangeParts, { request, caller, context }: Writing): Promise<FhirResponse> {
  const change = prepareChange(parts, { filing: await filingFacts(request, caller, context), context })
  const status = ([one]: readonly Applied[]): number => one?.status ?? 200
  const [applied] = await commitChanges([change], { request, caller, context, status })
  if (applied === undefined) throw fhirError('INTERNAL')
  return answer(applied, request, fhirBase(context))
}

function conditionOf(method: Change['method'], request: FhirRequest): { condition?: string } {
  const query =
    method === 'POST' ? request.headers.ifNoneExist : request.id === undefined ? queryOf(request) : undefined
  return query === undefined ? {} : { condition: query }
}

/** The query of a conditional request: only its names and values count. Pure. */
export function queryOf(request: FhirRequest): string {
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
