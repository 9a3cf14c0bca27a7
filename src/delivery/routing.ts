/** Which Subscriptions get which event: those of the event's authority that are requested, active or in error and whose topic and filters fit (delivery.md step 2). */
import type { RegisterEvent } from '../domain/events.ts'
import { matchesFilters } from '../domain/subscription.ts'
import type { Routing } from '../store/delivery-store.ts'
import type { KnownSubscription, KnownSubscriptions } from './known-subscriptions.ts'

/** Routes events in the order given. The Subscriptions are read after the events, so none that was there when an event was committed is missed. Database I/O. */
export async function routeEvents(
  subscriptions: Pick<KnownSubscriptions, 'live'>,
  events: readonly RegisterEvent[],
): Promise<readonly Routing[]> {
  const live = await subscriptions.live([...new Set(events.map(({ authority }) => authority))])
  const candidates = Map.groupBy(live, ({ row }) => row.owner)
  return events.map((event) => {
    const fitting = (candidates.get(event.authority) ?? []).filter(({ draft }) => matchesFilters(draft, event))
    return { event, subscriptions: fitting.map(nameOf) }
  })
}

function nameOf({ row }: KnownSubscription): Routing['subscriptions'][number] {
  return row.id
}
