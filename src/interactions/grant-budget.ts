/** How many tokens of one person or client get an audit record of their own in a minute: a token lasts five, so more than a few are a fault or a flood (security.md "Audit"). */

/** Of one person, or of one client for one authority. */
const RECORDED_A_MINUTE = 10
const MINUTE_MS = 60_000
/** Remembered at once; beyond them the one who was quiet longest is forgotten, and is recorded anew. */
const MOST_SUBJECTS = 10_000

export interface GrantBudget {
  /** Counts one. `unrecorded`: how many since the last record of this subject got none. */
  take(at: Date, subject: string): { readonly record: boolean; readonly unrecorded: number }
}

interface Taken {
  readonly minute: number
  readonly count: number
  readonly unrecorded: number
}

/** A budget that knows no one yet. No I/O. */
export function buildGrantBudget(): GrantBudget {
  const subjects = new Map<string, Taken>()
  return {
    take(at, subject) {
      const minute = Math.floor(at.getTime() / MINUTE_MS)
      const known = subjects.get(subject)
      const count = known?.minute === minute ? known.count + 1 : 1
      const record = count <= RECORDED_A_MINUTE
      const unrecorded = known?.unrecorded ?? 0
      subjects.delete(subject)
      subjects.set(subject, { minute, count, unrecorded: record ? 0 : unrecorded + 1 })
      const [quietest] = subjects.keys()
      if (subjects.size > MOST_SUBJECTS && quietest !== undefined) subjects.delete(quietest)
      return { record, unrecorded }
    },
  }
}
