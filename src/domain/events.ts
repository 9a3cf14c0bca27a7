/** Events to authorities (R17 to R25; delivery.md "Topics"): facts only. */
import type { AuthorityCode, PlanType, ResourceId } from './brands.ts'

export type Topic = 'child-checked' | 'incident-opened' | 'nhs-number-superseded' | 'nhs-number-missing' | 'baby-born'

export interface RegisterEvent {
  readonly id: string
  /** Instant, ISO 8601 UTC. */
  readonly at: string
  readonly topic: Topic
  readonly authority: AuthorityCode
  /** Visible plans of that authority; never empty (R25). */
  readonly plans: readonly { readonly id: ResourceId; readonly version: number; readonly type: PlanType }[]
  /** Whether any of them is open (R20). */
  readonly caseStatus: 'open' | 'closed'
  readonly setting?: string
  readonly incident?: { readonly id: string; readonly leg: number; readonly inSixMonths: number }
  /** AuditEvent of the access, for child-checked and incident-opened. */
  readonly auditId?: string
}
