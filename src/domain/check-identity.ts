/** Whether the birth date of a check fits what is held (interface.md "$cpis-check", birthDate): a hint that it is another child. */
import { type Issue, issue } from '../fhir/outcome.ts'
import type { FoundPlan } from './visibility.ts'

/** The warning CHECK_IDENTITY when a birth date differs from every one held for the child's own plans; a held month or year agrees with each of its days. Never says the held date. Pure. */
export function checkIdentity(birthDate: string | undefined, plans: readonly FoundPlan[]): readonly Issue[] {
  if (birthDate === undefined) return []
  const held = plans.filter((plan) => plan.via !== 'mother').flatMap((plan) => plan.birthDate ?? [])
  const differs = held.length > 0 && !held.some((one) => agrees(one, birthDate))
  return differs ? [issue('CHECK_IDENTITY')] : []
}

function agrees(held: string, given: string): boolean {
  return given.startsWith(held) || held.startsWith(given)
}
