/** Events that never came, asked for by their numbers (delivery.md "Recovery"; Backport $events). */
import { type NotificationEvent, parseNotification, relativeReference } from './notification.ts'
import { sendFhir } from './server-client.ts'

export interface Gap {
  readonly from: number
  readonly to: number
  /** Reference of the Subscription as its notification had it. */
  readonly subscription: string | undefined
}

/** The events of a gap in their order, page by page; fewer than asked for when the server has no more of them. Throws CliError when it refuses. */
export async function recoverEvents(
  gap: Gap,
  sources: { readonly origin: string; readonly token: () => Promise<string> },
): Promise<readonly NotificationEvent[]> {
  const subscription = relativeReference(gap.subscription ?? '')
  if (subscription === undefined) return []
  const found: NotificationEvent[] = []
  for (let since = gap.from; since <= gap.to; ) {
    const path = `/${subscription}/$events?eventsSinceNumber=${since}&eventsUntilNumber=${gap.to}`
    const answer = await sendFhir(sources.origin, { method: 'GET', path, token: await sources.token() })
    const { events } = parseNotification(answer.body)
    const last = events.at(-1)
    if (last === undefined) break
    found.push(...events)
    since = last.number + 1
  }
  return found
}
