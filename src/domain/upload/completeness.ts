/** What a plan and its Patient say together (register.md R6, R8, R14a): judged after references are resolved. */
import { type Issue, issue } from '../../fhir/outcome.ts'
import type { LondonDay, NhsNumber } from '../brands.ts'
import type { PlanFacts } from '../plan.ts'
import { eighteenthBirthday, isVisible, shownUntil } from '../visibility.ts'

type Dated = Pick<PlanFacts, 'type' | 'start' | 'end' | 'withdrawn'>

/**
 * R6 at filing. A birth date that makes the child 18 or more on the plan's start: DATE_IMPLAUSIBLE. None known: a warning
 * BIRTH_DATE_MISSING, while the plan can still be seen. Nothing for a UCPP (the mother's age does not matter) or a
 * withdrawn plan. Pure.
 */
export function checkBirthDate(plan: Dated, birthDate: string | undefined, today: LondonDay): readonly Issue[] {
  if (plan.type === 'UCPP' || plan.withdrawn) return []
  const birthday = birthDate === undefined ? undefined : eighteenthBirthday(birthDate)
  if (birthday !== undefined) {
    const text = 'The birth date makes the child 18 or older on the day the plan starts. Check both.'
    return birthday > plan.start ? [] : [issue('DATE_IMPLAUSIBLE', 'EpisodeOfCare.period.start', text)]
  }
  return isOver(plan, today) ? [] : [issue('BIRTH_DATE_MISSING', 'EpisodeOfCare.patient')]
}

/** R8: the warning NHS_NUMBER_MISSING when neither the plan nor its Patient names a number, while the plan could still be seen. Pure. */
export function checkNumberKnown(plan: Dated, nhsNumber: NhsNumber | undefined, today: LondonDay): readonly Issue[] {
  return nhsNumber !== undefined || isOver(plan, today) ? [] : [issue('NHS_NUMBER_MISSING', 'EpisodeOfCare.patient')]
}

/** R14a: NUMBERS_DISAGREE when a plan and its Patient name different numbers. Pure. */
export function checkNumbersAgree(ofPlan: NhsNumber | undefined, ofPatient: NhsNumber | undefined): readonly Issue[] {
  if (ofPlan === undefined || ofPatient === undefined || ofPlan === ofPatient) return []
  return [issue('NUMBERS_DISAGREE', 'EpisodeOfCare.patient')]
}

/** R14a: NUMBER_REMOVED when a change takes the number off a plan that the NHS sees, through the plan or its Patient. Withdrawing it in the same change is no such thing. Pure. */
export function checkNumberKept(
  before: Dated & Pick<PlanFacts, 'birthDate' | 'nhsNumber'>,
  after: { readonly nhsNumber?: NhsNumber | undefined; readonly withdrawn: boolean },
  today: LondonDay,
): readonly Issue[] {
  const isTaken = before.nhsNumber !== undefined && after.nhsNumber === undefined && !after.withdrawn
  return isTaken && isVisible(before, today) ? [issue('NUMBER_REMOVED')] : []
}

/** No day will come on which R2 shows it. */
function isOver(plan: Dated, today: LondonDay): boolean {
  const until = shownUntil(plan)
  return plan.withdrawn || (until !== undefined && today > until)
}
