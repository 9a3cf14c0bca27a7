/** The collaborators that every room is handed: nothing reaches for a clock, an id, the disk or the network by itself. */
import type { Logger } from 'pino'
import type { Auth } from './auth/auth.ts'
import type { CheckPolicy } from './auth/policy.ts'
import type { Config } from './config.ts'
import type { GuardedFetch } from './delivery/guarded-fetch.ts'
import type { SendMail } from './delivery/send-mail.ts'
import type { Purpose } from './domain/audit-record.ts'
import type { AuthorityCode } from './domain/brands.ts'
import type { Profiles } from './fhir/validate.ts'
import type { EnumerationWatch } from './interactions/check/enumeration-watch.ts'
import type { GrantBudget } from './interactions/grant-budget.ts'
import type { RefusalBudget } from './interactions/refusal-budget.ts'
import type { BundleTurns } from './interactions/transaction/bundle-turns.ts'
import type { WriteGroups } from './interactions/write/write-groups.ts'
import type { Keys } from './keys.ts'
import type { Metrics } from './metrics.ts'
import type { DeliveryStore } from './store/delivery-store.ts'
import type { SealStore } from './store/seal-store.ts'
import type { Store } from './store/store.ts'

/** The current instant. Sandbox clocks may run from another start (CPIS_SANDBOX_NOW). */
export type Clock = () => Date

/** Alerts by mail. */
export interface Mail {
  readonly send: SendMail
  /** Addresses and domains to which mail of this authority may go (CPIS_POLICY). */
  readonly allowedMailboxes: (authority: AuthorityCode) => readonly string[]
  /** Where desks look at their worklist (CPIS_MAIL_LINK). */
  readonly link?: string
}

export interface Context {
  /** With the origin callers use, once the port is bound. */
  readonly config: Config & { readonly baseUrl: string }
  readonly clock: Clock
  /** A new random UUID. */
  readonly newId: () => string
  readonly log: Logger
  readonly store: Store
  /** Events as numbered and sent: for what their owners and the administrator ask of them. */
  readonly deliveries: DeliveryStore
  /** Seals of the audit: published for all. */
  readonly seals: Pick<SealStore, 'head' | 'list'>
  /** As they are now: a rotation changes them while the server runs. */
  readonly keys: Keys
  readonly profiles: Profiles
  /** Clients, issuers and what is remembered of tokens; made by openAuth(config). */
  readonly auth: Auth
  /** The only way out to other hosts. */
  readonly fetch: GuardedFetch
  /** Hosts on which this authority's endpoints may be (CPIS_POLICY). */
  readonly allowedHosts: (authority: AuthorityCode) => readonly string[]
  /** Absent where no mail server is set (CPIS_SMTP_URL): then channel email is not offered. */
  readonly mail?: Mail
  /** Who may check (CPIS_POLICY). */
  readonly checkPolicy: CheckPolicy
  /** Why checks are made, as their AuditEvents say (CPIS_POLICY). */
  readonly purposeOfEvent: Purpose
  readonly metrics: Metrics
  readonly refusals: RefusalBudget
  readonly grants: GrantBudget
  /** Small writes: those of one authority that come together share a commit. */
  readonly writes: WriteGroups
  /** Large Bundles, a few at a time. */
  readonly bundleTurns: BundleTurns
  /** Who runs through numbers; watches no one where limits are off. */
  readonly enumeration: EnumerationWatch
  /** Wakes the dispatcher of this process after a commit: of nothing but events, or of anything that it looks at. */
  readonly wakeDelivery: (reason?: 'events') => void
}
