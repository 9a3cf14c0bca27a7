/** What a process remembers of each user's checks, to stop one who runs through numbers (domain/enumeration.ts). In memory, and bounded; what others must know is told to them sealed (docs/decisions/0006). */
import type { NhsNumber } from '../../domain/brands.ts'
import {
  type Asked,
  countMiss,
  findRun,
  type MissCount,
  MOST_REMEMBERED,
  noteAsked,
  positionOf,
  type Run,
  STOP_MS,
} from '../../domain/enumeration.ts'
import type { Sighting } from './sighting.ts'

/** Users that are remembered; beyond them the one who was quiet longest is forgotten. */
const MOST_USERS = 10_000

export interface EnumerationWatch {
  /** Milliseconds for which this user is still stopped; 0 when not. */
  stoppedFor(userId: string, at: Date): number
  /** Notes a number asked for; the run it completes, if any, by which the user is now stopped. */
  note(userId: string, nhsNumber: NhsNumber, at: Date): Run | undefined
  /** Notes whether a check found something; true when the ratio of those that did not calls for an alert. */
  noteResult(userId: string, isMiss: boolean, at: Date): boolean
  /** What was noted here since the last time, of users who check much: for the other processes. */
  takeSightings(): readonly Sighting[]
  /** Adds what another process noted. A run is found at the user's next check. */
  learn(sighting: Sighting): void
}

interface Watched {
  readonly asked: readonly Asked[]
  readonly misses?: MissCount
  readonly stoppedUntilMs: number
  /** Not yet told to the others: checks, and numbers asked for the first time. */
  readonly untold: number
  readonly fresh: readonly Asked[]
}

const NOTHING: Watched = { asked: [], stoppedUntilMs: 0, untold: 0, fresh: [] }
/** A user of whom a process knows fewer different numbers is not spoken of: nearly all of them. */
const TOLD_FROM = 3
/** Far more checks in one second than anyone is allowed in a minute. */
const MOST_FRESH = 256

/** A watch that knows no one yet. No I/O. */
export function buildEnumerationWatch(mostUsers = MOST_USERS): EnumerationWatch {
  const users = new Map<string, Watched>()
  /** Users of whom there is something to tell. */
  const told = new Set<string>()
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
      const one = { position: positionOf(nhsNumber), atMs }
      const asked = noteAsked(watched.asked, one)
      const isFresh = asked.at(-1) === one
      const run = isNewest(asked, nhsNumber) ? findRun(asked) : undefined
      const noted = {
        ...watched,
        asked,
        untold: watched.untold + 1,
        fresh: isFresh ? [...watched.fresh, one].slice(-MOST_FRESH) : watched.fresh,
      }
      // a user who was stopped begins anew
      keep(userId, run === undefined ? noted : { ...noted, asked: [], fresh: [], stoppedUntilMs: atMs + STOP_MS })
      if (run !== undefined || noted.untold > 1 || asked.length >= TOLD_FROM) told.add(userId)
      return run
    },
    noteResult(userId, isMiss, at) {
      const watched = users.get(userId) ?? NOTHING
      const { count, alert } = countMiss(watched.misses, { atMs: at.getTime(), isMiss })
      keep(userId, { ...watched, misses: count })
      return alert
    },
    takeSightings() {
      const ids = [...told]
      told.clear()
      return ids.flatMap((userId): Sighting[] => {
        const watched = users.get(userId)
        if (watched === undefined) return []
        const { untold: checks, fresh: asked, stoppedUntilMs } = watched
        users.set(userId, { ...watched, untold: 0, fresh: [] })
        return [{ userId, checks, asked, stoppedUntilMs }]
      })
    },
    learn({ userId, asked, stoppedUntilMs }) {
      const watched = users.get(userId) ?? NOTHING
      if (stoppedUntilMs > watched.stoppedUntilMs) return keep(userId, { ...watched, asked: [], stoppedUntilMs })
      const known = new Set(watched.asked.map(({ position }) => position))
      const news = asked.filter(({ position }) => !known.has(position))
      const all = [...watched.asked, ...news].toSorted((a, b) => a.atMs - b.atMs).slice(-MOST_REMEMBERED)
      keep(userId, { ...watched, asked: all })
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
  takeSightings: () => [],
  learn: () => undefined,
}
