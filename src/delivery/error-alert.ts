/** What the administrator is told when a Subscription goes into status error: an authority is not told of its children any more (delivery.md "Subscription"; security.md "Audit"). */
import type { AuditRecord } from '../domain/audit-record.ts'
import type { AuthorityCode } from '../domain/brands.ts'
import type { Row } from '../store/store.ts'

/** Code of CodeSystem cpis-audit-subtype, and label of the metric. */
export const SUBSCRIPTION_ERROR = 'subscription-error'

/** The AuditEvent of the server's own: which Subscription, in the version that went into error; no address, nothing of an event. Pure. */
export function buildErrorAlert(
  { id, version, owner }: Pick<Row<'Subscription'>, 'id' | 'version'> & { readonly owner: AuthorityCode },
  facts: { readonly auditId: string; readonly at: Date },
): AuditRecord {
  return {
    id: facts.auditId,
    recorded: facts.at.toISOString(),
    interaction: 'operation',
    operation: SUBSCRIPTION_ERROR,
    action: 'E',
    outcome: '8',
    status: 200,
    codes: [],
    route: 'Subscription/[id]',
    requestId: facts.auditId,
    caller: { kind: 'server', clientId: '', tokenId: '' },
    entities: [{ type: 'Subscription', id, version, owner }],
    authorities: [],
  }
}
