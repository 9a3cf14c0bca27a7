/** Reads a Subscription through its owner's door and changes its status as a new version, so that the authority reads the truth (delivery.md "Subscription"). */
import type { Subscription } from '@medplum/fhirtypes'
import type { Context } from '../context.ts'
import type { AuditRecord } from '../domain/audit-record.ts'
import type { DeliveryStore, LaneName } from '../store/delivery-store.ts'
import { type Row, StoreError } from '../store/store.ts'

/** What of the context delivery needs. */
export type DeliveryContext = Pick<
  Context,
  'config' | 'allowedHosts' | 'clock' | 'newId' | 'log' | 'store' | 'keys' | 'fetch' | 'metrics' | 'mail'
>

/** What delivery works with besides the sender. */
export interface DeliveryParts {
  readonly context: DeliveryContext
  readonly deliveries: DeliveryStore
}

/** The current version; undefined when it is unknown or deleted. Database I/O. */
export async function findSubscription(
  context: Pick<DeliveryContext, 'store'>,
  { id, authority }: LaneName,
): Promise<(Row<'Subscription'> & { readonly resource: Subscription }) | undefined> {
  const row = await context.store.read.of(authority, 'Subscription').find(id)
  return row?.resource === undefined || row.deleted ? undefined : { ...row, resource: row.resource }
}

export interface StatusChange {
  readonly status: Subscription['status']
  /** Plain words for Subscription.error; absent removes what stood there. */
  readonly error?: string
  /** Committed with the change: what the administrator must look at. */
  readonly alert?: AuditRecord
}

/** Writes the next version with another status. False, and nothing written, when the owner has changed the Subscription meanwhile. Database I/O. */
export async function changeStatus(
  context: DeliveryContext,
  seen: Row<'Subscription'>,
  change: StatusChange,
): Promise<boolean> {
  const at = context.clock().toISOString()
  try {
    return await context.store.transact(async (unit) => {
      const row = await unit.of(seen.owner as LaneName['authority'], 'Subscription').find(seen.id)
      if (row?.resource === undefined || row.deleted || row.version !== seen.version) return false
      const { error: _, ...kept } = row.resource
      const resource: Subscription = {
        ...kept,
        status: change.status,
        ...(change.error === undefined ? {} : { error: change.error }),
      }
      const index = { ...row.index, status: change.status }
      await unit.put({ ...row, version: row.version + 1, lastUpdated: at, method: 'PUT', resource, index })
      if (change.alert !== undefined) await unit.appendAudit(change.alert)
      return true
    })
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'conflict') return false
    throw error
  }
}
