/** Whose Subscriptions there are, across authorities: names and versions only, for delivery; what one says is read through its owner's door (delivery.md "From check to endpoint"). */
import type { Filter } from 'mongodb'
import type { AuthorityCode, ResourceId } from '../domain/brands.ts'
import { ROW_COLLECTIONS, type RowDocument } from './collections.ts'
import type { LaneName, SubscriptionVersion } from './delivery-store.ts'
import type { MongoHandle } from './mongo-handle.ts'
import { together } from './together.ts'

/** Statuses in which a Subscription still gets events. */
const LIVE = ['requested', 'active', 'error']
const VERSIONED = { owner: 1, version: 1 } as const

export async function findRequested(handle: MongoHandle, limit: number): Promise<readonly LaneName[]> {
  return (await find(handle, { status: 'requested' }, limit)).map(nameOf)
}

export async function findExpired(handle: MongoHandle, now: Date, limit: number): Promise<readonly LaneName[]> {
  return (await find(handle, { status: { $in: LIVE }, end: { $lte: now.toISOString() } }, limit)).map(nameOf)
}

/** Those of these authorities that still get events, by id. */
export async function findLive(
  handle: MongoHandle,
  authorities: readonly AuthorityCode[],
): Promise<readonly SubscriptionVersion[]> {
  const found = await find(handle, { owner: { $in: [...authorities] }, status: { $in: LIVE } })
  return found.map((one) => ({ ...nameOf(one), version: one.version })).toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

/** Reads current versions, of all who ask together in one call; undefined when it is unknown or deleted. */
export function buildVersions(handle: MongoHandle): (id: ResourceId) => Promise<number | undefined> {
  return together(async (ids: readonly ResourceId[]) => {
    const found = await find(handle, { _id: { $in: [...ids] } })
    const versions = new Map(found.map(({ _id, version }) => [_id, version]))
    return ids.map((id) => versions.get(id))
  })
}

type Found = Pick<RowDocument, '_id' | 'owner' | 'version'>

function find({ db }: MongoHandle, filter: Filter<RowDocument>, limit = 0): Promise<readonly Found[]> {
  const rows = db.collection<RowDocument>(ROW_COLLECTIONS.Subscription)
  return rows.find({ deleted: false, ...filter }, { projection: VERSIONED, limit }).toArray()
}

function nameOf({ _id, owner }: Found): LaneName {
  return { id: _id as ResourceId, authority: owner as AuthorityCode }
}
