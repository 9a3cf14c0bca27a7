/** Two plans of one type for one child at one time (register.md R13). */
import type { PlanFacts } from '../plan.ts'

type Dated = Pick<PlanFacts, 'type' | 'start' | 'end' | 'withdrawn'>

/** Later than any day. */
const NO_END = '9999-12-31'

/**
 * All pairs of one type that overlap in time, out of the plans that one authority holds for one child; each pair in the
 * order given. A plan that starts the day another ends does not overlap it; withdrawn plans never do; without an end a
 * plan goes on for ever. Pure.
 */
export function findOverlap<P extends Dated>(plans: readonly P[]): readonly (readonly [P, P])[] {
  const live = plans.filter((plan) => !plan.withdrawn)
  return live.flatMap((plan, at) =>
    live
      .slice(at + 1)
      .filter((other) => overlaps(plan, other))
      .map((other) => [plan, other] as const),
  )
}

function overlaps(a: Dated, b: Dated): boolean {
  return a.type === b.type && a.start < (b.end ?? NO_END) && b.start < (a.end ?? NO_END)
}
