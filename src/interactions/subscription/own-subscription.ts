/** The Subscription that an operation is about, through its owner's door (delivery.md "Subscription": owner only). */
import type { Subscription } from '@medplum/fhirtypes'
import type { AuthorityCaller, Caller } from '../../auth/caller.ts'
import type { Context } from '../../context.ts'
import type { StatusFacts } from '../../domain/notification.ts'
import { parseStoredSubscription, type SubscriptionDraft } from '../../domain/subscription.ts'
import { fhirError } from '../../fhir/fhir-error.ts'
import type { Row } from '../../store/store.ts'
import type { FhirRequest } from '../interaction.ts'
import { parseId, requireAuthority, rowsFor } from '../owned-rows.ts'

export interface OwnSubscription {
  readonly row: Row<'Subscription'>
  readonly resource: Subscription
  readonly draft: SubscriptionDraft
  readonly caller: AuthorityCaller
}

/** Throws NOT_FOUND for what is unknown or another's (the same), GONE for what was deleted. One read. */
export async function getOwnSubscription(
  request: FhirRequest,
  caller: Caller | undefined,
  context: Context,
): Promise<OwnSubscription> {
  const own = requireAuthority(caller)
  const id = parseId(request.id)
  const row = id === undefined ? undefined : await rowsFor(context.store.read, own, 'Subscription').find(id)
  if (row === undefined) throw fhirError('NOT_FOUND')
  if (row.deleted || row.resource === undefined) throw fhirError('GONE')
  return { row, resource: row.resource, draft: draftOf(row.resource), caller: own }
}

/** What was taken once can always be read again; were it not so, nothing may be said of it. Pure. */
export function draftOf(resource: Subscription): SubscriptionDraft {
  const draft = parseStoredSubscription(resource)
  if (draft === undefined) throw new Error('A stored Subscription cannot be understood.')
  return draft
}

/** What status Parameters say of a Subscription. Pure. */
export function statusFacts(
  id: string,
  resource: Subscription,
  draft: SubscriptionDraft,
): Pick<StatusFacts, 'subscription' | 'error'> {
  const { criteria, content } = draft
  return {
    subscription: { id, criteria, content, status: resource.status },
    ...(resource.error === undefined ? {} : { error: resource.error }),
  }
}
