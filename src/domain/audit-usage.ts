/** What a person did in a time, in counts (security.md "Audit"): made of the audit by the store, without a number of any child. */
import type { UserFacts } from './access-history.ts'
import type { LondonDay } from './brands.ts'

/** The checks of one person in one job role. */
export interface UserUsage {
  readonly user: UserFacts
  /** Checks that were answered: hits and misses. */
  readonly checks: number
  readonly hits: number
  readonly misses: number
  /** Checks that were refused, or that the register could not answer. */
  readonly refused: number
  /** Answered checks at night or on a Saturday or Sunday (isOutOfHours). */
  readonly outOfHours: number
  /** Different children asked about. */
  readonly children: number
  /** Checks of the one child that was asked about most. */
  readonly mostOfOneChild: number
  readonly organizations: number
  readonly settings: number
  /** Times that the sequence detector stopped this person. */
  readonly stopped: number
  /** Alerts about unusual misses of this person. */
  readonly missAlerts: number
}

/** One hour of a person, by London's clocks. */
export interface UsageHour {
  readonly day: LondonDay
  /** 0 to 23. */
  readonly hour: number
  readonly hits: number
  readonly misses: number
  readonly refused: number
}

/** London hours that count as the working day: from the first to before the second, Monday to Friday. */
export const WORKING_HOURS = [8, 18] as const
