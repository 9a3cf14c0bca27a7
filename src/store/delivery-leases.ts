/** Leases with a fencing token, by the database's clock (delivery.md "From check to endpoint", step 2). */
import type { ClientSession } from 'mongodb'
import type { DeliveryCollections } from './delivery-collections.ts'
import { LEASE_MS, type Lease } from './delivery-store.ts'

/** Thrown inside a transaction to leave it without writing; never leaves this room. */
export class LeaseLost extends Error {}

/** When a lease taken or prolonged now ends; for update pipelines. */
export const UNTIL = { $add: ['$$NOW', LEASE_MS] }
/** Condition on a document whose lease is free: it has ended, or ends later than any taken now, as after the database's clock was set back. Were it held all the same, its holder's writes fail by their token. */
export const FREE = { $expr: { $or: [{ $lte: ['$until', '$$NOW'] }, { $gt: ['$until', UNTIL] }] } }
/** An end that has always passed. */
export const FREED = new Date(0)

/** What one process does at a time: numbering of events, the work of the day, sealing old records again, and closing the audit. */
export type WorkLease = 'dispatcher' | 'daily' | 'reseal' | 'seal'
const WORK: readonly WorkLease[] = ['dispatcher', 'daily', 'reseal', 'seal']

/** Makes these leases, free, where there are none. */
export async function prepareWorkLeases({ leases }: DeliveryCollections): Promise<void> {
  const free = { holder: '', token: 0, until: FREED }
  for (const _id of WORK) await leases.updateOne({ _id }, { $setOnInsert: free }, { upsert: true })
}

/** Takes it when free or expired (a new token), prolongs it when `holder` has it (the same token). */
export async function takeWork(
  { leases }: DeliveryCollections,
  work: WorkLease,
  holder: string,
): Promise<Lease | undefined> {
  const token = { $cond: [{ $eq: ['$holder', { $literal: holder }] }, '$token', { $add: ['$token', 1] }] }
  const taken = await leases.findOneAndUpdate(
    { _id: work, $or: [{ holder }, FREE] },
    [{ $set: { token, holder: { $literal: holder }, until: UNTIL } }],
    { returnDocument: 'after' },
  )
  return taken === null ? undefined : { id: work, token: taken.token }
}

/** Frees it for any holder, if the token is still the current one. */
export async function releaseWork({ leases }: DeliveryCollections, lease: Lease): Promise<void> {
  await leases.updateOne({ _id: lease.id, token: lease.token }, { $set: { holder: '', until: FREED } })
}

/** Inside a transaction: the token must be the current one; the write collides with whoever takes the lease meanwhile. Throws LeaseLost. */
export async function guardByLease(
  { leases }: DeliveryCollections,
  lease: Lease,
  session: ClientSession,
): Promise<void> {
  const held = await leases.updateOne({ _id: lease.id, token: lease.token }, { $inc: { used: 1 } }, { session })
  if (held.matchedCount !== 1) throw new LeaseLost()
}

/** Runs a transaction that may find its lease lost: true when it committed, false when it was lost. */
export async function unlessLost(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (error instanceof LeaseLost) return false
    throw error
  }
}
