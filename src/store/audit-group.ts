/** Group commit of audit records that stand alone, those of reads and refusals (storage.md "Transactions"; P2): what is recorded while a write is under way shares the next. */
import { MongoBulkWriteError } from 'mongodb'
import type { AuditRecord } from '../domain/audit-record.ts'
import { type AuditDocument, toAuditDocument } from './mongo-audits.ts'
import { isDuplicateKey, mapErrors, toStoreError } from './mongo-errors.ts'
import { auditsOf, type Scope } from './scope.ts'
import { together } from './together.ts'

/** Resolves when the record is majority-durable; rejects with StoreError, 'duplicate' when its id was used: that fails no other one. */
export function buildAuditGroup(scope: Scope): (record: AuditRecord) => Promise<void> {
  const insert = together((documents: readonly AuditDocument[]) => mapErrors(insertEach(scope, documents)))
  return async (record) => {
    const fault = await insert(toAuditDocument(scope, record))
    if (fault !== undefined) throw fault
  }
}

/** What became of each: nothing to say, or that its id was used. Rejects when nothing is known of any. */
async function insertEach(scope: Scope, documents: readonly AuditDocument[]): Promise<readonly unknown[]> {
  const faults: unknown[] = documents.map(() => undefined)
  try {
    const [only, second] = documents
    if (only !== undefined && second === undefined) await auditsOf(scope).insertOne(only)
    else await auditsOf(scope).insertMany(documents, { ordered: false })
  } catch (error) {
    for (const [at, fault] of faultsOf(error)) faults[at] = fault
  }
  return faults
}

/** By place. Throws the error when it is about more than records whose ids were used. */
function faultsOf(error: unknown): readonly (readonly [number, unknown])[] {
  if (!(error instanceof MongoBulkWriteError)) {
    if (isDuplicateKey(error)) return [[0, toStoreError(error)]]
    throw error
  }
  const failed = [error.writeErrors].flat()
  const isOfOnes = failed.length > 0 && failed.every((one) => one.code === error.code)
  if (!isOfOnes || !isDuplicateKey(error) || error.result.getWriteConcernError() !== undefined) throw error
  return failed.map(({ index }) => [index, toStoreError(error)])
}
