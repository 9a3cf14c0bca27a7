/** An authority's own Organization and its Subscriptions as they would be (R10; delivery.md "Subscription"). */
import type { Subscription } from '@medplum/fhirtypes'
import { restoreHeaders } from '../../domain/subscription-header.ts'
import { isSameContent } from '../../domain/upload/same-content.ts'
import { issue } from '../../fhir/outcome.ts'
import type { OwnedType, Row, RowIndex } from '../../store/store.ts'
import type { Draft } from './change.ts'
import { nextVersion, say, setPending, type Target, type Workspace } from './workspace.ts'

type OrganizationDraft = Extract<Draft, { kind: 'Organization' }>
type SubscriptionDraft = Extract<Draft, { kind: 'Subscription' }>

/** The LA's own Organization: updated, never made or removed. What it is known by cannot change. */
export async function decideOrganization(work: Workspace, target: Target, draft: OrganizationDraft): Promise<void> {
  const before = target.before as Row<'Organization'> | undefined
  if (before === undefined) return say(work, target.change, issue('METHOD_NOT_ALLOWED'))
  if (before.resource !== undefined && isSameContent(before.resource, draft.resource)) return keep(work, before)
  const index: RowIndex = { ...before.index, name: draft.name, identifiers: draft.identifiers }
  change(
    work,
    target,
    nextVersion<'Organization'>(work, {
      type: 'Organization',
      id: before.id,
      method: 'PUT',
      before,
      resource: draft.resource,
      index,
    }),
  )
}

/** A Subscription: masked headers are restored from what is stored. `requested` from any state asks for a new handshake. */
export async function decideSubscription(work: Workspace, target: Target, draft: SubscriptionDraft): Promise<void> {
  const before = target.before as Row<'Subscription'> | undefined
  const restored = restoreHeaders(draft.resource, before?.resource)
  if (restored.issues.length > 0) return say(work, target.change, ...restored.issues)
  const { id: _id, meta: _meta, error: _error, ...resource } = restored.subscription
  if (before?.resource !== undefined && isSameSubscription(before.resource, resource)) return keep(work, before)
  const { index } = draft
  const method = before === undefined ? 'POST' : 'PUT'
  change(
    work,
    target,
    nextVersion<'Subscription'>(work, { type: 'Subscription', id: target.id, method, before, resource, index }),
  )
}

/** Setting `requested` from another state always counts: it asks for a handshake and makes what waits due at once. */
function isSameSubscription(stored: Subscription, sent: Subscription): boolean {
  return stored.status === sent.status && isSameContent(stored, sent)
}

function keep(work: Workspace, before: Row<OwnedType>): void {
  setPending(work, { before, after: before, rewritten: false })
}

function change(work: Workspace, target: Target, after: Row<OwnedType>): void {
  setPending(work, { ...(target.before === undefined ? {} : { before: target.before }), after, rewritten: true })
}
