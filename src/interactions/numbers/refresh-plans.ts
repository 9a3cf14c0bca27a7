/** What a notice changes beside the plans that are filed under its numbers, and what their authorities are told at once (R23, R24). */
import type { LondonDay, NhsNumber } from '../../domain/brands.ts'
import { buildPlanEvent } from '../../domain/events.ts'
import { factsOfNumber, type NumberNotices } from '../../domain/number-notice.ts'
import { isVisible } from '../../domain/visibility.ts'
import { canonicalJson } from '../../fhir/json.ts'
import type { Row, Unit } from '../../store/store.ts'
import { dueAtOnce, withTold } from '../write/due-at-once.ts'
import { indexWithFacts } from '../write/number-facts.ts'
import { planFactsOf } from '../write/plan-facts.ts'

type PlanRow = Row<'EpisodeOfCare'>

/** When a notice came, and ids that stay the same when the transaction runs again. */
export interface NoticeFacts {
  readonly at: Date
  readonly today: LondonDay
  readonly keyedId: (parts: readonly string[]) => string
}

/** Brings the new number and the babies of all live plans under these numbers up to date, without a new version. Gives the plans that changed. */
export async function refreshPlans(
  unit: Unit,
  known: { readonly numbers: readonly NhsNumber[]; readonly notices: NumberNotices },
  facts: NoticeFacts,
): Promise<readonly PlanRow[]> {
  const changed: PlanRow[] = []
  for (const before of await unit.plansUnder(known.numbers)) {
    const { nhsNumber } = before.index
    if (nhsNumber === undefined || before.owner === 'directory') continue
    const index = indexWithFacts(before.index, factsOfNumber(known.notices, nhsNumber))
    if (canonicalJson(index) === canonicalJson(before.index)) continue
    const telling = { ...facts, owner: before.owner }
    const events = dueAtOnce({ before, after: { ...before, index } }, telling)
    const after = withTold({ ...before, index }, events, telling)
    await unit.reindex('EpisodeOfCare', after.id, after.index)
    await unit.appendEvents(events)
    changed.push(after)
  }
  return changed
}

/** R23, adoption: tells each authority with a visible plan under this number, once, that it is out of use; no new number. Gives the plans told of. */
export async function tellRetired(
  unit: Unit,
  nhsNumber: NhsNumber,
  { at, today, keyedId }: NoticeFacts,
): Promise<readonly PlanRow[]> {
  const told: PlanRow[] = []
  for (const row of await unit.plansUnder([nhsNumber])) {
    if (row.owner === 'directory') continue
    const plan = planFactsOf(row, row.owner)
    if (!isVisible(plan, today)) continue
    const id = keyedId(['told', 'retired', row.id, at.toISOString()])
    await unit.appendEvents([buildPlanEvent('nhs-number-superseded', plan, { id, at, today })])
    told.push(row)
  }
  return told
}
