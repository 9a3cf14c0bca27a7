/** The next London day on which a stored status stops being true (register.md R12, R14): what the turn of the day must look at. */
import type { LondonDay } from './brands.ts'
import { addDays } from './london-day.ts'
import type { PlanFacts } from './plan.ts'
import { eighteenthBirthday, shownUntil } from './visibility.ts'

type Dated = Pick<PlanFacts, 'type' | 'start' | 'end' | 'withdrawn' | 'birthDate'>

/** First day after `today` on which R12 gives the plan another status; undefined when none comes. Pure. */
export function planTurnsOn(plan: Dated, today: LondonDay): LondonDay | undefined {
  if (plan.withdrawn) return undefined
  return earliestAfter(today, [plan.start, plan.end === undefined ? undefined : addDays(plan.end, 1)])
}

/** First day after `today` on which R14 gives the plan's Flag another status: it begins, R2 ends it, or the child turns 18 (R6). Pure. */
export function flagTurnsOn(plan: Dated, today: LondonDay): LondonDay | undefined {
  if (plan.withdrawn) return undefined
  const until = shownUntil(plan)
  const birthday = plan.type === 'UCPP' || plan.birthDate === undefined ? undefined : eighteenthBirthday(plan.birthDate)
  return earliestAfter(today, [plan.start, until === undefined ? undefined : addDays(until, 1), birthday])
}

/** First day after `today` on which the plan or its Flag must be written anew. Pure. */
export function turnsOn(plan: Dated, today: LondonDay): LondonDay | undefined {
  return earliestAfter(today, [planTurnsOn(plan, today), flagTurnsOn(plan, today)])
}

function earliestAfter(today: LondonDay, days: readonly (LondonDay | undefined)[]): LondonDay | undefined {
  return days.filter((day) => day !== undefined && day > today).sort()[0]
}
