/** The audit record of a check (security.md "Audit"): compact, with the plans disclosed at their versions. */
import type { Access } from '../../domain/access-history.ts'
import type { AuditRecord } from '../../domain/audit-record.ts'
import type { FoundPlan } from '../../domain/visibility.ts'
import { auditRecord, checkPurpose } from '../build-audit-record.ts'
import type { Check } from '../cpis-check.ts'

export interface Disclosed {
  readonly plans: readonly FoundPlan[]
  /** For a hit from an unscheduled setting: the authorities may read this record. */
  readonly access?: Access
}

/** The record. Pure. */
export function checkRecord(check: Check, { plans, access }: Disclosed): AuditRecord {
  const { asked, request, caller, context, auditId, bodyHash } = check
  return auditRecord(request, caller, {
    id: auditId,
    status: 200,
    audit: {
      ...checkPurpose(request, context.purposeOfEvent),
      nhsNumber: asked.nhsNumber,
      setting: asked.setting.code,
      ...(asked.site === undefined ? {} : { site: asked.site }),
      entities: plans.map(shownPlan),
      authorities: access?.authorities ?? [],
      ...(access === undefined ? {} : { incident: access.incident }),
      bodyHash,
    },
  })
}

/** What rebuilds it later: the version says what was in it, `via` whose number it is shown under. */
function shownPlan({ id, version, owner, via }: FoundPlan): AuditRecord['entities'][number] {
  return { type: 'EpisodeOfCare', id, version, owner, ...(via === 'own' ? {} : { via }) }
}
