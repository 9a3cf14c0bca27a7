/** What writers serialise on: a small document each, written by every transaction that takes it (storage.md "Collections", guards; R13, R15). */
import { inTurns, slicesOf } from '../turns.ts'
import type { LockQueue } from './lock-queue.ts'
import { guardsOf, type Scope, writing } from './scope.ts'
import type { LockKey } from './store.ts'

/** Ids made before the event loop is let go on, and guards of one call: those of a batch are a thousand, and a check must not wait for them (P1). */
const IDS_A_TURN = 64
const GUARDS_A_CALL = 256

/** Writes all guards in one order, few in one call. Two transactions that share one collide, and the later one runs again behind the earlier. */
export async function takeLocks(scope: Scope, keys: readonly LockKey[], queue: LockQueue): Promise<void> {
  const known = new Set<string>()
  await inTurns(keys, IDS_A_TURN, (key) => void known.add(toId(scope, key)))
  const ids = [...known].sort()
  for (const id of ids) queue.enter(`guard/${id}`)
  for (const few of slicesOf(ids, GUARDS_A_CALL)) {
    const operations = few.map((_id) => ({
      updateOne: { filter: { _id }, update: { $inc: { locks: 1 }, $currentDate: { at: true as const } }, upsert: true },
    }))
    await guardsOf(scope).bulkWrite(operations, writing(scope))
  }
}

function toId(scope: Scope, key: LockKey): string {
  if (key.kind === 'number') return scope.crypto.hash('guard', [key.kind, key.nhsNumber])
  const what = key.kind === 'child' ? key.nhsNumber : key.kind === 'patient' ? key.patientId : key.text
  return scope.crypto.hash('guard', [key.kind, key.owner, what])
}
