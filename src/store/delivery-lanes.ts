/** Lanes: who may work on one, what waits in it, and marks by compare-and-set under its lease (delivery.md "From check to endpoint", steps 3 to 5). */
import type { ClientSession } from 'mongodb'
import type { ResourceId } from '../domain/brands.ts'
import type { AttemptDoc, DeliveryCollections, LaneDoc } from './delivery-collections.ts'
import { FREE, FREED, LeaseLost, UNTIL, unlessLost } from './delivery-leases.ts'
import { readLaneDoc } from './delivery-reads.ts'
import type { Again, Attempt, HaltReason, HeldLane, LaneName, Lease, NumberRange, Setback } from './delivery-store.ts'
import type { MongoHandle } from './mongo-handle.ts'

export interface LaneParts {
  readonly handle: MongoHandle
  readonly collections: DeliveryCollections
}

export async function takeLane({ collections }: LaneParts, name: LaneName): Promise<HeldLane | undefined> {
  const { lanes } = collections
  const take = (): Promise<LaneDoc | null> =>
    lanes.findOneAndUpdate({ _id: name.id, ...FREE }, [{ $set: { token: { $add: ['$token', 1] }, until: UNTIL } }], {
      returnDocument: 'after',
    })
  let taken = await take()
  if (taken === null) {
    const made = await lanes.updateOne({ _id: name.id }, { $setOnInsert: freshLane(name) }, { upsert: true })
    if (made.upsertedCount === 1) taken = await take()
  }
  return taken === null ? undefined : hold(collections, taken)
}

export async function renewLane({ collections }: LaneParts, lease: Lease): Promise<boolean> {
  const renewed = await collections.lanes.updateOne(ofLease(lease), [{ $set: { until: UNTIL } }])
  return renewed.matchedCount === 1
}

export async function readLane({ collections }: LaneParts, lease: Lease): Promise<HeldLane | undefined> {
  const found = await collections.lanes.findOne(ofLease(lease))
  return found === null ? undefined : hold(collections, found)
}

/** Writes fields of the lane under its lease. */
export async function setLane(
  { collections }: LaneParts,
  lease: Lease,
  fields: Partial<Omit<LaneDoc, '_id'>>,
): Promise<boolean> {
  const done = await collections.lanes.updateOne(ofLease(lease), { $set: fields })
  return done.matchedCount === 1
}

/** Takes the token out of use as well, so that a renewal still under way cannot hold the lane for nobody. */
export async function releaseLane({ collections }: LaneParts, lease: Lease): Promise<void> {
  await collections.lanes.updateOne(ofLease(lease), { $set: { until: FREED }, $inc: { token: 1 } })
}

export async function markDelivered(
  { handle, collections }: LaneParts,
  lease: Lease,
  attempt: Attempt & { readonly numbers: NumberRange },
): Promise<boolean> {
  const { from, through } = attempt.numbers
  const delivered = { state: 'delivered', deliveredAt: attempt.at } as const
  return unlessLost(() =>
    handle.transact(async (session) => {
      const lane = await collections.lanes.updateOne(
        { ...ofLease(lease), deliveredThrough: from - 1 },
        { $set: { deliveredThrough: through, ...STEADY, batchThrough: null, lastAnswer: answerOf(attempt) } },
        { session },
      )
      if (lane.matchedCount !== 1) throw new LeaseLost()
      const marked = await collections.deliveries.updateMany(
        { subscription: ofLease(lease)._id, number: { $gte: from, $lte: through }, state: 'waiting' },
        { $set: delivered },
        { session },
      )
      if (marked.modifiedCount !== through - from + 1) throw new LeaseLost()
      await insertAttempt(collections, { lease, attempt }, session)
    }),
  )
}

export async function markAgain(
  { handle, collections }: LaneParts,
  { lease, again }: { readonly lease: Lease; readonly again: Again },
  attempt: Attempt & { readonly numbers: NumberRange },
): Promise<boolean> {
  const from = attempt.numbers.through + 1
  const rest = from > again.through ? null : { ...again, from }
  return unlessLost(() =>
    handle.transact(async (session) => {
      const lane = await collections.lanes.updateOne(
        { ...ofLease(lease), 'again.asked': again.asked, 'again.from': again.from },
        { $set: { again: rest, ...STEADY, lastAnswer: answerOf(attempt) } },
        { session },
      )
      if (lane.matchedCount !== 1) throw new LeaseLost()
      await insertAttempt(collections, { lease, attempt }, session)
    }),
  )
}

export async function makeDue({ collections }: LaneParts, id: ResourceId): Promise<boolean> {
  const done = await collections.lanes.updateOne({ _id: id, halted: null }, { $set: { retryAt: null } })
  return done.matchedCount === 1
}

/** One update, so that an asking and a mark of the lane's holder never lose each other. */
export async function queueAgain({ collections }: LaneParts, id: ResourceId, again: Again): Promise<void> {
  const { from, through, asked } = again
  const wider = {
    from: { $min: [from, { $ifNull: ['$again.from', from] }] },
    through: { $min: ['$deliveredThrough', { $max: [through, { $ifNull: ['$again.through', through] }] }] },
    asked: { $literal: asked },
  }
  await collections.lanes.updateOne({ _id: id, deliveredThrough: { $gte: from } }, [
    { $set: { again: wider, retryAt: null } },
  ])
}

export async function markFailed(parts: LaneParts, lease: Lease, setback: Setback): Promise<boolean> {
  const { attempt, failures, failingSince, retryAt, halted } = setback
  return keepUnderLease(
    parts,
    { lease, attempt },
    {
      failures,
      failingSince,
      retryAt: retryAt ?? null,
      ...(halted === undefined ? {} : { halted }),
    },
  )
}

export async function keepAttempt(parts: LaneParts, lease: Lease, attempt: Attempt): Promise<boolean> {
  return keepUnderLease(parts, { lease, attempt }, {})
}

export async function haltLane(parts: LaneParts, lease: Lease, reason: HaltReason): Promise<boolean> {
  return setLane(parts, lease, { halted: reason, ...STEADY, heartbeatAt: null })
}

export async function openLane(parts: LaneParts, lease: Lease): Promise<boolean> {
  return setLane(parts, lease, { halted: null, ...STEADY })
}

/** What a lane is when nothing has failed. */
const STEADY = { failures: 0, failingSince: null, retryAt: null } as const

function freshLane({ authority }: LaneName): Omit<LaneDoc, '_id'> {
  return {
    authority,
    deliveredThrough: 0,
    halted: 'new',
    ...STEADY,
    batchThrough: null,
    heartbeatAt: null,
    lastAnswer: null,
    token: 0,
    until: FREED,
  }
}

function ofLease(lease: Lease): { readonly _id: ResourceId; readonly token: number } {
  return { _id: lease.id as ResourceId, token: lease.token }
}

async function hold({ laneNumbers }: DeliveryCollections, doc: LaneDoc): Promise<HeldLane> {
  const numbers = await laneNumbers.findOne({ _id: doc._id })
  return { ...readLaneDoc(doc, numbers?.last ?? 0), lease: { id: doc._id, token: doc.token } }
}

/** A kept attempt and the lane's fields that it changes, in one transaction. */
async function keepUnderLease(
  { handle, collections }: LaneParts,
  { lease, attempt }: { readonly lease: Lease; readonly attempt: Attempt },
  fields: Partial<Omit<LaneDoc, '_id'>>,
): Promise<boolean> {
  return unlessLost(() =>
    handle.transact(async (session) => {
      const set = { $set: { ...fields, lastAnswer: answerOf(attempt) } }
      const lane = await collections.lanes.updateOne(ofLease(lease), set, { session })
      if (lane.matchedCount !== 1) throw new LeaseLost()
      await insertAttempt(collections, { lease, attempt }, session)
    }),
  )
}

async function insertAttempt(
  { attempts }: DeliveryCollections,
  { lease, attempt }: { readonly lease: Lease; readonly attempt: Attempt },
  session: ClientSession,
): Promise<void> {
  const row: AttemptDoc = { ...attempt, subscription: ofLease(lease)._id }
  await attempts.insertOne(row, { session })
}

function answerOf({ at, answer, status }: Attempt): NonNullable<LaneDoc['lastAnswer']> {
  return { at, answer, ...(status === undefined ? {} : { status }) }
}
