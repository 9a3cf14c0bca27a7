/** When a failed notification is tried again (delivery.md "From check to endpoint", step 4). Pure. */

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Delay after the first, second … failure in a row; the last one repeats. */
export const DELAYS_MS: readonly number[] = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR]
/** From the first failure to giving up. */
export const GIVE_UP_AFTER_MS = 72 * HOUR
/** Longest Retry-After that is honoured. */
export const MOST_RETRY_AFTER_MS = HOUR
/** Share by which a delay may be shorter or longer, so that many lanes do not come back together. */
export const JITTER = 0.1
/** Longest pause between two tries: of the schedule with its jitter; Retry-After asks for less. */
const LONGEST_PAUSE_MS = Math.round(Math.max(...DELAYS_MS, MOST_RETRY_AFTER_MS) * (1 + JITTER))

/**
 * The latest time for which a next try is ever kept. A later one was kept by a clock that was ahead: this server's before it was set
 * back, or another process's. To wait for it would keep alerts for as long as that clock was wrong, and a try too early costs the
 * endpoint one request: such a try is due at once, and what follows from it is kept by the clock of now.
 */
export function latestTry(now: Date): Date {
  return new Date(now.getTime() + LONGEST_PAUSE_MS)
}

/** Whether a kept next try is due: its time has come, or is later than latestTry; none kept is due. */
export function isTryDue(at: Date | undefined, now: Date): boolean {
  return at === undefined || at <= now || at > latestTry(now)
}

export interface Failure {
  /** Failures in a row, this one included. */
  readonly failures: number
  readonly failingSince: Date
  readonly now: Date
  /** Retry-After of the answer, as sent. */
  readonly retryAfter?: string
  /** From 0 inclusive to 1 exclusive. */
  readonly random: number
}

/** The next time, or `spent` when 72 hours have passed since the first failure; the last try is at 72 hours. */
export function decideNext(
  failure: Failure,
): { readonly kind: 'retry'; readonly at: Date } | { readonly kind: 'spent' } {
  const giveUpAt = failure.failingSince.getTime() + GIVE_UP_AFTER_MS
  const now = failure.now.getTime()
  if (now >= giveUpAt) return { kind: 'spent' }
  const wait = retryAfterMs(failure.retryAfter, failure.now) ?? scheduledMs(failure)
  return { kind: 'retry', at: new Date(Math.min(now + wait, giveUpAt)) }
}

/** Milliseconds that a Retry-After asks for (seconds or HTTP date), never under the first delay nor over an hour; undefined when it says nothing usable. */
export function retryAfterMs(text: string | undefined, now: Date): number | undefined {
  if (text === undefined) return undefined
  const wait = /^\d+$/.test(text.trim()) ? Number(text) * SECOND : httpDate(text) - now.getTime()
  if (Number.isNaN(wait) || wait < 0) return undefined
  return Math.min(Math.max(wait, DELAYS_MS[0] ?? 0), MOST_RETRY_AFTER_MS)
}

function httpDate(text: string): number {
  return /^[A-Z][a-z]{2,8},? \d\d[ -][A-Z][a-z]{2}[ -]\d{2,4} \d\d:\d\d:\d\d GMT$/.test(text.trim())
    ? Date.parse(text)
    : Number.NaN
}

function scheduledMs({ failures, random }: Failure): number {
  const step = Math.min(Math.max(failures, 1), DELAYS_MS.length) - 1
  return Math.round((DELAYS_MS[step] ?? HOUR) * (1 - JITTER + 2 * JITTER * random))
}
