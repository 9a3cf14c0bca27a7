/** What of deliveries and lanes is looked up: due lanes, events by number, lanes and attempts for people (delivery.md "Recovery"). */
import type { ResourceId } from '../domain/brands.ts'
import type { DeliveryCollections, LaneDoc } from './delivery-collections.ts'
import { FREE } from './delivery-leases.ts'
import type { Attempt, DueTimes, Lane, LaneName, NumberedEvent, NumberRange } from './delivery-store.ts'

interface ReadParts {
  readonly collections: DeliveryCollections
}

export async function findWaiting(
  { collections }: ReadParts,
  id: ResourceId,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<readonly NumberedEvent[]> {
  const found = await collections.deliveries
    .find({ subscription: id, number: { $gt: after } })
    .sort({ number: 1 })
    .limit(limit)
    .toArray()
  return found.map(({ number, event }) => ({ number, event }))
}

export async function findNumbered(
  { collections }: ReadParts,
  id: ResourceId,
  { from, through, since, limit }: NumberRange & { readonly since: string; readonly limit: number },
): Promise<readonly NumberedEvent[]> {
  const found = await collections.deliveries
    .find({ subscription: id, number: { $gte: from, $lte: through }, 'event.at': { $gte: since } })
    .sort({ number: 1 })
    .limit(limit)
    .toArray()
  return found.map(({ number, event }) => ({ number, event }))
}

export async function findLastNumbers(
  { collections }: ReadParts,
  ids: readonly ResourceId[],
): Promise<ReadonlyMap<ResourceId, number>> {
  const found = await collections.laneNumbers.find({ _id: { $in: [...ids] } }).toArray()
  return new Map(found.map(({ _id, last }) => [_id, last]))
}

/** Lanes with something to do that nobody holds. Reads grow with the lanes that wait, not with how much waits. */
export async function findDueLanes(
  { collections }: ReadParts,
  { now, latest }: DueTimes,
  limit: number,
): Promise<readonly LaneName[]> {
  const waiting = await collections.deliveries.distinct('subscription', { state: 'waiting' })
  const found = await collections.lanes
    .find(
      {
        halted: null,
        paused: { $ne: true },
        ...FREE,
        $or: [
          {
            $and: [
              { $or: [{ _id: { $in: waiting } }, { again: { $type: 'object' } }] },
              { $or: [{ retryAt: null }, { retryAt: { $lte: now } }, { retryAt: { $gt: latest } }] },
            ],
          },
          { heartbeatAt: { $lte: now } },
        ],
      },
      { projection: { authority: 1 }, limit },
    )
    .sort({ retryAt: 1 })
    .toArray()
  return found.map(({ _id, authority }) => ({ id: _id, authority }))
}

export async function listLanes({ collections }: ReadParts): Promise<readonly Lane[]> {
  const docs = await collections.lanes.find().sort({ authority: 1, _id: 1 }).toArray()
  const last = new Map((await collections.laneNumbers.find().toArray()).map((doc) => [doc._id, doc.last]))
  const firsts = docs.map((doc) => `${doc._id}:${doc.deliveredThrough + 1}`)
  const waiting = await collections.deliveries.find({ _id: { $in: firsts } }).toArray()
  const oldest = new Map(waiting.map((doc) => [doc.subscription, doc.event.at]))
  return docs.map((doc) => {
    const oldestWaitingAt = oldest.get(doc._id)
    return {
      ...readLaneDoc(doc, last.get(doc._id) ?? 0),
      ...(oldestWaitingAt === undefined ? {} : { oldestWaitingAt }),
    }
  })
}

export async function listAttempts({ collections }: ReadParts, id: ResourceId, limit: number): Promise<Attempt[]> {
  const found = await collections.attempts.find({ subscription: id }).sort({ at: -1, _id: -1 }).limit(limit).toArray()
  return found.map(({ _id, subscription, ...attempt }) => attempt)
}

/** A lane as the contract has it. Pure. */
export function readLaneDoc(doc: LaneDoc, lastNumber: number): Lane {
  return {
    id: doc._id,
    authority: doc.authority,
    lastNumber,
    deliveredThrough: doc.deliveredThrough,
    failures: doc.failures,
    ...(doc.retryAt === null ? {} : { retryAt: doc.retryAt }),
    ...(doc.halted === null ? {} : { halted: doc.halted }),
    ...(doc.paused === true ? { paused: true } : {}),
    ...(doc.failingSince === null ? {} : { failingSince: doc.failingSince }),
    ...(doc.batchThrough === null ? {} : { batchThrough: doc.batchThrough }),
    ...(doc.again === null || doc.again === undefined ? {} : { again: doc.again }),
    ...(doc.heartbeatAt === null ? {} : { heartbeatAt: doc.heartbeatAt }),
    ...(doc.lastAnswer === null ? {} : { lastAnswer: doc.lastAnswer }),
  }
}
