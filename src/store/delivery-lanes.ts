/** Lanes: who may work on one, what waits in it, and marks by compare-and-set under its lease (delivery.md "From check to endpoint", steps 3 to 5). */
import { type ClientSession, MongoServerError } from 'mongodb'
import type { ResourceId } from '../domain/brands.ts'
import { atMost } from './at-most.ts'
import type { AttemptDoc, DeliveryCollections, LaneDoc } from './delivery-collections.ts'
import { FREE, FREED, LeaseLost, UNTIL, unlessLost } from './delivery-leases.ts'
import { readLaneDoc } from './delivery-reads.ts'
import type {
  Again,
  Attempt,
  HaltReason,
  HeldLane,
  LaneName,
  Lease,
  NumberRange,
  Setback,
  TakenLane,
} from './delivery-store.ts'
import type { MongoHandle } from './mongo-handle.ts'
import { together } from './together.ts'

export interface LaneParts {
  readonly handle: MongoHandle
  readonly collections: DeliveryCollections
}

/** A process that died inside a transaction keeps what it was writing from the others until the database ends it: nobody waits longer for such a lane, in ms, and few at once. */
const TAKE_MS = 500
const MOST_TAKES = 8

export function buildTaking(parts: LaneParts): (name: LaneName) => Promise<TakenLane | undefined> {
  return atMost(MOST_TAKES, async (name) => {
    try {
      return await takeLane(parts, name)
    } catch (error) {
      if (error instanceof MongoServerError && error.code === MAX_TIME_EXPIRED) return undefined
      throw error
    }
  })
}

async function takeLane({ collections }: LaneParts, name: LaneName): Promise<TakenLane | undefined> {
  const { lanes } = collections
  const options = { returnDocument: 'after', maxTimeMS: TAKE_MS } as const
  const taking = [{ $set: { token: { $add: ['$token', 1] }, until: UNTIL } }]
  let taken = await lanes.findOneAndUpdate({ _id: name.id, ...FREE }, taking, options)
  if (taken === null && (await makeLane(lanes, name))) {
    taken = await lanes.findOneAndUpdate({ _id: name.id, ...FREE }, taking, options)
  }
  if (taken === null) return undefined
  const { _id: id, token, deliveredThrough } = taken
  return { id, deliveredThrough, lease: { id, token } }
}

/** Whether there was none. */
async function makeLane(lanes: DeliveryCollections['lanes'], name: LaneName): Promise<boolean> {
  if ((await lanes.countDocuments({ _id: name.id }, { limit: 1 })) > 0) return false
  const made = await lanes.updateOne({ _id: name.id }, { $setOnInsert: freshLane(name) }, { upsert: true })
  return made.upsertedCount === 1
}

/** Prolongs leases, of all who ask together in one call: each would wait for a transaction that writes its lane, and keep a connection while it does. */
export function buildRenewal({ collections }: LaneParts): (lease: Lease) => Promise<boolean> {
  const { lanes } = collections
  return together(async (leases: readonly Lease[]) => {
    const renewals = leases.map((lease) => ({
      updateOne: { filter: ofLease(lease), update: [{ $set: { until: UNTIL } }] },
    }))
    const { matchedCount } = await lanes.bulkWrite(renewals, { ordered: false })
    if (matchedCount === leases.length) return leases.map(() => true)
    const held = await lanes.find({ $or: leases.map(ofLease) }, { projection: { token: 1 } }).toArray()
    const tokens = new Map<string, number>(held.map(({ _id, token }) => [_id, token]))
    return leases.map(({ id, token }) => tokens.get(id) === token)
  })
}

/** A lane's document and its last number. */
export interface LaneNow {
  readonly doc: LaneDoc | undefined
  readonly lastNumber: number
}
export type LaneReader = (id: ResourceId) => Promise<LaneNow>

/** Reads lanes, of all who ask together in two calls. */
export function buildLaneReader({ collections }: LaneParts): LaneReader {
  return together(async (ids: readonly ResourceId[]) => {
    const filter = { _id: { $in: [...ids] } }
    const [docs, numbers] = await Promise.all([
      collections.lanes.find(filter).toArray(),
      collections.laneNumbers.find(filter).toArray(),
    ])
    const lanes = new Map(docs.map((doc) => [doc._id, doc]))
    const last = new Map(numbers.map((doc) => [doc._id, doc.last]))
    return ids.map((id) => ({ doc: lanes.get(id), lastNumber: last.get(id) ?? 0 }))
  })
}

export async function readLane(read: LaneReader, lease: Lease): Promise<HeldLane | undefined> {
  const { _id, token } = ofLease(lease)
  const { doc, lastNumber } = await read(_id)
  return doc?.token === token ? hold(doc, lastNumber) : undefined
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
  const done = await collections.lanes.updateOne({ _id: id, halted: null }, [{ $set: DUE }])
  return done.matchedCount === 1
}

export async function setPaused({ collections }: LaneParts, id: ResourceId, isPaused: boolean): Promise<boolean> {
  const others = isPaused ? { $ne: true } : true
  const fields = isPaused ? { paused: true } : { paused: false, ...STEADY, ...DUE }
  const done = await collections.lanes.updateOne({ _id: id, paused: others }, [{ $set: fields }])
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
  // What was not delivered waits anyway
  const kept = { $cond: [{ $gte: ['$deliveredThrough', from] }, wider, '$again'] }
  await collections.lanes.updateOne({ _id: id }, [{ $set: { again: kept, ...DUE } }])
}

export async function markFailed(parts: LaneParts, lease: Lease, setback: Setback): Promise<boolean> {
  const { attempt, failures, failingSince, retryAt = null, asks, halted } = setback
  return keepUnderLease(
    parts,
    { lease, attempt },
    {
      failures,
      failingSince,
      retryAt: { $cond: [{ $eq: [ASKS, asks] }, retryAt, null] },
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

const MAX_TIME_EXPIRED = 50

const ASKS = { $ifNull: ['$asks', 0] }
/** What waits is wanted at once: it is counted, so that a try under way that then fails does not put the next one off again. For update pipelines. */
const DUE = { retryAt: null, asks: { $add: [ASKS, 1] } }

/** What a lane is when nothing has failed. */
export const STEADY = { failures: 0, failingSince: null, retryAt: null } as const

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

export function ofLease(lease: Lease): { readonly _id: ResourceId; readonly token: number } {
  return { _id: lease.id as ResourceId, token: lease.token }
}

function hold(doc: LaneDoc, lastNumber: number): HeldLane {
  return { ...readLaneDoc(doc, lastNumber), lease: { id: doc._id, token: doc.token }, asks: doc.asks ?? 0 }
}

/** A kept attempt and the lane's fields that it changes (values or expressions), in one transaction. */
async function keepUnderLease(
  { handle, collections }: LaneParts,
  { lease, attempt }: { readonly lease: Lease; readonly attempt: Attempt },
  fields: Partial<Record<keyof Omit<LaneDoc, '_id'>, unknown>>,
): Promise<boolean> {
  return unlessLost(() =>
    handle.transact(async (session) => {
      const set = { $set: { ...fields, lastAnswer: { $literal: answerOf(attempt) } } }
      const lane = await collections.lanes.updateOne(ofLease(lease), [set], { session })
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

export function answerOf({ at, answer, status }: Attempt): NonNullable<LaneDoc['lastAnswer']> {
  return { at, answer, ...(status === undefined ? {} : { status }) }
}
