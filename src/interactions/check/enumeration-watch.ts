/** What a process remembers of each user's checks, to stop one who runs through numbers (domain/enumeration.ts). In memory alone, and bounded: no number is written anywhere. */
import type { NhsNumber } from '../../domain/brands.ts'
import {
  type Asked,
  countMiss,
  findRun,
  type MissCount,
  noteAsked,
  positionOf,
  type Run,
  STOP_MS,
} from '../../domain/enumeration.ts'

/** Users that are remembered; beyond them the one who was quiet longest is forgotten. */
const MOST_USERS = 10_000

export interface EnumerationWatch {
  /** Milliseconds for which this user is still stopped; 0 when not. */
  stoppedFor(userId: string, at: Date): number
  /** Notes a number asked for; the run it completes, if any, by which the user is now stopped. */
  note(userId: string, nhsNumber: NhsNumber, at: Date): Run | undefined
  /** Notes whether a check found something; true when the ratio of those that did not calls for an alert. */
  noteResult(userId: string, isMiss: boolean, at: Date): boolean
}

interface Watched {
  readonly asked: readonly Asked[]
  readonly misses?: MissCount
  readonly stoppedUntilMs: number
}

const NOTHING: Watched = { asked: [], stoppedUntilMs: 0 }

/** A watch that knows no one yet. No I/O. */
export function buildEnumerationWatch(mostUsers = MOST_USERS): EnumerationWatch {
  const users = new Map<string, Watched>()
  const keep = (userId: string, watched: Watched): void => {
    users.delete(userId)
    users.set(userId, watched)
    const [quietest] = users.keys()
    if (users.size > mostUsers && quietest !== undefined) users.delete(quietest)
  }
  return {
    stoppedFor: (userId, at) => Math.max(0, (users.get(userId)?.stoppedUntilMs ?? 0) - at.getTime()),
    note(userId, nhsNumber, at) {
      const watched = users.get(userId) ?? NOTHING
      const atMs = at.getTime()
      const asked = noteAsked(watched.asked, { position: positionOf(nhsNumber), atMs })
      const run = isNewest(asked, nhsNumber) ? findRun(asked) : undefined
      // a user who was stopped begins anew
      keep(
        userId,
        run === undefined ? { ...watched, asked } : { ...watched, asked: [], stoppedUntilMs: atMs + STOP_MS },
      )
      return run
    },
    noteResult(userId, isMiss, at) {
      const watched = users.get(userId) ?? NOTHING
      const { count, alert } = countMiss(watched.misses, { atMs: at.getTime(), isMiss })
      keep(userId, { ...watched, misses: count })
      return alert
    },
  }
}

/** Whether this number is the one that was noted last. */
function isNewest(asked: readonly Asked[], nhsNumber: NhsNumber): boolean {
  return asked.at(-1)?.position === positionOf(nhsNumber)
}

/** A watch that stops no one: for a sandbox whose limits are off. */
export const NO_WATCH: EnumerationWatch = {
  stoppedFor: () => 0,
  note: () => undefined,
  noteResult: () => false,
}
