/** Old deliveries, attempts and numbered events are removed (delivery.md "Recovery"): never what waits. Found by the indexes that are there, so that the hot path pays nothing. */
import type { Document } from 'mongodb'
import type { DeliveryCollections, DeliveryDoc, LaneDoc } from './delivery-collections.ts'

interface Parts {
  readonly collections: DeliveryCollections
}

interface Bound {
  readonly before: Date
  readonly limit: number
}

/** One part; true when there may be more. */
export async function clearOld({ collections }: Parts, before: Date, limit: number): Promise<boolean> {
  const bound = { before, limit }
  let removed = 0
  for (const lane of await collections.lanes.find().toArray()) {
    removed += await clearDeliveries(collections, lane, bound)
    removed += await clearAttempts(collections, lane, bound)
  }
  removed += await clearEvents(collections, bound)
  return removed > 0
}

/** A lane's first deliveries: they are in the order of their numbers, delivered ones first. */
async function clearDeliveries(
  { deliveries }: DeliveryCollections,
  { _id, again }: LaneDoc,
  { before, limit }: Bound,
): Promise<number> {
  const instant = before.toISOString()
  const first = await deliveries
    .find({ subscription: _id }, { sort: { number: 1 }, limit, projection: { number: 1, state: 1, 'event.at': 1 } })
    .toArray()
  const isOld = ({ state, event, number }: Pick<DeliveryDoc, 'state' | 'event' | 'number'>): boolean =>
    state === 'delivered' && event.at < instant && (again === undefined || again === null || number < again.from)
  const upTo = first.findIndex((one) => !isOld(one))
  const old = (upTo === -1 ? first : first.slice(0, upTo)).map((one) => one._id)
  if (old.length === 0) return 0
  return (await deliveries.deleteMany({ _id: { $in: old }, state: 'delivered' })).deletedCount
}

async function clearAttempts(
  { attempts }: DeliveryCollections,
  { _id }: LaneDoc,
  { before, limit }: Bound,
): Promise<number> {
  const old = await attempts
    .find<Document>({ subscription: _id, at: { $lt: before } }, { limit, projection: { _id: 1 } })
    .toArray()
  if (old.length === 0) return 0
  return (await attempts.deleteMany({ _id: { $in: old.map((one) => one['_id']) } })).deletedCount
}

/** An event that waits in some lane stays, though the delivery has all of it. */
async function clearEvents({ events, deliveries }: DeliveryCollections, { before, limit }: Bound): Promise<number> {
  const old = await events
    .find({ state: 'numbered', at: { $lt: before.toISOString() } }, { sort: { at: 1, _id: 1 }, limit })
    .toArray()
  if (old.length === 0) return 0
  const ids = old.map((one) => one._id)
  const waiting = await deliveries.distinct('event.id', { state: 'waiting', 'event.at': { $lt: before.toISOString() } })
  const kept = new Set<string>(waiting)
  const gone = ids.filter((id) => !kept.has(id))
  if (gone.length === 0) return 0
  return (await events.deleteMany({ _id: { $in: gone }, state: 'numbered' })).deletedCount
}
