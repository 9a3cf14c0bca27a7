/** Evens out what one client asks for (virtual scheduling, as GCRA of ITU-T I.371): a small burst goes through, what comes faster waits a little, and what would wait too long is refused (security.md "Abuse and bad input"). */
import { setTimeout as sleep } from 'node:timers/promises'

/** Requests that a client may send at once; group commits and parallel uploads stay below. */
const BURST = 32
/** Longer than this nobody is kept waiting in front of the door. */
const MOST_WAIT_MS = 1_000
/** Below this many a minute there is nothing to even out. */
const PACED_FROM = 600
const MINUTE_MS = 60_000
/** Clients that are remembered; one that is forgotten has its burst again. */
const MOST_CLIENTS = 10_000

export interface Pace {
  /** Waits for the client's turn; false, at once, when that would take too long. */
  turn(client: string): Promise<boolean>
}

/** The pace of `perMinute` requests for each client. Timers only. */
export function buildPace(perMinute: number, now: () => number = () => performance.now()): Pace {
  if (perMinute < PACED_FROM) return { turn: () => Promise.resolve(true) }
  const intervalMs = MINUTE_MS / perMinute
  /** When each client's next request is due, were they evenly spread. */
  const dueAt = new Map<string, number>()
  return {
    async turn(client) {
      const nowMs = now()
      const due = Math.max(dueAt.get(client) ?? 0, nowMs)
      const waitMs = due - nowMs - (BURST - 1) * intervalMs
      if (waitMs > MOST_WAIT_MS) return false
      dueAt.delete(client)
      dueAt.set(client, due + intervalMs)
      const [quietest] = dueAt.keys()
      if (dueAt.size > MOST_CLIENTS && quietest !== undefined) dueAt.delete(quietest)
      if (waitMs > 0) await sleep(waitMs)
      return true
    },
  }
}
