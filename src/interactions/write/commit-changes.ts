/** Changes → one committed transaction with its audit record, or a refusal that changed nothing (P2, R16). */
import type { WritingCaller } from '../../auth/caller.ts'
import type { Context } from '../../context.ts'
import { FhirError } from '../../fhir/fhir-error.ts'
import { auditRecord } from '../build-audit-record.ts'
import { fhirBase } from '../fhir-base.ts'
import type { AuditDetail, FhirRequest } from '../interaction.ts'
import type { Applied, Change, WriteFacts } from './change.ts'
import type { Write } from './write-groups.ts'

/** Facts of a request that the rules of a write need. Pure. */
export function writeFacts(request: FhirRequest, caller: WritingCaller, context: Context): WriteFacts {
  return {
    owner: caller.authority,
    today: request.today,
    at: request.at,
    fhirBase: fhirBase(context),
    numberRange: context.config.mode === 'sandbox' ? 'test' : 'real',
    // two requests of one instant may tell the same twice
    keyedId: (parts) => context.store.keyedId([request.requestId, ...parts]),
  }
}

export interface Committing {
  readonly request: FhirRequest
  readonly caller: WritingCaller
  readonly context: Context
  /** Answered status, for the audit record. */
  readonly status: (applied: readonly Applied[]) => number
  /** More to write in the same transaction, such as a stored reply. */
  readonly also?: Write['also']
  /** Its transaction is no other's, for it reads as well. */
  readonly isAlone?: boolean
}

/** Commits all changes and their audit record in one transaction. Throws FhirError with every fault, having changed nothing. */
export async function commitChanges(changes: readonly Change[], committing: Committing): Promise<readonly Applied[]> {
  const { request, caller, context, status, also, isAlone = false } = committing
  const id = context.newId()
  const result = await context.writes.commit({
    changes,
    facts: writeFacts(request, caller, context),
    record: (applied) => auditRecord(request, caller, { id, status: status(applied), audit: auditOf(applied) }),
    also,
    isAlone,
  })
  if ('issues' in result) throw new FhirError(result.issues)
  if (changes.some((change) => change.type === 'Subscription')) context.wakeDelivery()
  else if (result.hasEvents) context.wakeDelivery('events')
  return result.applied
}

/** What an audit record says of applied changes; about whom, when all are about one child. Pure. */
export function auditOf(applied: readonly Applied[]): AuditDetail {
  const rows = applied.flatMap(({ row }) => (row === undefined ? [] : [row]))
  const numbers = new Set(rows.map((row) => row.index.nhsNumber))
  const [nhsNumber] = numbers
  return {
    entities: rows.map(({ type, id, version }) => ({ type, id, version })),
    codes: [...new Set(applied.flatMap(({ issues }) => issues.map((one) => one.code)))],
    ...(numbers.size === 1 && nhsNumber !== undefined ? { nhsNumber } : {}),
  }
}
