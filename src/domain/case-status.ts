/** Open or closed, and whether the authority is still told (register.md R20). */
import type { LondonDay } from './brands.ts'
import { addDays } from './london-day.ts'
import type { PlanFacts } from './plan.ts'
import { isOpen } from './visibility.ts'

/** R20: how long after the expected delivery an access is told for a closed UCPP. */
export const TOLD_DAYS_AFTER_DELIVERY = 28

export type CaseStatus = 'open' | 'closed'

/** Whether any of these plans (the visible ones of one authority) is open that day. Pure. */
export function caseStatusOf(plans: readonly Pick<PlanFacts, 'end' | 'withdrawn'>[], day: LondonDay): CaseStatus {
  return plans.some((plan) => isOpen(plan, day)) ? 'open' : 'closed'
}

/** Whether an access that day is told for this visible plan: always, but for a closed UCPP more than 28 days after the expected delivery. Pure. */
export function isTold(
  plan: Pick<PlanFacts, 'type' | 'end' | 'withdrawn' | 'expectedDelivery'>,
  day: LondonDay,
): boolean {
  if (plan.type !== 'UCPP' || plan.expectedDelivery === undefined || isOpen(plan, day)) return true
  return day <= addDays(plan.expectedDelivery, TOLD_DAYS_AFTER_DELIVERY)
}
