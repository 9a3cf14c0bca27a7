/** Changes → one committed transaction with its audit record, or a refusal that changed nothing (P2, R16). */
import type { WritingCaller } from '../../auth/caller.ts'
import type { Context } from '../../context.ts'
import { FhirError } from '../../fhir/fhir-error.ts'
import type { Unit } from '../../store/store.ts'
import { auditRecord } from '../build-audit-record.ts'
import { fhirBase } from '../fhir-base.ts'
import type { AuditDetail, FhirRequest } from '../interaction.ts'
import { type AppliedOrIssues, applyChanges } from './apply-changes.ts'
import type { Applied, Change, WriteFacts } from './change.ts'
import { openChunkUnit } from './chunk-unit.ts'

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
  readonly also?: (unit: Unit, applied: readonly Applied[]) => Promise<void>
}

/** Commits all changes and their audit record in one transaction. Throws FhirError with every fault, having changed nothing. */
export async function commitChanges(changes: readonly Change[], committing: Committing): Promise<readonly Applied[]> {
  const { request, caller, context } = committing
  const facts = writeFacts(request, caller, context)
  const auditId = context.newId()
  const result = await context.store.transact(async (unit): Promise<AppliedOrIssues> => {
    const outcome = await applyTogether(unit, changes, facts)
    if ('issues' in outcome) return outcome
    await committing.also?.(unit, outcome.applied)
    await unit.appendAudit(
      auditRecord(request, caller, {
        id: auditId,
        status: committing.status(outcome.applied),
        audit: auditOf(outcome.applied),
      }),
    )
    return outcome
  })
  if ('issues' in result) throw new FhirError(result.issues)
  if (changes.some((change) => change.type === 'Subscription' || change.type === 'EpisodeOfCare'))
    context.wakeDelivery()
  return result.applied
}

/** applyChanges with all reads that can be foreseen in a few, all writes and locks in a few more: round trips are what a transaction costs. */
export async function applyTogether(
  unit: Unit,
  changes: readonly Change[],
  facts: WriteFacts,
): Promise<AppliedOrIssues> {
  const chunk = openChunkUnit(unit, facts.owner)
  await chunk.readAhead(changes)
  chunk.begin()
  const outcome = await applyChanges(chunk.unit, changes, facts)
  if ('applied' in outcome) await chunk.flush()
  return outcome
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
