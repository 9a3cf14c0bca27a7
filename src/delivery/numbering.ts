/** Numbers what is new, while this process has the dispatcher's lease (delivery.md "From check to endpoint", step 2). */
import type { DeliveryStore, LaneName, Lease, Routing } from '../store/delivery-store.ts'
import type { KnownSubscriptions } from './known-subscriptions.ts'
import { routeEvents } from './routing.ts'
import type { DeliveryContext } from './subscription-status.ts'

const EVENTS_AT_ONCE = 200

export interface Numbering {
  /** Numbers until nothing is new, or another process has the lease. Database I/O. */
  run(): Promise<void>
  /** Resolves when the numbering of this lane's events that is under way has ended; undefined when none is. */
  underWay(id: string): Promise<void> | undefined
  /** The next run, or the one under way, takes the lease or prolongs it: to be said well within LEASE_MS. */
  prolong(): void
  /** Lets another process take the lease at once. */
  release(): Promise<void>
}

/**
 * `onNumbering` is told of the lanes that are getting events, a moment before they have them, so that they can be taken
 * meanwhile: what they have is read after `underWay`. While another process has the lease, only `prolong` makes a run ask for it
 * again. Between two prolongations the lease is taken to be held: whether it is, each write finds out by its fencing token.
 */
export function buildNumbering(
  context: Pick<DeliveryContext, 'newId' | 'metrics'>,
  { deliveries, subscriptions }: { readonly deliveries: DeliveryStore; readonly subscriptions: KnownSubscriptions },
  onNumbering: (names: readonly LaneName[]) => void,
): Numbering {
  const holder = context.newId()
  let lease: Lease | undefined
  let isDue = true
  let numbered: { readonly ids: ReadonlySet<string>; readonly ended: Promise<void> } | undefined

  /** False when nothing is new or the lease was lost. */
  async function numberSome(held: Lease): Promise<boolean> {
    const events = await deliveries.newEvents(EVENTS_AT_ONCE)
    if (events.length === 0) return false
    const routings = await routeEvents(subscriptions, events)
    const names = routings.flatMap(({ event, subscriptions: ids }) =>
      ids.map((id): LaneName => ({ id, authority: event.authority })),
    )
    const ended = Promise.withResolvers<void>()
    numbered = { ids: new Set(names.map(({ id }) => id)), ended: ended.promise }
    onNumbering(names)
    try {
      if (await deliveries.numberEvents(held, routings)) return countUnwanted(routings)
    } finally {
      numbered = undefined
      ended.resolve()
    }
    isDue = true
    return false
  }

  function countUnwanted(routings: readonly Routing[]): true {
    for (const { event, subscriptions: ids } of routings) {
      if (ids.length === 0) context.metrics.eventsUndeliverable.inc({ topic: event.topic })
    }
    return true
  }

  return {
    async run() {
      do {
        if (isDue) {
          isDue = false
          lease = await deliveries.takeDispatcher(holder)
        }
      } while (lease !== undefined && (await numberSome(lease)))
    },
    underWay: (id) => (numbered?.ids.has(id) ? numbered.ended : undefined),
    prolong() {
      isDue = true
    },
    async release() {
      if (lease !== undefined) await deliveries.releaseDispatcher(lease)
    },
  }
}
