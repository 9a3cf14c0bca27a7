/** The frame of every interaction: policy, then the story, then its audit record, before the answer leaves (security.md; P2). */
import type { Caller } from '../auth/caller.ts'
import { decideAccess } from '../auth/policy.ts'
import type { Context } from '../context.ts'
import type { AuditRecord } from '../domain/audit-record.ts'
import { FhirError, fhirError } from '../fhir/fhir-error.ts'
import { issue } from '../fhir/outcome.ts'
import { StoreError } from '../store/store.ts'
import { auditRecord, checkPurpose, type RequestFacts } from './build-audit-record.ts'
import type { FhirRequest, FhirResponse, Handler } from './interaction.ts'
import type { Summed } from './refusal-budget.ts'
import { refuseParameters } from './refuse-parameters.ts'

/** Seconds after which a caller should try again when the register cannot answer surely. */
const RETRY_AFTER_SECONDS = '2'

/**
 * Runs one interaction. Throws FhirError with all issues, after the refusal was audited; when the audit cannot be written nothing leaves but UNAVAILABLE.
 * A public interaction (metadata, definitions) has no caller and leaves no record.
 */
export async function runInteraction(
  handler: Handler,
  request: FhirRequest,
  caller: Caller | undefined,
  context: Context,
): Promise<FhirResponse> {
  try {
    permit(request, caller, context)
    refuseParameters(request)
    const response = await handler(request, caller, context)
    if (caller !== undefined && response.audited !== true) {
      await context.store.appendAudit(auditRecord(request, caller, { ...response, id: context.newId() }))
    }
    return response
  } catch (thrown) {
    const error = asFhirError(thrown)
    if (caller !== undefined) await auditRefusal(request, caller, error, context)
    throw error
  }
}

function permit(request: FhirRequest, caller: Caller | undefined, context: Pick<Context, 'checkPolicy'>): void {
  const access = decideAccess(caller, request, context.checkPolicy)
  if (!access.allowed) throw fhirError(access.code, undefined, access.text)
}

async function auditRefusal(request: RequestFacts, caller: Caller, error: FhirError, context: Context): Promise<void> {
  try {
    const codes = [...new Set(error.issues.map((one) => one.code))]
    const audit = { codes, ...checkPurpose(request, context.purposeOfEvent) }
    await context.store.appendAudit(auditRecord(request, caller, { status: error.status, audit, id: context.newId() }))
  } catch (cause) {
    throw unavailable(cause)
  }
}

/**
 * Records a refusal that happened before any story ran (401, 404, 405, a malformed body …). Throws nothing: the refusal itself is the answer.
 * Without a proven caller, or when there are too many, only the first of each minute get a record of their own; a flood is summed up.
 */
export async function recordRefusal(
  request: RequestFacts & { readonly client?: string },
  caller: Caller | undefined,
  error: FhirError,
  context: Context,
): Promise<void> {
  try {
    if (caller !== undefined && error.kind !== 'throttled') return await auditRefusal(request, caller, error, context)
    const codes = [...new Set(error.issues.map((one) => one.code))]
    const [code = 'INTERNAL'] = codes
    const client = caller?.clientId ?? request.client
    const budget = context.refusals.take(request.at, {
      code,
      status: error.status,
      ...(client === undefined ? {} : { client }),
    })
    for (const summed of budget.summed) await context.store.appendAudit(summaryOf(summed, request, context.newId()))
    context.metrics.refusedUnaudited.inc({ reason: code })
    if (!budget.record) return
    await context.store.appendAudit(
      auditRecord(request, caller, { status: error.status, audit: { codes }, id: context.newId() }),
    )
  } catch (cause) {
    context.log.error(
      { requestId: request.requestId, route: request.route, fault: nameOf(cause) },
      'refusal not audited',
    )
  }
}

/** So many refusals of one kind that got no record of their own. A client is named beside it, not as who asked: it need not have been proven. */
function summaryOf({ code, status, client, count }: Summed, { requestId, at }: RequestFacts, id: string): AuditRecord {
  const entities = client === undefined ? [] : [{ type: 'client', id: client }]
  const audit = { codes: [code], entities }
  return auditRecord({ route: 'summary', requestId, at }, undefined, { status, audit, id, count })
}

/** What a story threw, as a FhirError: a store that cannot answer is UNAVAILABLE, anything unknown INTERNAL. */
export function asFhirError(thrown: unknown): FhirError {
  if (thrown instanceof FhirError) return thrown
  if (thrown instanceof StoreError) return fromStore(thrown)
  return new FhirError([issue('INTERNAL')], { cause: thrown })
}

function fromStore(error: StoreError): FhirError {
  if (error.kind === 'transient') return unavailable(error)
  if (error.kind === 'conflict') return new FhirError([issue('VERSION_CONFLICT')], { cause: error })
  if (error.on === 'identifier') return new FhirError([issue('DUPLICATE_IDENTIFIER')], { cause: error })
  return new FhirError([issue('INTERNAL')], { cause: error })
}

function unavailable(cause: unknown): FhirError {
  return new FhirError([issue('UNAVAILABLE')], { cause, headers: { 'Retry-After': RETRY_AFTER_SECONDS } })
}

function nameOf(cause: unknown): string {
  return cause instanceof Error ? cause.name : 'unknown'
}
