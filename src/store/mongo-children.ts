/** What is remembered of a child that was ever hit, and the lock that serialises its checks (storage.md "Transactions", per-child order). */
import type { ChildKey } from '../domain/brands.ts'
import type { LockQueue } from './lock-queue.ts'
import { childrenOf, type Scope, writing } from './scope.ts'
import type { ChildState } from './store.ts'

/** Writes the child's document first, so that a second check of the child collides here and runs again behind this one. */
export async function lockChildState(scope: Scope, childKey: ChildKey, turn: LockQueue): Promise<ChildState> {
  turn.enter(`child/${childKey}`)
  const document = await childrenOf(scope).findOneAndUpdate(
    { _id: childKey },
    { $inc: { locks: 1 } },
    { ...writing(scope), upsert: true, returnDocument: 'after' },
  )
  return {
    ...(document?.incident === undefined ? {} : { incident: document.incident }),
    incidents: document?.incidents ?? [],
  }
}

/** Replaces what is remembered. */
export async function saveChildState(scope: Scope, childKey: ChildKey, state: ChildState): Promise<void> {
  const { incident, incidents } = state
  const update =
    incident === undefined
      ? { $set: { incidents: [...incidents] }, $unset: { incident: true as const } }
      : { $set: { incidents: [...incidents], incident: { ...incident, openedFor: [...incident.openedFor] } } }
  await childrenOf(scope).updateOne({ _id: childKey }, update, { ...writing(scope), upsert: true })
}
