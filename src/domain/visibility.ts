/** Which plans the NHS sees on a day, and the statuses that follow from dates (register.md R2–R7, R12, R14, R24). */
import type { AuthorityCode, LondonDay } from './brands.ts'
import { addDays, lastDayOfMonth, parseDay } from './london-day.ts'
import type { PlanFacts } from './plan.ts'

/** R2: how long a closed plan stays visible. Days, not a year. */
export const SHOWN_DAYS_AFTER_END = 365
const ADULT_YEARS = 18

type Dated = Pick<PlanFacts, 'type' | 'start' | 'end' | 'withdrawn'>
type Born = Dated & Pick<PlanFacts, 'birthDate'>

/**
 * Whether the dates let the NHS see a plan on that day (R2–R6). A plan without an NHS number is never found by one (R8),
 * so this does not ask for it: the facts of a check come without the number. Pure.
 */
export function isVisible(plan: Born, day: LondonDay): boolean {
  if (plan.withdrawn || day < plan.start) return false
  const until = shownUntil(plan)
  return (until === undefined || day <= until) && !isGrownUp(plan, day)
}

/** R6: the child of a CPP or LAC is 18 or older that day. Unknown birth dates and mothers never are. */
function isGrownUp(plan: Born, day: LondonDay): boolean {
  if (plan.type === 'UCPP' || plan.birthDate === undefined) return false
  const birthday = eighteenthBirthday(plan.birthDate)
  return birthday !== undefined && day >= birthday
}

/** Whether a plan has not ended that day (register.md "Terms"): its last day is still open. A withdrawn plan is not open. Pure. */
export function isOpen(plan: Pick<PlanFacts, 'end' | 'withdrawn'>, day: LondonDay): boolean {
  return !plan.withdrawn && (plan.end === undefined || day <= plan.end)
}

/** The last day on which R2 shows the plan; undefined while it has no end. Never from the birth date, which it would give away. Pure. */
export function shownUntil(plan: Pick<PlanFacts, 'end'>): LondonDay | undefined {
  return plan.end === undefined ? undefined : addDays(plan.end, SHOWN_DAYS_AFTER_END)
}

/** EpisodeOfCare.status as the dates have it (R12). Pure. */
export function statusOn(plan: Dated, day: LondonDay): 'planned' | 'active' | 'finished' | 'entered-in-error' {
  if (plan.withdrawn) return 'entered-in-error'
  if (day < plan.start) return 'planned'
  return isOpen(plan, day) ? 'active' : 'finished'
}

/** Flag.status (R14): active on every day on which the plan is visible. Pure. */
export function flagStatusOn(plan: Born, day: LondonDay): 'active' | 'inactive' | 'entered-in-error' {
  if (plan.withdrawn) return 'entered-in-error'
  return isVisible(plan, day) ? 'active' : 'inactive'
}

/** The 18th birthday of YYYY-MM-DD, YYYY-MM or YYYY: the last day it could be; 1 March for 29 February in a common year (R6). Undefined for any other text. Pure. */
export function eighteenthBirthday(birthDate: string): LondonDay | undefined {
  const day = lastDayItCouldBe(birthDate)
  if (day === undefined) return undefined
  const year = Number(day.slice(0, 4)) + ADULT_YEARS
  const birthday = `${year}${day.slice(4)}`
  return parseDay(birthday) ?? parseDay(`${year}-03-01`)
}

/** The latest day that a full or partial R4 date allows; undefined when it is none. Pure. */
export function lastDayItCouldBe(date: string): LondonDay | undefined {
  if (/^\d{4}$/.test(date)) return parseDay(`${date}-12-31`)
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(date)) {
    return parseDay(`${date}-${lastDayOfMonth(Number(date.slice(0, 4)), Number(date.slice(5)))}`)
  }
  return date.length === 10 ? parseDay(date) : undefined
}

/** How a checked number leads to a plan: its own, a replaced one (R23), or the number of the mother (R24). */
export interface FoundPlan extends PlanFacts {
  readonly via: 'own' | 'superseded' | 'mother'
}

/** The plans that a check shows, out of all that its number leads to (R2–R7, and R24's bridge from mother to baby). Pure. */
export function findVisible<P extends FoundPlan>(plans: readonly P[], day: LondonDay): readonly P[] {
  if (plans.length === 0) return plans
  const bridgeEnded = ownersWithStartedPlan(plans, day)
  return plans.filter((plan) => isVisible(plan, day) && !(plan.via === 'mother' && bridgeEnded.has(plan.owner)))
}

/** R24: a mother's plan stops showing for her baby once that LA has a plan of the baby's own that has started. */
function ownersWithStartedPlan(plans: readonly FoundPlan[], day: LondonDay): ReadonlySet<AuthorityCode> {
  const started = plans.filter((plan) => plan.via !== 'mother' && !plan.withdrawn && plan.start <= day)
  return new Set(started.map((plan) => plan.owner))
}
