/** The events of 08:00 London (register.md R17, R23): plans that wait for a number, and plans under a replaced one. */
import type { LondonDay } from '../domain/brands.ts'
import { parkedEventDue, supersededEventDue } from '../domain/daily-events.ts'
import { buildPlanEvent, type RegisterEvent } from '../domain/events.ts'
import { londonDayOf } from '../domain/london-day.ts'
import type { PlanFacts } from '../domain/plan.ts'
import { planFactsOf } from '../domain/stored-plan.ts'
import type { Row, Unit } from '../store/store.ts'

type PlanRow = Row<'EpisodeOfCare'>

export interface TellFacts {
  readonly at: Date
  /** Gives the same id for the same parts. */
  readonly keyedId: (parts: readonly string[]) => string
}

const TOPIC = { missing: 'nhs-number-missing', superseded: 'nhs-number-superseded' } as const
export type Telling = keyof typeof TOPIC

/**
 * Tells the authorities of these plans, where the event of today is due, and notes the day with each plan in the same
 * transaction: once per plan and London day, whoever else does the same. The plans are read again; what changed meanwhile stands.
 */
export async function tellPlans(
  unit: Unit,
  { what, seen }: { readonly what: Telling; readonly seen: readonly PlanRow[] },
  facts: TellFacts,
): Promise<void> {
  const rows = await unit.plansAgain(seen.map(({ id }) => id))
  const told = rows.flatMap((row) => tellOf(what, row, facts) ?? [])
  await unit.reindexAll(told.map(({ row }) => row))
  await unit.appendEvents(told.map(({ event }) => event))
}

/** The plan with the day noted, and its event; undefined when none is due. Pure. */
function tellOf(
  what: Telling,
  row: PlanRow,
  { at, keyedId }: TellFacts,
): { readonly row: PlanRow; readonly event: RegisterEvent } | undefined {
  if (row.owner === 'directory') return undefined
  const today = londonDayOf(at)
  const plan = planFactsOf(row, row.owner)
  if (!isDue(what, { row, plan }, at)) return undefined
  const id = keyedId(['told', TOPIC[what], row.id, today])
  return {
    row: { ...row, index: { ...row.index, toldOn: today } },
    event: buildPlanEvent(TOPIC[what], plan, { id, at, today }),
  }
}

function isDue(what: Telling, { row, plan }: { readonly row: PlanRow; readonly plan: PlanFacts }, at: Date): boolean {
  const { filedAt, toldOn, newNumber } = row.index
  const waiting = {
    since: filedAt ?? row.lastUpdated,
    ...(toldOn === undefined ? {} : { lastTold: toldOn as LondonDay }),
  }
  if (what === 'missing') return parkedEventDue(plan, waiting, at)
  return newNumber !== undefined && newNumber !== plan.nhsNumber && supersededEventDue(plan, waiting, at)
}
