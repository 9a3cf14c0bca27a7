/** What is kept of each request (security.md "Audit"): compact facts, rendered as a R4 AuditEvent on reading. */

import type { UserFacts } from './access-history.ts'
import type { AuthorityCode, NhsNumber, OdsCode } from './brands.ts'

/** v3-PurposeOfUse: why checks are made, as a deployment may say it. */
export const PURPOSES = ['TREAT', 'ETREAT', 'CAREMGT', 'PATSFTY'] as const
export type Purpose = (typeof PURPOSES)[number]

/** Interaction code (R4 restful-interaction, or `operation`). */
export interface AuditRecord {
  readonly id: string
  /** Instant, ISO 8601 UTC. */
  readonly recorded: string
  /** R4 restful-interaction code: read, vread, search-type, create, update, patch, delete, history-instance, transaction, batch, operation … */
  readonly interaction: string
  /** Operation name without `$`, for interaction operation. */
  readonly operation?: string
  readonly action: 'C' | 'R' | 'U' | 'D' | 'E'
  /** AuditEvent.outcome: 0 success, 4 minor, 8 serious, 12 major. */
  readonly outcome: '0' | '4' | '8' | '12'
  /** HTTP status of the answer. */
  readonly status: number
  /** Codes of the catalogue that were answered; never words of the caller. */
  readonly codes: readonly string[]
  /** Route template, e.g. `EpisodeOfCare/[id]`. */
  readonly route: string
  readonly requestId: string
  readonly caller: {
    /** Kind of caller; `nobody` without a token, `server` for what the register does by itself at the turn of the day (R12). */
    readonly kind: string
    readonly clientId: string
    readonly tokenId: string
    readonly user?: UserFacts
    readonly organization?: OdsCode
    readonly authority?: AuthorityCode
    /** Remote address of the client. */
    readonly network?: string
  }
  /** For checks: why, when it was not TREAT. */
  readonly purpose?: Purpose
  /** Whom it was about; sealed in the database. */
  readonly nhsNumber?: NhsNumber
  readonly setting?: string
  readonly site?: OdsCode
  /** Resources touched or shown, with their versions; for a check the plans disclosed. */
  readonly entities: readonly {
    readonly type: string
    readonly id: string
    readonly version?: number
    readonly owner?: AuthorityCode
    /** For a check: how its number led to the plan, where that was not the plan's own number (R23, R24). */
    readonly via?: 'superseded' | 'mother'
  }[]
  /** Names of search parameters, never values. */
  readonly parameters?: readonly string[]
  readonly incident?: { readonly id: string; readonly leg: number; readonly inSixMonths: number }
  /** Authorities that may read this record. */
  readonly authorities: readonly AuthorityCode[]
  /** How many refused requests this record sums up, when it is more than one (floods without a caller). */
  readonly count?: number
  /** For checks: keyed hash of what was asked, against a second body under one X-Request-ID. */
  readonly bodyHash?: string
}
