/** What a Subscription asks for (delivery.md "Subscription"; Subscriptions R5 Backport 1.1.0, profile backport-subscription for R4). */
import type { Extension, Subscription } from '@medplum/fhirtypes'
import { canonical } from '../fhir/canonicals.ts'
import { type Issue, isError, issue } from '../fhir/outcome.ts'
import type { AuthorityCode } from './brands.ts'
import { checkEndpoint, type EndpointFacts } from './endpoint.ts'
import type { RegisterEvent, Topic } from './events.ts'
import { checkMailbox } from './mailbox.ts'
import {
  BACKPORT_EXTENSION,
  checkChannel,
  checkMailChannel,
  DEFAULT_TIMEOUT_SECONDS,
  listOf,
  MOST_EVENTS_PER_BUNDLE,
  type PayloadContent,
  readContent,
  readNumbers,
  refuse,
} from './subscription-channel.ts'
import { matchesFilter, parseFilter, type SubscriptionFilter, TOPIC_FILTERS } from './subscription-filter.ts'
import { checkHeaders, type Header, parseHeader } from './subscription-header.ts'

export interface SubscriptionFacts extends EndpointFacts {
  /** The token's authority: whose Subscription it is. */
  readonly authority: AuthorityCode
  /** Mailboxes and domains it may name; absent where no mail is sent at all. */
  readonly allowedMailboxes?: readonly string[]
}

/** A Subscription understood. */
export interface SubscriptionDraft {
  readonly topic: Topic
  /** Canonical of the topic, as criteria holds it. */
  readonly criteria: string
  readonly status: Subscription['status']
  readonly filters: readonly SubscriptionFilter[]
  readonly channel: 'rest-hook' | 'email'
  readonly endpoint: string
  readonly headers: readonly Header[]
  /** Sent back exactly as Content-Type. */
  readonly contentType: string
  readonly content: PayloadContent
  readonly timeoutSeconds: number
  readonly heartbeatSeconds?: number
  /** Most events in one bundle. */
  readonly maxCount: number
  /** By mail: how long one gathers events, from the first of them. */
  readonly digestMinutes?: number
  /** Instant in UTC with milliseconds, so that ends compare as text. */
  readonly end?: string
}

/** A Subscription as sent by its owner: every fault at its place, and the draft when there is none. Status is the owner's wish: requested or off. Pure. */
export function parseSubscription(
  sent: Subscription,
  facts: SubscriptionFacts,
): { readonly issues: readonly Issue[]; readonly draft?: SubscriptionDraft } {
  const { issues, draft } = readSubscription(sent)
  const all = [...issues, ...checkStatus(sent), ...checkChannelEndpoint(sent, facts)]
  return all.some(isError) || draft === undefined ? { issues: all } : { issues: all, draft }
}

/** A stored Subscription, whatever its status, understood; undefined when it cannot be. Pure. */
export function parseStoredSubscription(stored: Subscription): SubscriptionDraft | undefined {
  return readSubscription(stored).draft
}

/** Whether a Subscription of the event's authority wants the event. Pure. */
export function matchesFilters(draft: Pick<SubscriptionDraft, 'topic' | 'filters'>, event: RegisterEvent): boolean {
  return draft.topic === event.topic && draft.filters.every((filter) => matchesFilter(filter, event))
}

/** The facts by which the row of a Subscription is found. Pure. */
export function buildSubscriptionIndex(draft: SubscriptionDraft): {
  readonly identifiers: readonly []
  readonly unique: readonly []
  readonly status: string
  readonly topic: string
  readonly url: string
  readonly end?: string
} {
  const { status, criteria, endpoint, end } = draft
  return { identifiers: [], unique: [], status, topic: criteria, url: endpoint, ...(end === undefined ? {} : { end }) }
}

/** Topic of one of our canonicals; undefined for any other URL. Pure. */
export function topicOf(criteria: string): Topic | undefined {
  return (Object.keys(TOPIC_FILTERS) as Topic[]).find((topic) => canonical('SubscriptionTopic', topic) === criteria)
}

/** JSON siblings of primitives, which the types of R4 leave out. */
interface Siblings {
  readonly _criteria?: { readonly extension?: readonly Extension[] }
  readonly channel?: { readonly _payload?: { readonly extension?: readonly Extension[] } }
}

function readSubscription(resource: Subscription): {
  readonly issues: readonly Issue[]
  readonly draft?: SubscriptionDraft
} {
  const siblings = resource as Siblings
  const channel = resource.channel
  const topic = topicOf(resource.criteria)
  const filters = readFilters(listOf(siblings._criteria?.extension), topic)
  const content = readContent(listOf(siblings.channel?._payload?.extension))
  const numbers = readNumbers(listOf(channel?.extension))
  const header = listOf(channel?.header)
  const issues = [
    ...(topic === undefined ? [refuse('criteria', 'The criteria must be the canonical of a topic of ours.')] : []),
    ...filters.issues,
    ...checkReason(resource),
    ...checkEnd(resource),
    ...(channel?.type === 'email'
      ? checkMailChannel(resource, numbers, content.content)
      : checkChannel(resource, numbers)),
    ...content.issues,
    ...numbers.issues,
    ...checkHeaders(header),
  ]
  if (topic === undefined || content.content === undefined || issues.some(isError)) return { issues }
  const draft: SubscriptionDraft = {
    topic,
    criteria: resource.criteria,
    status: resource.status,
    filters: filters.filters,
    channel: channel.type === 'email' ? 'email' : 'rest-hook',
    endpoint: channel.endpoint ?? '',
    headers: header.flatMap((line) => parseHeader(line) ?? []),
    contentType: channel.payload ?? '',
    content: content.content,
    timeoutSeconds: numbers.timeout ?? DEFAULT_TIMEOUT_SECONDS,
    // A digest takes all that it can, unless told
    maxCount: Math.min(
      numbers.maxCount ?? (numbers.digest === undefined ? 1 : Number.MAX_SAFE_INTEGER),
      MOST_EVENTS_PER_BUNDLE,
    ),
    ...(numbers.digest === undefined ? {} : { digestMinutes: numbers.digest }),
    ...(numbers.heartbeat === undefined ? {} : { heartbeatSeconds: numbers.heartbeat }),
    ...(resource.end === undefined ? {} : { end: new Date(resource.end).toISOString() }),
  }
  return { issues, draft }
}

function textOf(sent: unknown): string | undefined {
  return typeof sent === 'string' ? sent : undefined
}

function readFilters(
  extensions: readonly Extension[],
  topic: Topic | undefined,
): { readonly issues: readonly Issue[]; readonly filters: readonly SubscriptionFilter[] } {
  const issues: Issue[] = []
  const filters: SubscriptionFilter[] = []
  for (const [index, extension] of extensions.entries()) {
    const place = `criteria.extension[${index}]`
    const text = extension.url === BACKPORT_EXTENSION.filter ? textOf(extension.valueString) : undefined
    const filter = topic === undefined || text === undefined ? undefined : parseFilter(text, topic)
    if (filter !== undefined) filters.push(filter)
    else if (text === undefined)
      issues.push(refuse(place, 'Only backport-filter-criteria with a valueString stands here.'))
    else if (topic !== undefined) issues.push(refuse(place, filterHelp(topic)))
  }
  return { issues, filters }
}

function filterHelp(topic: Topic): string {
  const names = TOPIC_FILTERS[topic]
  return names.length === 0
    ? 'This topic takes no filters.'
    : `A filter of this topic is name=value, of ${names.join(', ')}; the last takes ge and a number.`
}

function checkReason(resource: Subscription): readonly Issue[] {
  const said = typeof resource.reason === 'string' && resource.reason.trim() !== ''
  return said ? [] : [refuse('reason', 'A reason is needed: say in words what the Subscription is for.')]
}

function checkEnd(resource: Subscription): readonly Issue[] {
  if (resource.end === undefined) return []
  const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/
  const fits = instant.test(resource.end) && !Number.isNaN(Date.parse(resource.end))
  return fits ? [] : [refuse('end', 'The end must be an instant with its zone.')]
}

function checkStatus(sent: Subscription): readonly Issue[] {
  const fits = sent.status === 'requested' || sent.status === 'off'
  return fits ? [] : [refuse('status', 'Send requested or off: the register sets active and error itself.')]
}

function checkChannelEndpoint(sent: Subscription, facts: SubscriptionFacts): readonly Issue[] {
  if (typeof sent.channel?.endpoint !== 'string') return []
  if (sent.channel.type === 'email') return checkMailEndpoint(sent.channel.endpoint, facts)
  const fault = checkEndpoint(sent.channel.endpoint, facts)
  if (fault === undefined) return []
  return fault === 'malformed'
    ? [refuse('channel.endpoint', 'The endpoint must be an https URL without user, password or fragment.')]
    : [issue('ENDPOINT_NOT_ALLOWED', 'Subscription.channel.endpoint')]
}

function checkMailEndpoint(endpoint: string, { mode, allowedMailboxes }: SubscriptionFacts): readonly Issue[] {
  if (allowedMailboxes === undefined) return [refuse('channel.type', 'No mail is sent here: ask for a rest-hook.')]
  const fault = checkMailbox(endpoint, { mode, allowedMailboxes })
  if (fault === undefined) return []
  return fault === 'malformed'
    ? [refuse('channel.endpoint', 'The endpoint of a mail is mailto: and one plain address, without query or name.')]
    : [issue('ENDPOINT_NOT_ALLOWED', 'Subscription.channel.endpoint')]
}
