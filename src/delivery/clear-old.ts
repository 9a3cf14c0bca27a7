/** Removes what was delivered more than 90 days ago (delivery.md "Recovery": `$events` up to 90 days back), a bounded part at a time. */
import type { DailyParts } from './daily.ts'

/** A day more than `$events` looks back, so that no answer ever ends within what was removed. */
const KEPT_DAYS = 91
const DAY_MS = 86_400_000
const BATCH = 500

/** True when nothing older is left; false when it had to break off, and goes on the next time. Store I/O. */
export async function clearOld(
  { deliveries }: Pick<DailyParts, 'deliveries'>,
  { at, mayGoOn }: { readonly at: Date; readonly mayGoOn: () => Promise<boolean> },
): Promise<boolean> {
  const before = new Date(at.getTime() - KEPT_DAYS * DAY_MS)
  while (await mayGoOn()) {
    if (!(await deliveries.clearOld(before, BATCH))) return true
  }
  return false
}
