/** The DeliveryStore on MongoDB: puts together numbering, lanes and leases (storage.md "Collections"; delivery.md). */
import { clearOld } from './delivery-clearing.ts'
import { deliveryCollections } from './delivery-collections.ts'
import {
  buildLaneReader,
  buildRenewal,
  buildTaking,
  haltLane,
  keepAttempt,
  makeDue,
  markAgain,
  markFailed,
  openLane,
  queueAgain,
  readLane,
  releaseLane,
  setLane,
  setPaused,
} from './delivery-lanes.ts'
import { prepareWorkLeases, releaseWork, takeWork } from './delivery-leases.ts'
import { buildMarks } from './delivery-marks.ts'
import { countUndeliverable, findNewEvents, numberEvents, sumDeadLetters } from './delivery-numbering.ts'
import { findDueLanes, findLastNumbers, findNumbered, findWaiting, listAttempts, listLanes } from './delivery-reads.ts'
import type { DeliveryStore } from './delivery-store.ts'
import { buildVersions, findExpired, findLive, findRequested } from './delivery-subscriptions.ts'
import { watchEvents } from './delivery-watch.ts'
import { mapErrors } from './mongo-errors.ts'
import type { MongoHandle } from './mongo-handle.ts'

/** On a database that openStore has brought up to this program's schema. Makes the leases of work where they are missing, then gives the store. Database I/O. */
export async function openDeliveryStore(handle: MongoHandle): Promise<DeliveryStore> {
  const collections = deliveryCollections(handle.db)
  await prepareWorkLeases(collections)
  const parts = { handle, collections }
  const readNow = buildLaneReader(parts)
  const mark = buildMarks(parts)
  return {
    takeDispatcher: mapped((holder) => takeWork(collections, 'dispatcher', holder)),
    releaseDispatcher: mapped((lease) => releaseWork(collections, lease)),
    takeDaily: mapped((holder) => takeWork(collections, 'daily', holder)),
    releaseDaily: mapped((lease) => releaseWork(collections, lease)),
    clearOld: mapped((before, limit) => clearOld(parts, before, limit)),
    newEvents: mapped((limit) => findNewEvents(collections, limit)),
    numberEvents: mapped((lease, routings) => numberEvents(parts, lease, routings)),
    undeliverable: mapped(() => countUndeliverable(collections)),
    deadLetters: mapped((since) => sumDeadLetters(collections, since)),
    watchEvents: (watcher) => watchEvents(collections, watcher),
    requested: mapped((limit) => findRequested(handle, limit)),
    expired: mapped((now, limit) => findExpired(handle, now, limit)),
    subscriptionVersion: mapped(buildVersions(handle)),
    liveSubscriptions: mapped((authorities) => findLive(handle, authorities)),
    dueLanes: mapped((when, limit) => findDueLanes(parts, when, limit)),
    takeLane: mapped(buildTaking(parts)),
    renewLane: mapped(buildRenewal(parts)),
    readLane: mapped((lease) => readLane(readNow, lease)),
    releaseLane: mapped((lease) => releaseLane(parts, lease)),
    waiting: mapped((id, after, limit) => findWaiting(parts, id, { after, limit })),
    fixBatch: mapped((lease, through) => setLane(parts, lease, { batchThrough: through })),
    markDelivered: mapped((lease, attempt) => mark({ lease, attempt })),
    markAgain: mapped((lease, attempt, again) => markAgain(parts, { lease, again }, attempt)),
    markFailed: mapped((lease, setback) => markFailed(parts, lease, setback)),
    keepAttempt: mapped((lease, attempt) => keepAttempt(parts, lease, attempt)),
    haltLane: mapped((lease, reason) => haltLane(parts, lease, reason)),
    openLane: mapped((lease) => openLane(parts, lease)),
    postpone: mapped((lease, until) => setLane(parts, lease, { retryAt: until })),
    scheduleHeartbeat: mapped((lease, at) => setLane(parts, lease, { heartbeatAt: at ?? null })),
    lastNumbers: mapped((ids) => findLastNumbers(parts, ids)),
    numbered: mapped((id, page) => findNumbered(parts, id, page)),
    makeDue: mapped((id) => makeDue(parts, id)),
    setPaused: mapped((id, isPaused) => setPaused(parts, id, isPaused)),
    queueAgain: mapped((id, again) => queueAgain(parts, id, again)),
    lanes: mapped(() => listLanes(parts)),
    attempts: mapped((id, limit) => listAttempts(parts, id, limit)),
  }
}

/** The same method, whose driver errors leave as StoreErrors. */
function mapped<A extends readonly unknown[], T>(method: (...given: A) => Promise<T>): (...given: A) => Promise<T> {
  return (...given) => mapErrors(method(...given))
}
