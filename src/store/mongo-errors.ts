/** The one place where errors of the driver become StoreErrors: transient (503), conflict, duplicate (storage.md "Transactions"). */
import { types } from 'node:util'
import { MongoError, MongoServerError } from 'mongodb'
import { COLLECTIONS } from './collections.ts'
import { StoreError } from './store.ts'

const DUPLICATE_KEY = 11000
const WRITE_CONFLICT = 112

/** Every driver error as a StoreError, whose message holds no value of a record; all others as they are. Pure. */
export function toStoreError(error: unknown): unknown {
  if (isBrokenConnection(error)) return notThere(error)
  if (!(error instanceof MongoError)) return error
  if (isDuplicateKey(error)) return toDuplicate(error)
  // Whatever else the database says, the register cannot be sure (P1).
  return notThere(error)
}

const notThere = (cause: unknown): StoreError =>
  new StoreError('transient', 'The database did not answer in time or is not there.', { cause })

/** What the driver lets through of a connection that breaks while it writes or waits to: the socket's own error, with no label, and with no system call where the other side had ended it. */
function isBrokenConnection(error: unknown): boolean {
  return types.isNativeError(error) && 'code' in error && SOCKET_CODES.has(String(error.code))
}

const SOCKET_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNREFUSED',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
])

/** Runs one operation outside a transaction; its driver errors leave as StoreErrors. */
export async function mapErrors<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation
  } catch (error) {
    throw toStoreError(error)
  }
}

/** Whether the whole transaction may be run again (MongoDB's own label, and lock documents that two transactions make at once). */
export function mayRetryTransaction(error: unknown): boolean {
  if (!(error instanceof MongoError)) return false
  return error.hasErrorLabel('TransientTransactionError') || (isDuplicateKey(error) && LOCKS.has(nameOf(error)))
}

/** Whether the commit may be repeated: nobody knows yet how it ended. */
export function mayRepeatCommit(error: unknown): boolean {
  if (isBrokenConnection(error)) return true
  return error instanceof MongoError && error.hasErrorLabel('UnknownTransactionCommitResult')
}

/** Whether another transaction was quicker: the next run should queue behind it. */
export function isWriteConflict(error: unknown): boolean {
  return error instanceof MongoServerError && (error.code === WRITE_CONFLICT || isDuplicateKey(error))
}

/** A unique index refused. */
export function isDuplicateKey(error: unknown): error is MongoServerError {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY
}

const LOCKS: ReadonlySet<string> = new Set([COLLECTIONS.guards, COLLECTIONS.children])

function toDuplicate(cause: MongoServerError): StoreError {
  const collection = nameOf(cause)
  if (collection === COLLECTIONS.auditEvents) {
    return new StoreError('duplicate', 'This audit record exists already.', { cause, on: 'audit' })
  }
  if (/ index: owner_1_unique_1 /.test(cause.message)) {
    return new StoreError('duplicate', 'Another record of this owner has the identifier.', { cause, on: 'identifier' })
  }
  if (ROWS_AND_HISTORY.has(collection)) {
    return new StoreError('conflict', 'This version exists already.', { cause })
  }
  return new StoreError('duplicate', 'This record exists already.', { cause, on: 'other' })
}

const ROWS_AND_HISTORY: ReadonlySet<string> = new Set(
  ['episodesOfCare', 'flags', 'patients', 'organizations', 'subscriptions'].flatMap((name) => [name, `${name}History`]),
)

/** `E11000 duplicate key error collection: DATABASE.COLLECTION index: …`: the driver has the name only in its message. */
function nameOf(error: MongoServerError): string {
  return /collection: [^. ]+\.(\S+) index:/.exec(error.message)?.[1] ?? ''
}
