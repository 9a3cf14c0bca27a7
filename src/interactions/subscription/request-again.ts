/** Sets a Subscription that is in error to requested, as its owner would: a good handshake, and what waits follows in order (delivery.md "Subscription"). */
import type { Context } from '../../context.ts'
import type { AuthorityCode } from '../../domain/brands.ts'
import { type Row, StoreError } from '../../store/store.ts'

/** False, and nothing written, when it is not in error any more or was changed meanwhile. Database I/O. */
export async function requestAgain(context: Context, seen: Row<'Subscription'>): Promise<boolean> {
  const lastUpdated = context.clock().toISOString()
  try {
    return await context.store.transact(async (unit) => {
      const row = await unit.of(seen.owner as AuthorityCode, 'Subscription').find(seen.id)
      if (row?.resource === undefined || row.deleted || row.resource.status !== 'error') return false
      const { error: _, ...kept } = row.resource
      const resource = { ...kept, status: 'requested' } as const
      const index = { ...row.index, status: 'requested' }
      await unit.put({ ...row, version: row.version + 1, lastUpdated, method: 'PUT', resource, index })
      return true
    })
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'conflict') return false
    throw error
  }
}
