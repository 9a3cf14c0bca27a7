/** Answers of authorities to accesses: insert-only, and on the access the index by which a worklist is found (delivery.md; storage.md "Collections"). The audit itself is never touched. */
import type { Acknowledgement } from '../domain/acknowledgement.ts'
import type { AuthorityCode } from '../domain/brands.ts'
import { accessesOf, acknowledgementsOf, reading, run, type Scope, writing } from './scope.ts'
import { StoreError } from './store.ts'

export interface AcknowledgementDocument extends Omit<Acknowledgement, 'id'> {
  readonly _id: string
}

/** Adds one; the first of an authority moves the access from those that wait to those that are answered. StoreError 'conflict' when the access is not one of that authority. */
export async function insertAcknowledgement(scope: Scope, acknowledgement: Acknowledgement): Promise<void> {
  const { id, ...facts } = acknowledgement
  const { authority, auditEvent } = facts
  const moved = await run(
    scope,
    accessesOf(scope).updateOne(
      { _id: auditEvent, authorities: authority },
      { $pull: { unacknowledged: authority }, $addToSet: { acknowledged: authority } },
      writing(scope),
    ),
  )
  if (moved.matchedCount === 0) throw new StoreError('conflict', 'There is no such access of this authority.')
  await run(scope, acknowledgementsOf(scope).insertOne({ _id: id, ...facts }, writing(scope)))
}

/** All that this authority has answered to these accesses, each in the order of sequence. */
export async function findAcknowledgements(
  scope: Scope,
  authority: AuthorityCode,
  auditEvents: readonly string[],
): Promise<readonly Acknowledgement[]> {
  if (auditEvents.length === 0) return []
  const filter = { authority: String(authority) as AuthorityCode, auditEvent: { $in: auditEvents.map(String) } }
  const sort = { auditEvent: 1, sequence: 1 } as const
  const documents = await run(
    scope,
    acknowledgementsOf(scope)
      .find(filter, { ...reading(scope), sort })
      .toArray(),
  )
  return documents.map(({ _id, ...facts }) => ({ id: _id, ...facts }))
}
