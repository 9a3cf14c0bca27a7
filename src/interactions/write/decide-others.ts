/** An authority's own Organization and its Subscriptions as they would be (R10; delivery.md "Subscription"). */
import type { Subscription } from '@medplum/fhirtypes'
import { parseSubscription } from '../../domain/subscription.ts'
import { restoreHeaders } from '../../domain/subscription-header.ts'
import { isSameContent } from '../../domain/upload/same-content.ts'
import { isError, issue } from '../../fhir/outcome.ts'
import type { OwnedType, Row, RowIndex } from '../../store/store.ts'
import type { Draft } from './change.ts'
import { nextVersion, say, setPending, type Target, type Workspace } from './workspace.ts'

type OrganizationDraft = Extract<Draft, { kind: 'Organization' }>

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

/** A Subscription: masked headers restored from what is stored, then judged whole. `requested` from any state asks for a new handshake. */
export async function decideSubscription(work: Workspace, target: Target, sent: Subscription): Promise<void> {
  const before = target.before as Row<'Subscription'> | undefined
  const restored = restoreHeaders(sent, before?.resource)
  const facts = { authority: work.facts.owner, mode: work.facts.mode, allowedHosts: work.facts.allowedHosts }
  const parsed = parseSubscription(restored.subscription, facts)
  say(work, target.change, ...restored.issues, ...parsed.issues)
  if (parsed.draft === undefined || restored.issues.some(isError)) return
  const { id: _id, meta: _meta, error: _error, ...resource } = restored.subscription
  if (before?.resource !== undefined && isSameSubscription(before.resource, resource)) return keep(work, before)
  const index: RowIndex = {
    identifiers: [],
    unique: [],
    status: resource.status,
    topic: resource.criteria,
    url: parsed.draft.endpoint,
  }
  const method = before === undefined ? 'POST' : 'PUT'
  change(
    work,
    target,
    nextVersion<'Subscription'>(work, { type: 'Subscription', id: target.id, method, before, resource, index }),
  )
}

/** `requested` for one that is active already with the same content changes nothing: the lane goes on. */
function isSameSubscription(stored: Subscription, sent: Subscription): boolean {
  if (!isSameContent(stored, sent)) return false
  return stored.status === sent.status || (stored.status === 'active' && sent.status === 'requested')
}

function keep(work: Workspace, before: Row<OwnedType>): void {
  setPending(work, { before, after: before, rewritten: false })
}

function change(work: Workspace, target: Target, after: Row<OwnedType>): void {
  setPending(work, { ...(target.before === undefined ? {} : { before: target.before }), after, rewritten: true })
}
