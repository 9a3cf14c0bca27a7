/** How many requests without a proven caller get an audit record of their own; the rest are summed up once a minute (security.md "Audit"). */

/** More than this many in one minute are a flood. */
const RECORDED_A_MINUTE = 60
const MINUTE_MS = 60_000

export interface RefusalBudget {
  /** Counts one refusal at this instant. `record`: it gets a record of its own. `summed`: so many of the minute before must be summed up now. */
  take(at: Date): { readonly record: boolean; readonly summed: number }
}

/** A budget that starts full. No I/O. */
export function buildRefusalBudget(): RefusalBudget {
  let minute = -1
  let taken = 0
  return {
    take(at) {
      const now = Math.floor(at.getTime() / MINUTE_MS)
      const summed = now === minute ? 0 : Math.max(0, taken - RECORDED_A_MINUTE)
      if (now !== minute) taken = 0
      minute = now
      taken += 1
      return { record: taken <= RECORDED_A_MINUTE, summed }
    },
  }
}
