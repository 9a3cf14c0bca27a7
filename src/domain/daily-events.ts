/** What an authority is told every day until it is settled (register.md R17, R23). */
import type { LondonDay } from './brands.ts'
import { daysBetween, londonDayOf, londonInstant } from './london-day.ts'
import type { PlanFacts } from './plan.ts'
import { isVisible, shownUntil } from './visibility.ts'

/** R17: the hour of the day, in London. */
export const DAILY_HOUR = 8

/** R17: how many days a plan has waited for its number; 0 on the day of filing (an instant). Never restarts: filing is the first version. Pure. */
export function daysWithoutNumber(filedAt: string, today: LondonDay): number {
  return Math.max(0, daysBetween(londonDayOf(new Date(filedAt)), today))
}

/** The plan as the daily events see it. */
export interface Waiting {
  /** Instant of what is told: the filing (R17), or the replaced number (R23). It is told at once, outside of this. */
  readonly since: string
  /** London day of the last daily event; undefined when there was none yet. */
  readonly lastTold?: LondonDay
}

/** Whether today's 08:00 in London is here or past. Pure. */
export function hasDailyHourCome(now: Date): boolean {
  return now.getTime() >= dailyInstant(now)
}

/** Milliseconds since 1970 of 08:00 London on the day of this instant. Pure. */
export function dailyInstant(now: Date): number {
  return londonInstant(londonDayOf(now), DAILY_HOUR).getTime()
}

/** Whether the 08:00 event of today is due now: its hour has come, it came after what is told, and it was not sent yet. A missed one is made up on the same day only. Pure. */
export function isDailyEventDue(waiting: Waiting, now: Date): boolean {
  const today = londonDayOf(now)
  const isHere = hasDailyHourCome(now) && Date.parse(waiting.since) < dailyInstant(now)
  return isHere && (waiting.lastTold === undefined || waiting.lastTold < today)
}

/** Whether a plan is parked (R8) and still chased (R17): no number, not withdrawn, and R2 has not ended it. A future one is. Pure. */
export function isChased(plan: Pick<PlanFacts, 'nhsNumber' | 'withdrawn' | 'end'>, today: LondonDay): boolean {
  const until = shownUntil(plan)
  return plan.nhsNumber === undefined && !plan.withdrawn && (until === undefined || today <= until)
}

/** R17: whether today's nhs-number-missing of a plan is due now. Pure. */
export function parkedEventDue(
  plan: Pick<PlanFacts, 'nhsNumber' | 'withdrawn' | 'end'>,
  waiting: Waiting,
  now: Date,
): boolean {
  return isChased(plan, londonDayOf(now)) && isDailyEventDue(waiting, now)
}

/** R23: whether today's nhs-number-superseded of a plan under a replaced number is due now: only while the NHS can see it. Pure. */
export function supersededEventDue(
  plan: Pick<PlanFacts, 'type' | 'start' | 'end' | 'withdrawn' | 'birthDate'>,
  waiting: Waiting,
  now: Date,
): boolean {
  return isVisible(plan, londonDayOf(now)) && isDailyEventDue(waiting, now)
}
