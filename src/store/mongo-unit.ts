/** The Unit of the store's contract: a reader with the writes of one transaction (storage.md "Transactions"). */
import { deliveryCollections, newEventDoc } from './delivery-collections.ts'
import type { DirectoryCache } from './directory-cache.ts'
import type { LockQueue } from './lock-queue.ts'
import { insertAccess } from './mongo-accesses.ts'
import { insertAcknowledgement } from './mongo-acknowledgements.ts'
import { insertAudit, insertAudits, toAuditDocument } from './mongo-audits.ts'
import { lockChildState, saveChildState } from './mongo-children.ts'
import { findPlansAgain } from './mongo-day-work.ts'
import { takeLocks } from './mongo-locks.ts'
import { findPlansUnder, gatherChild, putBirth, putNumberLink, removeNumberLink } from './mongo-numbers.ts'
import { findPlansNaming } from './mongo-plans-naming.ts'
import { buildReader } from './mongo-reader.ts'
import { saveBundleReply } from './mongo-replies.ts'
import { putRow, putRows, reindexRow, reindexRows } from './mongo-writes.ts'
import { type Scope, writing } from './scope.ts'
import type { Unit } from './store.ts'

/** What a transaction's writes need beside its scope. */
export interface UnitParts {
  readonly directory: DirectoryCache
  readonly queue: LockQueue
  /** Told of each type that is written. */
  readonly onWrite: (type: string) => void
}

/** The scope must be inside a transaction. No I/O by itself. */
export function buildUnit(scope: Scope, { directory, queue, onWrite }: UnitParts): Unit {
  return {
    ...buildReader(scope, directory),
    lock: (keys) => takeLocks(scope, keys, queue),
    put: (row) => {
      onWrite(row.type)
      return putRow(scope, row)
    },
    putAll: (rows) => {
      for (const { type } of rows) onWrite(type)
      return putRows(scope, rows)
    },
    reindex: (type, id, index) => {
      onWrite(type)
      return reindexRow(scope, { type, id, index })
    },
    reindexAll: (rows) => {
      for (const { type } of rows) onWrite(type)
      return reindexRows(scope, rows)
    },
    lockChild: (childKey) => lockChildState(scope, childKey, queue),
    saveChild: (childKey, state) => saveChildState(scope, childKey, state),
    appendAccess: (child, access) => insertAccess(scope, child, access),
    plansNaming: (owner, tokens) => findPlansNaming(scope, owner, tokens),
    plansAgain: (ids) => findPlansAgain(scope, ids),
    plansUnder: (numbers) => findPlansUnder(scope, numbers),
    putNumberLink: (link) => putNumberLink(scope, link),
    removeNumberLink: (link) => removeNumberLink(scope, link),
    putBirth: (birth) => putBirth(scope, birth),
    gatherChild: (parts) => gatherChild(scope, parts),
    appendAcknowledgement: (acknowledgement) => insertAcknowledgement(scope, acknowledgement),
    appendAudit: (record) => insertAudit(scope, record),
    appendAudits: (records) =>
      insertAudits(
        scope,
        records.map((one) => toAuditDocument(scope, one)),
      ),
    appendEvents: async (events) => {
      if (events.length > 0)
        await deliveryCollections(scope.db).events.insertMany(events.map(newEventDoc), writing(scope))
    },
    saveBundleReply: (owner, identifier, reply, expiresAt) =>
      saveBundleReply(scope, { owner, identifier, expiresAt }, reply),
  }
}
