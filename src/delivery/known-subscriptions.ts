/** Subscriptions as understood, kept by their version: each use asks only which version is current, and reads and parses what has changed (delivery.md "From check to endpoint", steps 2 and 3). */
import type { Subscription } from '@medplum/fhirtypes'
import type { AuthorityCode } from '../domain/brands.ts'
import { parseStoredSubscription, type SubscriptionDraft } from '../domain/subscription.ts'
import type { DeliveryStore, LaneName } from '../store/delivery-store.ts'
import type { Row } from '../store/store.ts'
import { type DeliveryContext, findSubscription } from './subscription-status.ts'

export interface KnownSubscription {
  readonly row: Row<'Subscription'>
  readonly resource: Subscription
  readonly draft: SubscriptionDraft
}

/** Never older than the call: a change committed before it is seen. */
export interface KnownSubscriptions {
  /** Undefined when it is unknown or deleted. Database I/O. */
  find(name: LaneName): Promise<KnownSubscription | undefined>
  /** Those requested, active or in error of these authorities. Database I/O. */
  live(authorities: readonly AuthorityCode[]): Promise<readonly KnownSubscription[]>
}

/** Past so many all are forgotten and read again: there are a few for each authority. */
const MOST_KEPT = 5_000

/** Empty at first. */
export function buildKnownSubscriptions(
  context: Pick<DeliveryContext, 'store'>,
  deliveries: Pick<DeliveryStore, 'subscriptionVersion' | 'liveSubscriptions'>,
): KnownSubscriptions {
  const kept = new Map<string, KnownSubscription>()

  async function findAt(name: LaneName, version: number): Promise<KnownSubscription | undefined> {
    const known = kept.get(name.id)
    if (known !== undefined && known.row.version >= version) return known
    const row = await findSubscription(context, name)
    if (row === undefined) return undefined
    const draft = parseStoredSubscription(row.resource)
    // What was taken once can always be read again; were it not so, the event must wait and be seen, not vanish.
    if (draft === undefined) throw new Error('A stored Subscription cannot be understood.')
    const read = { row, resource: row.resource, draft }
    if (kept.size >= MOST_KEPT) kept.clear()
    kept.set(name.id, read)
    return read
  }

  return {
    async find(name) {
      const version = await deliveries.subscriptionVersion(name.id)
      if (version !== undefined) return findAt(name, version)
      kept.delete(name.id)
      return undefined
    },
    async live(authorities) {
      const found: KnownSubscription[] = []
      for (const { version, ...name } of await deliveries.liveSubscriptions(authorities)) {
        const known = await findAt(name, version)
        if (known !== undefined) found.push(known)
      }
      return found
    },
  }
}
