/** `Subscription/[id]/$events` (Subscriptions R5 Backport 1.1.0; delivery.md "Recovery"): events by their numbers, delivered or not, in the shape of notifications. */
import type { Bundle, BundleLink, Resource } from '@medplum/fhirtypes'
import { decideAccess } from '../auth/policy.ts'
import type { Context } from '../context.ts'
import { buildNotification, describeEvent, type NotifiedEvent, targetsOf } from '../domain/notification.ts'
import { PAYLOAD_CONTENTS, type PayloadContent } from '../domain/subscription-channel.ts'
import { fhirError } from '../fhir/fhir-error.ts'
import type { ParameterSpec } from '../fhir/parameters.ts'
import type { NumberRange } from '../store/delivery-store.ts'
import { fhirBase } from './fhir-base.ts'
import type { FhirRequest, FhirResponse, Handler } from './interaction.ts'
import { readForAuthority } from './read-for-authority.ts'
import { earliestEvent, NUMBER_INPUTS, parseNumberRange } from './subscription/number-range.ts'
import { parseOperationInput, wrongInput } from './subscription/operation-input.ts'
import { getOwnSubscription, type OwnSubscription, statusFacts } from './subscription/own-subscription.ts'

const INPUTS = { ...NUMBER_INPUTS, content: { type: 'valueCode', min: 0, max: 1 } } as const satisfies ParameterSpec
/** Most events of one answer; the next link, or the next numbers, bring more. */
export const MOST_EVENTS = 100
/** What full-resource shows must be readable with the token by itself. */
const SHOWN_TYPES = ['AuditEvent', 'EpisodeOfCare'] as const

interface Wish {
  readonly range: NumberRange
  readonly content?: PayloadContent
}

/** Answers a history Bundle of type query-event with the oldest events asked for; nothing is changed by it. */
export const handleSubscriptionEvents: Handler = async (request, caller, context) => {
  const wish = parseWish(request)
  const own = await getOwnSubscription(request, caller, context)
  const content = wish.content ?? own.draft.content
  if (content === 'full-resource') requireReading(own)
  return await answerEvents(request, { own, wish, content, context })
}

function parseWish(request: FhirRequest): Wish {
  const input = parseOperationInput(request, INPUTS)
  const range = parseNumberRange(input)
  if (input.values.content === undefined) return { range }
  const content = PAYLOAD_CONTENTS.find((one) => one === input.values.content)
  if (content === undefined)
    throw wrongInput(input.placeOf('content'), `content must be one of ${PAYLOAD_CONTENTS.join(', ')}.`)
  return { range, content }
}

function requireReading({ caller }: OwnSubscription): void {
  const mayRead = SHOWN_TYPES.every((type) => decideAccess(caller, { interaction: 'read', type }).allowed)
  if (mayRead) return
  throw fhirError('NOT_PERMITTED', undefined, `full-resource needs scopes to read ${SHOWN_TYPES.join(' and ')}.`)
}

interface Asked {
  readonly own: OwnSubscription
  readonly wish: Wish
  readonly content: PayloadContent
  readonly context: Context
}

async function answerEvents(request: FhirRequest, asked: Asked): Promise<FhirResponse> {
  const { own, wish, content, context } = asked
  const { id } = own.row
  const page = { ...wish.range, since: earliestEvent(request.at), limit: MOST_EVENTS + 1 }
  const found = await context.deliveries.numbered(id, page)
  const numbers = await context.deliveries.lastNumbers([id])
  const events = found.slice(0, MOST_EVENTS).map(({ number, event }) => describeEvent(number, event))
  const resources = content === 'full-resource' ? await readShown(asked, events) : new Map<string, Resource>()
  const { subscription, ...error } = statusFacts(id, own.resource, own.draft)
  const {
    resourceType,
    id: bundleId,
    meta,
    type,
    ...rest
  } = buildNotification({
    id: context.newId(),
    bundleId: context.newId(),
    base: fhirBase(context),
    type: 'query-event',
    at: request.at.toISOString(),
    subscription: { ...subscription, content },
    ...error,
    eventsSinceStart: numbers.get(id) ?? 0,
    events,
    resources,
  })
  const link = buildLinks(id, { asked, next: found[MOST_EVENTS]?.number })
  const resource = { resourceType, id: bundleId, meta, type, link, ...rest } as Bundle
  return { status: 200, resource, audit: { entities: entitiesOf(own, resources) } }
}

async function readShown(
  { own, context }: Asked,
  events: readonly NotifiedEvent[],
): Promise<ReadonlyMap<string, Resource>> {
  const shown = new Map<string, Resource>()
  for (const reference of targetsOf(events)) {
    const resource = await readForAuthority(context, own.caller.authority, reference)
    if (resource !== undefined) shown.set(reference, resource)
  }
  return shown
}

function entitiesOf({ row }: OwnSubscription, resources: ReadonlyMap<string, Resource>) {
  const shown = [...resources.keys()].map((reference) => {
    const [type = '', id = ''] = reference.split('/')
    return { type, id }
  })
  return [{ type: 'Subscription', id: row.id, version: row.version }, ...shown]
}

function buildLinks(
  id: string,
  { asked, next }: { readonly asked: Asked; readonly next: number | undefined },
): BundleLink[] {
  const { wish, context } = asked
  const { from, through } = wish.range
  const urlFrom = (since: number): string => {
    const query = [
      ...(since === 1 ? [] : [`eventsSinceNumber=${since}`]),
      ...(through === Number.MAX_SAFE_INTEGER ? [] : [`eventsUntilNumber=${through}`]),
      ...(wish.content === undefined ? [] : [`content=${wish.content}`]),
    ].join('&')
    return `${fhirBase(context)}/Subscription/${id}/$events${query === '' ? '' : `?${query}`}`
  }
  return [
    { relation: 'self', url: urlFrom(from) },
    ...(next === undefined ? [] : [{ relation: 'next', url: urlFrom(next) }]),
  ]
}
