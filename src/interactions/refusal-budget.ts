/** How many refusals of no proven caller, or of one who asks too much, get an audit record of their own; the rest are counted and summed up once a minute (security.md "Audit"). */

/** More than this many in one minute are a flood. */
const RECORDED_A_MINUTE = 60
const MINUTE_MS = 60_000
/** Kinds that are told apart in a minute; what is beyond them is counted together, by its code. */
const MOST_KINDS = 100

/** What was refused: a code of the catalogue with its status, and the registered client that it was, or said to be. */
export interface Refused {
  readonly code: string
  readonly status: number
  readonly client?: string
}

export interface Summed extends Refused {
  readonly count: number
}

export interface RefusalBudget {
  /** Counts one refusal at this instant. `record`: it gets a record of its own. `summed`: what of the minute before must be summed up now. */
  take(at: Date, refused: Refused): { readonly record: boolean; readonly summed: readonly Summed[] }
}

/** A budget that starts full. No I/O. */
export function buildRefusalBudget(): RefusalBudget {
  let minute = -1
  let taken = 0
  let beyond = new Map<string, Summed>()
  return {
    take(at, refused) {
      const now = Math.floor(at.getTime() / MINUTE_MS)
      const summed = now === minute ? [] : [...beyond.values()]
      if (now !== minute) {
        taken = 0
        beyond = new Map()
      }
      minute = now
      taken += 1
      const record = taken <= RECORDED_A_MINUTE
      if (!record) addTo(beyond, refused)
      return { record, summed }
    },
  }
}

function addTo(beyond: Map<string, Summed>, { code, status, client }: Refused): void {
  const isKnown = beyond.has(`${code} ${client}`) || beyond.size < MOST_KINDS
  const kind = { code, status, ...(isKnown && client !== undefined ? { client } : {}) }
  const key = `${code} ${kind.client}`
  beyond.set(key, { ...kind, count: (beyond.get(key)?.count ?? 0) + 1 })
}
