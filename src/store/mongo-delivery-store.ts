/** The DeliveryStore on MongoDB: puts together numbering, lanes and leases (storage.md "Collections"; delivery.md). */
import type { Filter } from 'mongodb'
import type { AuthorityCode, ResourceId } from '../domain/brands.ts'
import { ROW_COLLECTIONS, type RowDocument } from './collections.ts'
import { deliveryCollections, prepareDeliveryCollections } from './delivery-collections.ts'
import {
  haltLane,
  keepAttempt,
  makeDue,
  markAgain,
  markDelivered,
  markFailed,
  openLane,
  queueAgain,
  readLane,
  releaseLane,
  renewLane,
  setLane,
  takeLane,
} from './delivery-lanes.ts'
import { prepareWorkLeases, releaseWork, takeWork } from './delivery-leases.ts'
import { countUndeliverable, findNewEvents, numberEvents } from './delivery-numbering.ts'
import { findDueLanes, findLastNumbers, findNumbered, findWaiting, listAttempts, listLanes } from './delivery-reads.ts'
import type { DeliveryStore, LaneName } from './delivery-store.ts'
import { mapErrors } from './mongo-errors.ts'
import type { MongoHandle } from './mongo-handle.ts'

/** Makes collections and indexes where they are missing, then gives the store. Database I/O. */
export async function openDeliveryStore(handle: MongoHandle): Promise<DeliveryStore> {
  const collections = deliveryCollections(handle.db)
  await prepareDeliveryCollections(handle.db)
  await prepareWorkLeases(collections)
  const parts = { handle, collections }
  return {
    takeDispatcher: mapped((holder) => takeWork(collections, 'dispatcher', holder)),
    releaseDispatcher: mapped((lease) => releaseWork(collections, lease)),
    takeDaily: mapped((holder) => takeWork(collections, 'daily', holder)),
    releaseDaily: mapped((lease) => releaseWork(collections, lease)),
    newEvents: mapped((limit) => findNewEvents(collections, limit)),
    numberEvents: mapped((lease, routings) => numberEvents(parts, lease, routings)),
    undeliverable: mapped(() => countUndeliverable(collections)),
    requested: mapped((limit) => findSubscriptions(handle, { status: 'requested' }, limit)),
    expired: mapped((now, limit) =>
      findSubscriptions(handle, { status: { $in: LIVE }, end: { $lte: now.toISOString() } }, limit),
    ),
    dueLanes: mapped((now, limit) => findDueLanes(parts, now, limit)),
    takeLane: mapped((name) => takeLane(parts, name)),
    renewLane: mapped((lease) => renewLane(parts, lease)),
    readLane: mapped((lease) => readLane(parts, lease)),
    releaseLane: mapped((lease) => releaseLane(parts, lease)),
    waiting: mapped((id, after, limit) => findWaiting(parts, id, { after, limit })),
    fixBatch: mapped((lease, through) => setLane(parts, lease, { batchThrough: through })),
    markDelivered: mapped((lease, attempt) => markDelivered(parts, lease, attempt)),
    markAgain: mapped((lease, attempt, again) => markAgain(parts, { lease, again }, attempt)),
    markFailed: mapped((lease, setback) => markFailed(parts, lease, setback)),
    keepAttempt: mapped((lease, attempt) => keepAttempt(parts, lease, attempt)),
    haltLane: mapped((lease, reason) => haltLane(parts, lease, reason)),
    openLane: mapped((lease) => openLane(parts, lease)),
    scheduleHeartbeat: mapped((lease, at) => setLane(parts, lease, { heartbeatAt: at ?? null })),
    lastNumbers: mapped((ids) => findLastNumbers(parts, ids)),
    numbered: mapped((id, page) => findNumbered(parts, id, page)),
    makeDue: mapped((id) => makeDue(parts, id)),
    queueAgain: mapped((id, again) => queueAgain(parts, id, again)),
    lanes: mapped(() => listLanes(parts)),
    attempts: mapped((id, limit) => listAttempts(parts, id, limit)),
  }
}

/** Statuses in which a Subscription still gets events. */
const LIVE = ['requested', 'active', 'error']

/** Across authorities: names only, for the dispatcher; what a Subscription says is read through its owner's door. */
async function findSubscriptions(
  { db }: MongoHandle,
  filter: Pick<Filter<RowDocument>, 'status' | 'end'>,
  limit: number,
): Promise<readonly LaneName[]> {
  const rows = db.collection<RowDocument>(ROW_COLLECTIONS.Subscription)
  const found = await rows.find({ deleted: false, ...filter }, { projection: { owner: 1 }, limit }).toArray()
  return found.map(({ _id, owner }) => ({ id: _id as ResourceId, authority: owner as AuthorityCode }))
}

/** The same method, whose driver errors leave as StoreErrors. */
function mapped<A extends readonly unknown[], T>(method: (...given: A) => Promise<T>): (...given: A) => Promise<T> {
  return (...given) => mapErrors(method(...given))
}
