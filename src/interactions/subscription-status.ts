/** `Subscription/[id]/$status` and `Subscription/$status` (Subscriptions R5 Backport 1.1.0; delivery.md "Recovery"): how the authority's Subscriptions stand and how many events they have. */
import type { Bundle, BundleEntry } from '@medplum/fhirtypes'
import type { AuthorityCaller, Caller } from '../auth/caller.ts'
import type { Context } from '../context.ts'
import { buildStatus } from '../domain/notification.ts'
import type { ParameterSpec } from '../fhir/parameters.ts'
import type { Row } from '../store/store.ts'
import { fhirBase } from './fhir-base.ts'
import type { FhirRequest, Handler } from './interaction.ts'
import { requireAuthority, rowsFor } from './owned-rows.ts'
import { parseOperationInput, wrongInput } from './subscription/operation-input.ts'
import { draftOf, getOwnSubscription, statusFacts } from './subscription/own-subscription.ts'

const INPUTS = {
  id: { type: 'valueId', min: 0, max: '*' },
  status: { type: 'valueCode', min: 0, max: '*' },
} as const satisfies ParameterSpec
const STATUSES: readonly string[] = ['requested', 'active', 'error', 'off']
/** Rows of one read. */
const PAGE = 200

type Wish = { readonly ids: readonly string[]; readonly statuses: readonly string[] }

/** Answers a searchset of status Parameters, own Subscriptions only. Of one Subscription, id and status are taken and say nothing, as the guide has it. */
export const handleSubscriptionStatus: Handler = async (request, caller, context) => {
  const wish = parseWish(request)
  const rows =
    request.id === undefined
      ? await findOwn(context, requireAuthority(caller), wish)
      : [await getOwnRow(request, caller, context)]
  const numbers = await context.deliveries.lastNumbers(rows.map(({ id }) => id))
  const entry = rows.map((row) => entryOf(row, { context, eventsSinceStart: numbers.get(row.id) ?? 0 }))
  const resource: Bundle = {
    resourceType: 'Bundle',
    type: 'searchset',
    timestamp: request.at.toISOString(),
    total: entry.length,
    link: [{ relation: 'self', url: selfUrl(request, wish, context) }],
    ...(entry.length === 0 ? {} : { entry }),
  }
  const entities = rows.map(({ id, version }) => ({ type: 'Subscription', id, version }))
  return { status: 200, resource, audit: { entities } }
}

function parseWish(request: FhirRequest): Wish {
  const { values, placeOf } = parseOperationInput(request, INPUTS)
  if (values.status.some((one) => !STATUSES.includes(one)))
    throw wrongInput(placeOf('status'), `status must be one of ${STATUSES.join(', ')}.`)
  return { ids: values.id, statuses: values.status }
}

async function getOwnRow(
  request: FhirRequest,
  caller: Caller | undefined,
  context: Context,
): Promise<Row<'Subscription'>> {
  return (await getOwnSubscription(request, caller, context)).row
}

async function findOwn(
  context: Context,
  caller: AuthorityCaller,
  { ids, statuses }: Wish,
): Promise<readonly Row<'Subscription'>[]> {
  const own = rowsFor(context.store.read, caller, 'Subscription')
  const criteria = statuses.length === 0 ? [] : [{ field: 'status', anyOf: statuses } as const]
  const found: Row<'Subscription'>[] = []
  for (let last: Row<'Subscription'> | undefined; ; ) {
    const after = last === undefined ? {} : { after: [last.id, last.id] as const }
    const page = await own.search({ criteria, sort: { field: 'id', descending: false }, limit: PAGE, ...after })
    found.push(...page)
    last = page.at(-1)
    if (page.length < PAGE) return ids.length === 0 ? found : found.filter(({ id }) => ids.includes(id))
  }
}

function entryOf(
  { id, resource }: Row<'Subscription'>,
  { context, eventsSinceStart }: { readonly context: Context; readonly eventsSinceStart: number },
): BundleEntry {
  if (resource === undefined) throw new Error('A row that lives has its resource.')
  const status = buildStatus({
    id: context.newId(),
    base: fhirBase(context),
    type: 'query-status',
    ...statusFacts(id, resource, draftOf(resource)),
    eventsSinceStart,
    events: [],
  })
  return { fullUrl: `urn:uuid:${status.id}`, resource: status, search: { mode: 'match' } }
}

function selfUrl({ id }: FhirRequest, { ids, statuses }: Wish, context: Context): string {
  const url = `${fhirBase(context)}/Subscription/${id === undefined ? '' : `${id}/`}$status`
  const query = [...ids.map((one) => `id=${one}`), ...statuses.map((one) => `status=${one}`)].join('&')
  return query === '' || id !== undefined ? url : `${url}?${query}`
}
