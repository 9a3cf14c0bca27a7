/** Reads what a run left behind and tells every promise of the register that it breaks (measures.md "faults"). Pure. */
import { checkAnswers } from './check-answers.ts'
import { checkAudits } from './check-audits.ts'
import { checkEvents } from './check-events.ts'
import { checkPlans } from './check-plans.ts'
import { checkSightings } from './check-sightings.ts'
import type { History, Violation } from './operation.ts'
import { buildTimelines } from './plan-timeline.ts'

/** All violations; none is the goal. */
export function checkHistory({ operations, faults, aftermath }: History): readonly Violation[] {
  const timelines = buildTimelines(operations, aftermath.plans)
  return [
    ...checkPlans(timelines, operations),
    ...checkSightings(timelines, operations),
    ...checkAudits(operations, aftermath.audits, timelines),
    ...checkEvents(aftermath),
    ...checkAnswers(operations, faults),
  ]
}
