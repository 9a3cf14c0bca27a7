/** How a transaction is run, run again and committed (storage.md "Transactions"; MongoDB's Transactions specification, convenient API). */

import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientSession, MongoClient, TransactionOptions } from 'mongodb'
import { type LockQueue, NotYourTurn } from './lock-queue.ts'
import { isWriteConflict, mayRepeatCommit, mayRetryTransaction, toStoreError } from './mongo-errors.ts'
import { OPERATION_MS } from './scope.ts'
import { StoreError } from './store.ts'

/** After this many ms no further run of the work and no further commit begins; what was spent in a line that moved does not count. */
const PATIENCE_MS = 5_000
/** For so long in all a transaction stands in a line that moves: who is sent away from it would only come again, to its end. */
const MOST_IN_LINE_MS = 15_000
const MOST_PAUSE_MS = 200
const ABORT_MS = 500

const OPTIONS: TransactionOptions = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority', journal: true },
  maxCommitTimeMS: OPERATION_MS,
}

type End = 'commit' | 'abort'

/**
 * Runs `work` until it is committed, or once through and rolled back (`abort`: also what wrote nothing and need not wait for the
 * journal); see MongoHandle.transact. `queue` orders those that collided on a lock.
 */
export async function runTransaction<T>(
  client: MongoClient,
  queue: LockQueue,
  work: (session: ClientSession) => Promise<T>,
  end: End | ((result: T) => End) = 'commit',
): Promise<T> {
  const startedAt = performance.now()
  let inLineMs = 0
  try {
    for (let run = 1; ; run++) {
      try {
        return await runOnce(client.startSession(), work, end)
      } catch (error) {
        if (!(error instanceof NotYourTurn) && !mayRetryTransaction(error)) throw error
        inLineMs += await prepareNextRun(queue, { error, run, startedAt, inLineMs })
      }
    }
  } catch (error) {
    throw toStoreError(error)
  } finally {
    queue.leave()
  }
}

async function runOnce<T>(
  session: ClientSession,
  work: (session: ClientSession) => Promise<T>,
  end: End | ((result: T) => End),
): Promise<T> {
  session.startTransaction(OPTIONS)
  try {
    const result = await work(session)
    const how = typeof end === 'function' ? end(result) : end
    await (how === 'commit' ? commit(session) : session.abortTransaction())
    return result
  } catch (error) {
    if (session.inTransaction()) await abort(session)
    throw error
  } finally {
    void session.endSession().catch(() => undefined)
  }
}

/** What cannot be aborted soon, the server ends by itself; the first error is the one that matters. */
async function abort(session: ClientSession): Promise<void> {
  const aborted = session.abortTransaction().catch(() => undefined)
  await Promise.race([aborted, sleep(ABORT_MS, undefined, { ref: false })])
}

/** A commit whose reply was lost is repeated: the server answers the same for the same transaction. */
async function commit(session: ClientSession): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await session.commitTransaction()
    } catch (error) {
      if (!mayRepeatCommit(error) || performance.now() > deadline) throw error
    }
  }
}

interface Failure {
  readonly error: unknown
  readonly run: number
  readonly startedAt: number
  /** So far. */
  readonly inLineMs: number
}

/** Resolves with the ms that were now spent in line. */
async function prepareNextRun(queue: LockQueue, { error, run, startedAt, inLineMs }: Failure): Promise<number> {
  const askedAt = performance.now()
  const tooBusy = new StoreError('transient', 'Too many changes of the same records at once.', {
    cause: error,
    on: 'lock',
  })
  if (askedAt - startedAt - inLineMs > PATIENCE_MS) throw tooBusy
  const isBehind = error instanceof NotYourTurn || isWriteConflict(error)
  const patience = { stuckMs: PATIENCE_MS, mostMs: MOST_IN_LINE_MS - inLineMs }
  if (isBehind && !(await queue.wait(patience))) throw tooBusy
  const nowInLineMs = performance.now() - askedAt
  if (!(error instanceof NotYourTurn)) await sleep(randomInt(1, Math.min(MOST_PAUSE_MS, 2 ** (run + 2))))
  return nowInLineMs
}
