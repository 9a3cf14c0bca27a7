/** Which Subscriptions get which event: those of the event's authority that are requested, active or in error and whose topic and filters fit (delivery.md step 2). */
import type { AuthorityCode, ResourceId } from '../domain/brands.ts'
import type { RegisterEvent } from '../domain/events.ts'
import { matchesFilters, parseStoredSubscription, type SubscriptionDraft } from '../domain/subscription.ts'
import type { Routing } from '../store/delivery-store.ts'
import type { DeliveryContext } from './subscription-status.ts'

interface Candidate {
  readonly id: ResourceId
  readonly draft: SubscriptionDraft
}

const LIVE = ['requested', 'active', 'error']
const PAGE = 200

/** Routes events in the order given. The Subscriptions are read after the events, so none that was there when an event was committed is missed. Database I/O. */
export async function routeEvents(
  context: DeliveryContext,
  events: readonly RegisterEvent[],
): Promise<readonly Routing[]> {
  const candidates = new Map<AuthorityCode, readonly Candidate[]>()
  for (const { authority } of events) {
    if (!candidates.has(authority)) candidates.set(authority, await findCandidates(context, authority))
  }
  return events.map((event) => {
    const fitting = (candidates.get(event.authority) ?? []).filter(({ draft }) => matchesFilters(draft, event))
    return { event, subscriptions: fitting.map(({ id }) => id) }
  })
}

async function findCandidates(context: DeliveryContext, authority: AuthorityCode): Promise<readonly Candidate[]> {
  const rows = context.store.read.of(authority, 'Subscription')
  const found: Candidate[] = []
  let after: readonly [string, string] | undefined
  for (;;) {
    const page = await rows.search({
      criteria: [{ field: 'status', anyOf: LIVE }],
      sort: { field: 'id', descending: false },
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    })
    for (const { id, resource } of page) {
      const draft = resource === undefined ? undefined : parseStoredSubscription(resource)
      // What was taken once can always be read again; were it not so, the event must wait and be seen, not vanish.
      if (draft === undefined) throw new Error('A stored Subscription cannot be understood.')
      found.push({ id, draft })
    }
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return found
    after = [last.id, last.id]
  }
}
