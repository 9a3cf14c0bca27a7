/** The Unit of the store's contract: a reader with the writes of one transaction (storage.md "Transactions"). */
import { deliveryCollections, newEventDoc } from './delivery-collections.ts'
import type { DirectoryCache } from './directory-cache.ts'
import type { LockQueue } from './lock-queue.ts'
import { insertAccess } from './mongo-accesses.ts'
import { insertAudit } from './mongo-audits.ts'
import { lockChildState, saveChildState } from './mongo-children.ts'
import { takeLocks } from './mongo-locks.ts'
import { buildReader } from './mongo-reader.ts'
import { saveBundleReply } from './mongo-replies.ts'
import { putRow, reindexRow } from './mongo-writes.ts'
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
    reindex: (type, id, index) => {
      onWrite(type)
      return reindexRow(scope, { type, id, index })
    },
    lockChild: (childKey) => lockChildState(scope, childKey, queue),
    saveChild: (childKey, state) => saveChildState(scope, childKey, state),
    appendAccess: (childKey, access) => insertAccess(scope, childKey, access),
    appendAudit: (record) => insertAudit(scope, record),
    appendEvent: async (event) => {
      await deliveryCollections(scope.db).events.insertOne(newEventDoc(event), writing(scope))
    },
    saveBundleReply: (owner, identifier, reply, expiresAt) =>
      saveBundleReply(scope, { owner, identifier, expiresAt }, reply),
  }
}
