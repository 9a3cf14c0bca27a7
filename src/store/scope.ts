/** What every reading and writing function of this room is handed: the open collections, the keys and, inside a transaction, its session. */
import type { ClientSession, Collection, Db } from 'mongodb'
import {
  type BundleReplyDocument,
  type ChildDocument,
  COLLECTIONS,
  type GuardDocument,
  type HistoryDocument,
  type KeyDocument,
  type NumberNoticeDocument,
  type PointerDocument,
  ROW_COLLECTIONS,
  type RowDocument,
} from './collections.ts'
import type { StoreCrypto } from './crypto.ts'
import type { AccessDocument } from './mongo-accesses.ts'
import type { AcknowledgementDocument } from './mongo-acknowledgements.ts'
import type { AuditDocument } from './mongo-audits.ts'
import { mapErrors } from './mongo-errors.ts'
import type { OwnedType } from './store.ts'

export interface Scope {
  readonly db: Db
  readonly crypto: StoreCrypto
  readonly clock: () => Date
  /** Hash of what an audit document says (domain/audit-seal): each is written with it. Without, the sealer reads the documents. */
  readonly contentOf?: ((fields: Readonly<Record<string, unknown>>) => string) | undefined
  /** The same database by connections that wait long: reports alone. */
  readonly slow?: Db
  /** Absent outside a transaction: then reads are majority-committed. */
  readonly session?: ClientSession
}

/** No single operation may keep a caller longer, in ms. */
export const OPERATION_MS = 4_000

/** Options of every read. */
export function reading(scope: Scope): { readonly session?: ClientSession; readonly maxTimeMS: number } {
  return { maxTimeMS: OPERATION_MS, ...writing(scope) }
}

/** Options of every write. */
export function writing(scope: Scope): { readonly session?: ClientSession } {
  return scope.session === undefined ? {} : { session: scope.session }
}

/** Awaits one operation; its driver errors leave as StoreErrors, but inside a transaction only at the transaction's end, which must still tell whether it may run again. */
export function run<T>(scope: Scope, operation: Promise<T>): Promise<T> {
  return scope.session === undefined ? mapErrors(operation) : operation
}

export const rowsOf = (scope: Scope, type: OwnedType): Collection<RowDocument> =>
  scope.db.collection(ROW_COLLECTIONS[type])
export const historyOf = (scope: Scope, type: OwnedType): Collection<HistoryDocument> =>
  scope.db.collection(`${ROW_COLLECTIONS[type]}History`)
/** Plans with the pointers beside them. */
export const plansOf = (scope: Scope): Collection<RowDocument | PointerDocument> =>
  scope.db.collection(ROW_COLLECTIONS.EpisodeOfCare)
export const childrenOf = (scope: Scope): Collection<ChildDocument> => scope.db.collection(COLLECTIONS.children)
export const noticesOf = (scope: Scope): Collection<NumberNoticeDocument> =>
  scope.db.collection(COLLECTIONS.numberNotices)
export const guardsOf = (scope: Scope): Collection<GuardDocument> => scope.db.collection(COLLECTIONS.guards)
export const keysOf = (scope: Scope): Collection<KeyDocument> => scope.db.collection(COLLECTIONS.keys)
export const accessesOf = (scope: Scope): Collection<AccessDocument> => scope.db.collection(COLLECTIONS.accesses)
export const acknowledgementsOf = (scope: Scope): Collection<AcknowledgementDocument> =>
  scope.db.collection(COLLECTIONS.acknowledgements)
export const auditsOf = (scope: Scope): Collection<AuditDocument> => scope.db.collection(COLLECTIONS.auditEvents)
export const repliesOf = (scope: Scope): Collection<BundleReplyDocument> =>
  scope.db.collection(COLLECTIONS.bundleReplies)
