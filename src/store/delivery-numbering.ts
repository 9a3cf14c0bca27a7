/** Numbers events without gaps per Subscription, in one transaction under the dispatcher's lease (delivery.md "From check to endpoint", step 2). */
import type { ClientSession } from 'mongodb'
import type { ResourceId } from '../domain/brands.ts'
import type { RegisterEvent } from '../domain/events.ts'
import type { DeliveryCollections, DeliveryDoc, EventDoc } from './delivery-collections.ts'
import { guardByLease, LeaseLost, unlessLost } from './delivery-leases.ts'
import type { DeadLetters, Lease, Routing } from './delivery-store.ts'
import type { MongoHandle } from './mongo-handle.ts'

/** New events, oldest first: by state, so that a late commit is never passed over. */
export async function findNewEvents({ events }: DeliveryCollections, limit: number): Promise<readonly RegisterEvent[]> {
  const found = await events.find({ state: 'new' }).sort({ at: 1, _id: 1 }).limit(limit).toArray()
  return found.map((doc) => doc.event)
}

/** False, with nothing written, when the lease was lost. */
export async function numberEvents(
  { handle, collections }: { readonly handle: MongoHandle; readonly collections: DeliveryCollections },
  lease: Lease,
  routings: readonly Routing[],
): Promise<boolean> {
  const wanted = routings.filter((one) => one.subscriptions.length > 0)
  const unwanted = routings.filter((one) => one.subscriptions.length === 0)
  return unlessLost(() =>
    handle.transact(async (session) => {
      await guardByLease(collections, lease, session)
      await settle(collections, { routings: wanted, state: 'numbered' }, session)
      await settle(collections, { routings: unwanted, state: 'undeliverable' }, session)
      const deliveries = await assignNumbers(collections, wanted, session)
      if (deliveries.length > 0) await collections.deliveries.insertMany([...deliveries], { session })
    }),
  )
}

/** How many events no Subscription wanted, by topic. */
export async function countUndeliverable({
  events,
}: DeliveryCollections): Promise<readonly { readonly topic: string; readonly count: number }[]> {
  return events
    .aggregate<{ topic: string; count: number }>([
      { $match: { state: 'undeliverable' } },
      { $group: { _id: '$topic', count: { $sum: 1 } } },
      { $project: { _id: 0, topic: '$_id', count: 1 } },
      { $sort: { topic: 1 } },
    ])
    .toArray()
}

/** What no Subscription wanted since that instant, by authority and topic. */
export async function sumDeadLetters({ events }: DeliveryCollections, since: string): Promise<readonly DeadLetters[]> {
  return events
    .aggregate<DeadLetters>([
      { $match: { state: 'undeliverable', at: { $gte: String(since) } } },
      {
        $group: {
          _id: { authority: '$event.authority', topic: '$topic' },
          count: { $sum: 1 },
          since: { $min: '$at' },
          latest: { $max: '$at' },
        },
      },
      { $project: { _id: 0, authority: '$_id.authority', topic: '$_id.topic', count: 1, since: 1, latest: 1 } },
      { $sort: { authority: 1, topic: 1 } },
    ])
    .toArray()
}

async function settle(
  { events }: DeliveryCollections,
  { routings, state }: { readonly routings: readonly Routing[]; readonly state: EventDoc['state'] },
  session: ClientSession,
): Promise<void> {
  if (routings.length === 0) return
  const ids = routings.map((one) => one.event.id)
  const done = await events.updateMany({ _id: { $in: ids }, state: 'new' }, { $set: { state } }, { session })
  // Another dispatcher settled one of them: its numbers stand.
  if (done.modifiedCount !== ids.length) throw new LeaseLost()
}

async function assignNumbers(
  collections: DeliveryCollections,
  wanted: readonly Routing[],
  session: ClientSession,
): Promise<readonly DeliveryDoc[]> {
  if (wanted.length === 0) return []
  const before = await raise(collections, countsOf(wanted), session)
  return wanted.flatMap(({ event, subscriptions }) =>
    subscriptions.map((subscription): DeliveryDoc => {
      const number = (before.get(subscription) ?? 0) + 1
      before.set(subscription, number)
      return { _id: `${subscription}:${number}`, subscription, number, state: 'waiting', event }
    }),
  )
}

function countsOf(wanted: readonly Routing[]): ReadonlyMap<ResourceId, number> {
  const counts = new Map<ResourceId, number>()
  for (const id of wanted.flatMap((one) => one.subscriptions)) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

/** Raises the last number of each by what it gets; the numbers as they were before. One call for one lane, two for many. */
async function raise(
  { laneNumbers }: DeliveryCollections,
  counts: ReadonlyMap<ResourceId, number>,
  session: ClientSession,
): Promise<Map<ResourceId, number>> {
  const ids = [...counts.keys()]
  const raiseBy = (_id: ResourceId) => ({ $inc: { last: counts.get(_id) ?? 0 } })
  const [only, second] = ids
  if (only !== undefined && second === undefined) {
    const options = { session, upsert: true, returnDocument: 'before' } as const
    const before = await laneNumbers.findOneAndUpdate({ _id: only }, raiseBy(only), options)
    return new Map([[only, before?.last ?? 0]])
  }
  const found = await laneNumbers.find({ _id: { $in: ids } }, { session }).toArray()
  await laneNumbers.bulkWrite(
    ids.map((_id) => ({ updateOne: { filter: { _id }, update: raiseBy(_id), upsert: true } })),
    { session },
  )
  return new Map(found.map(({ _id, last }) => [_id, last]))
}
