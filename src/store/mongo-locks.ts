/** What writers serialise on: a small document each, written by every transaction that takes it (storage.md "Collections", guards; R13, R15). */
import type { LockQueue } from './lock-queue.ts'
import { guardsOf, type Scope, writing } from './scope.ts'
import type { LockKey } from './store.ts'

/** Writes all guards in one call and one order. Two transactions that share one collide, and the later one runs again behind the earlier. */
export async function takeLocks(scope: Scope, keys: readonly LockKey[], queue: LockQueue): Promise<void> {
  const ids = [...new Set(keys.map((key) => toId(scope, key)))].sort()
  if (ids.length === 0) return
  for (const id of ids) queue.enter(`guard/${id}`)
  const operations = ids.map((_id) => ({
    updateOne: { filter: { _id }, update: { $inc: { locks: 1 }, $currentDate: { at: true as const } }, upsert: true },
  }))
  await guardsOf(scope).bulkWrite(operations, writing(scope))
}

function toId(scope: Scope, key: LockKey): string {
  if (key.kind === 'number') return scope.crypto.hash('guard', [key.kind, key.nhsNumber])
  const what = key.kind === 'child' ? key.nhsNumber : key.kind === 'patient' ? key.patientId : key.text
  return scope.crypto.hash('guard', [key.kind, key.owner, what])
}
