/** Incidents (R21) and the repeat count (R22). */

/** The incident now open for a child. */
export interface IncidentState {
  readonly id: string
  readonly startedAt: string
  readonly lastAccessAt: string
  readonly legs: number
  /** Authorities that had their incident-opened for this incident. */
  readonly openedFor: readonly string[]
}
