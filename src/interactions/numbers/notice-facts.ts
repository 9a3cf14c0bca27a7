/** What the stories of `$number-changed` and `$birth-notified` share: facts of the request, and what their audit records name. */
import type { Context } from '../../context.ts'
import type { AuditRecord } from '../../domain/audit-record.ts'
import type { NumberRange } from '../../domain/nhs-number.ts'
import type { Row } from '../../store/store.ts'
import type { FhirRequest } from '../interaction.ts'
import type { NoticeFacts } from './refresh-plans.ts'

/** Which numbers this deployment takes (R1). Pure. */
export function numberRange(context: Pick<Context, 'config'>): NumberRange {
  return context.config.mode === 'sandbox' ? 'test' : 'real'
}

/** When the notice came; ids are of this notice alone, by that of its audit record. Pure. */
export function noticeFacts(
  request: Pick<FhirRequest, 'at' | 'today'>,
  auditId: string,
  context: Pick<Context, 'store'>,
): NoticeFacts {
  const { at, today } = request
  return { at, today, keyedId: (parts) => context.store.keyedId([auditId, ...parts]) }
}

/** The plans whose authorities were told, or whose facts changed; each once. No numbers. Pure. */
export function touchedEntities(plans: readonly Row<'EpisodeOfCare'>[]): AuditRecord['entities'] {
  const byId = new Map(plans.map((plan) => [plan.id, plan]))
  return [...byId.values()].map(({ type, id, version, owner }) => ({
    type,
    id,
    version,
    ...(owner === 'directory' ? {} : { owner }),
  }))
}
