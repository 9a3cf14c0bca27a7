/** Slows who is refused again and again: the refusal itself is held back for a second, so that a flood costs the flooder time and the server next to nothing (security.md "Abuse and bad input"). */
import { setTimeout as sleep } from 'node:timers/promises'

/** So many refusals in a second are said at once: to a client; to an address, behind which many may stand. */
export const AT_ONCE = { client: 16, address: 200 } as const
const WINDOW_MS = 1_000
const HOLD_MS = 1_000
/** More are not held for one of them: a held refusal is a connection kept open. */
const MOST_HELD = 256
/** Callers that are remembered. */
const MOST_KEYS = 10_000

export interface Brake {
  /** Resolves when a refusal may be said to this caller (a client, or the address of who has proven nothing): at once as long as they are few. */
  hold(who: keyof typeof AT_ONCE, name: string): Promise<void>
}

interface Refused {
  sinceMs: number
  times: number
  held: number
}

/** For a sandbox whose limits are off. */
export const NO_BRAKE: Brake = { hold: () => Promise.resolve() }

/** Knows nobody yet. Timers only. */
export function buildBrake(now: () => number = () => performance.now()): Brake {
  const byKey = new Map<string, Refused>()

  function note(key: string): Refused {
    const nowMs = now()
    const known = byKey.get(key) ?? { sinceMs: nowMs, times: 0, held: 0 }
    if (nowMs - known.sinceMs >= WINDOW_MS) Object.assign(known, { sinceMs: nowMs, times: 0 })
    known.times += 1
    byKey.delete(key)
    byKey.set(key, known)
    const [quietest] = byKey.keys()
    if (byKey.size > MOST_KEYS && quietest !== undefined) byKey.delete(quietest)
    return known
  }

  return {
    async hold(who, name) {
      const refused = note(`${who} ${name}`)
      if (refused.times <= AT_ONCE[who] || refused.held >= MOST_HELD) return
      refused.held += 1
      await sleep(HOLD_MS)
      refused.held -= 1
    },
  }
}
