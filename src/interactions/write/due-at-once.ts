/** What an authority is told the moment its plan changes: that the number is missing (R17), was replaced (R23), or that the baby is born (R24). */
import type { AuthorityCode, LondonDay } from '../../domain/brands.ts'
import { hasDailyHourCome, isChased } from '../../domain/daily-events.ts'
import { buildPlanEvent, type RegisterEvent } from '../../domain/events.ts'
import { isVisible } from '../../domain/visibility.ts'
import type { Row } from '../../store/store.ts'
import { planFactsOf } from './plan-facts.ts'

type PlanRow = Row<'EpisodeOfCare'>

export interface TellingFacts {
  readonly owner: AuthorityCode
  readonly at: Date
  readonly today: LondonDay
  /** Gives the same id for the same parts. */
  readonly keyedId: (parts: readonly string[]) => string
}

/** The events of one plan's change, before to after. A plan that cannot be seen has nothing to tell but its missing number. Pure. */
export function dueAtOnce(
  rows: { readonly before: PlanRow | undefined; readonly after: PlanRow },
  facts: TellingFacts,
): readonly RegisterEvent[] {
  const { before, after } = rows
  if (after.deleted) return []
  const plan = planFactsOf(after, facts.owner)
  const topics: (readonly [Parameters<typeof buildPlanEvent>[0], string])[] = []
  if (isChased(plan, facts.today) && !isParked(before)) topics.push(['nhs-number-missing', ''])
  if (isVisible(plan, facts.today)) {
    const { newNumber, babyNumbers = [] } = after.index
    const told = toldIndex(before, facts)
    if (newNumber !== undefined && newNumber !== told?.newNumber) topics.push(['nhs-number-superseded', newNumber])
    for (const baby of babyNumbers) if (told?.babyNumbers?.includes(baby) !== true) topics.push(['baby-born', baby])
  }
  return topics.map(([topic, what]) => {
    const id = facts.keyedId(['told', topic, after.id, what, facts.at.toISOString()])
    return buildPlanEvent(topic, plan, { id, at: facts.at, today: facts.today })
  })
}

/** The row with today as the day on which its authority was told, when the hour of the daily event is past: that event comes tomorrow (R17, R23). Pure. */
export function withTold(after: PlanRow, events: readonly RegisterEvent[], facts: TellingFacts): PlanRow {
  const isDaily = events.some(({ topic }) => topic === 'nhs-number-missing' || topic === 'nhs-number-superseded')
  if (!isDaily || !hasDailyHourCome(facts.at)) return after
  return { ...after, index: { ...after.index, toldOn: facts.today } }
}

/** What its authority was told of the plan before this change: nothing of one that could not be seen. */
function toldIndex(before: PlanRow | undefined, { owner, today }: TellingFacts): PlanRow['index'] | undefined {
  if (before === undefined || before.deleted || before.resource?.status === 'planned') return undefined
  return isVisible(planFactsOf(before, owner), today) ? before.index : undefined
}

/** It waited for its number before this change already. */
function isParked(row: PlanRow | undefined): boolean {
  return row !== undefined && !row.deleted && row.index.withdrawn !== true && row.index.nhsNumber === undefined
}
