/** Marks events delivered by compare-and-set under the lane's lease; lanes that end a send at one time share a transaction, so that a mark costs a fraction of one (delivery.md step 5; storage.md "Transactions"). */
import type { ClientSession } from 'mongodb'
import type { ResourceId } from '../domain/brands.ts'
import type { AttemptDoc, DeliveryCollections } from './delivery-collections.ts'
import { answerOf, type LaneParts, ofLease, STEADY } from './delivery-lanes.ts'
import { LeaseLost, UNTIL, unlessLost } from './delivery-leases.ts'
import type { Attempt, Lease, NumberRange } from './delivery-store.ts'
import { together } from './together.ts'

export interface Mark {
  readonly lease: Lease
  readonly attempt: Attempt & { readonly numbers: NumberRange }
}

/** Resolves true after the commit; false, with nothing of that mark written, when its lease was lost. */
export function buildMarks(parts: LaneParts): (mark: Mark) => Promise<boolean> {
  return together(async (marks: readonly Mark[]) => {
    if (await markAll(parts, marks)) return marks.map(() => true)
    // One of them has lost its lease: it must not fail the others.
    return marks.length === 1 ? [false] : markSingly(parts, marks)
  })
}

async function markSingly(parts: LaneParts, marks: readonly Mark[]): Promise<readonly boolean[]> {
  const results: boolean[] = []
  for (const mark of marks) results.push(await markAll(parts, [mark]))
  return results
}

/** All in one transaction, or nothing. */
function markAll({ handle, collections }: LaneParts, marks: readonly Mark[]): Promise<boolean> {
  return unlessLost(() =>
    handle.transact(async (session) => {
      await moveLanes(collections, marks, session)
      await settleDeliveries(collections, marks, session)
      const rows = marks.map(({ lease, attempt }): AttemptDoc => ({ ...attempt, subscription: idOf(lease) }))
      await collections.attempts.insertMany(rows, { session })
    }),
  )
}

async function moveLanes(
  { lanes }: DeliveryCollections,
  marks: readonly Mark[],
  session: ClientSession,
): Promise<void> {
  const moves = marks.map(({ lease, attempt }) => {
    const { from, through } = attempt.numbers
    const filter = { ...ofLease(lease), deliveredThrough: from - 1 }
    const lastAnswer = { $literal: answerOf(attempt) }
    // Prolongs the lease as well: a renewal beside this transaction would collide with it.
    const fields = { deliveredThrough: through, ...STEADY, batchThrough: null, lastAnswer, until: UNTIL }
    return { updateOne: { filter, update: [{ $set: fields }] } }
  })
  const moved = await lanes.bulkWrite(moves, { session })
  if (moved.matchedCount !== marks.length) throw new LeaseLost()
}

async function settleDeliveries(
  { deliveries }: DeliveryCollections,
  marks: readonly Mark[],
  session: ClientSession,
): Promise<void> {
  const ids = marks.flatMap(({ lease, attempt: { numbers } }) =>
    Array.from({ length: numbers.through - numbers.from + 1 }, (_, at) => `${lease.id}:${numbers.from + at}`),
  )
  const [at] = marks.map(({ attempt }) => attempt.at).toSorted((a, b) => b.getTime() - a.getTime())
  const delivered = { state: 'delivered', ...(at === undefined ? {} : { deliveredAt: at }) } as const
  const done = await deliveries.updateMany({ _id: { $in: ids }, state: 'waiting' }, { $set: delivered }, { session })
  if (done.modifiedCount !== ids.length) throw new LeaseLost()
}

function idOf(lease: Lease): ResourceId {
  return ofLease(lease)._id
}
