/** One LA may not hold two plans of one type that overlap in time for one child (R13), judged on the state after the whole transaction. */
import type { PlanFacts } from '../../domain/plan.ts'
import { findOverlap } from '../../domain/upload/overlap.ts'
import { issue } from '../../fhir/outcome.ts'
import type { Criterion, OwnedType, Row } from '../../store/store.ts'
import { inTurns } from '../../turns.ts'
import type { Change } from './change.ts'
import { planFactsOf } from './plan-facts.ts'
import { standsAsItWas } from './stands-as-it-was.ts'
import { pendingOf, pendingRows, say, type Workspace } from './workspace.ts'

/** Judged before the event loop is let go on. */
const CHILDREN_A_TURN = 16

/** Far more plans than one LA can hold for one child. */
const MOST_PLANS = 500

/** Notes DUPLICATE_PLAN for plans filed or moved in time; for a number attached to plans that stood before, only the warning PLANS_OVERLAP. */
export async function checkOverlaps(work: Workspace, changes: readonly Change[]): Promise<void> {
  const pending = Map.groupBy(pendingRows(work, 'EpisodeOfCare'), childOf)
  await inTurns(pending, CHILDREN_A_TURN, async ([child, touched]) => {
    const plan = touched.find((one) => !standsAsItWas(work, one))
    if (child === undefined || plan === undefined) return
    const plans = await plansOfChild(work, plan, touched)
    for (const [one, other] of findOverlap(plans)) judgePair(work, changes, { one, other, child })
  })
}

function childOf(plan: Row<'EpisodeOfCare'>): string | undefined {
  return plan.index.nhsNumber ?? plan.index.patientId
}

/** Its stored plans that stay as they are, and the touched ones as they would be. */
async function plansOfChild(
  work: Workspace,
  plan: Row<'EpisodeOfCare'>,
  touched: readonly Row<'EpisodeOfCare'>[],
): Promise<readonly PlanFacts[]> {
  const { nhsNumber, patientId } = plan.index
  const criterion: Criterion | undefined =
    nhsNumber !== undefined
      ? { field: 'nhsNumber', anyOf: [nhsNumber] }
      : patientId !== undefined
        ? { field: 'patientId', anyOf: [patientId] }
        : undefined
  if (criterion === undefined) return []
  const { owner } = work.facts
  const stored = await work.unit.of(owner, 'EpisodeOfCare').search({ criteria: [criterion], limit: MOST_PLANS })
  const untouched = stored.filter((row) => pendingOf(work, 'EpisodeOfCare', row.id) === undefined)
  return [...untouched, ...touched].filter((row) => !row.deleted).map((row) => planFactsOf(row, owner))
}

interface Pair {
  readonly one: PlanFacts
  readonly other: PlanFacts
  /** childOf both. */
  readonly child: string
}

function judgePair(work: Workspace, changes: readonly Change[], pair: Pair): void {
  const blamed = [pair.other, pair.one].find((plan) => changeOf(work, changes, plan) !== undefined)
  const change = blamed === undefined ? undefined : changeOf(work, changes, blamed)
  if (blamed === undefined || change === undefined) {
    warnOfLink(work, changes)
    return
  }
  const held = blamed === pair.one ? pair.other : pair.one
  const code = isOnlyLinked(work, blamed) || stoodBefore(work, pair) ? 'PLANS_OVERLAP' : 'DUPLICATE_PLAN'
  const where = changeOf(work, changes, held) === undefined ? `EpisodeOfCare/${held.id}` : 'another plan of this Bundle'
  say(
    work,
    change,
    issue(
      code,
      'EpisodeOfCare.period',
      `Your authority has a plan of this type for this child that overlaps in time: ${where}. Change that plan, or correct the period.`,
    ),
  )
}

function changeOf(work: Workspace, changes: readonly Change[], plan: PlanFacts): Change | undefined {
  return changes.find((change) => change.type === 'EpisodeOfCare' && work.targets.get(change)?.id === plan.id)
}

/** Same type and period as before: the change only brought the number that makes the overlap. */
function isOnlyLinked(work: Workspace, plan: PlanFacts): boolean {
  const pending = pendingOf(work, 'EpisodeOfCare', plan.id)
  const before = pending?.before?.index
  if (before === undefined) return false
  return (
    before.nhsNumber !== plan.nhsNumber &&
    before.planType === plan.type &&
    before.start === plan.start &&
    before.end === plan.end &&
    before.withdrawn !== true
  )
}

/** The two overlapped before this change, as a linked number makes them: it must not hinder sending them again, nor mending them (R15, P4). */
function stoodBefore(work: Workspace, { one, other, child }: Pair): boolean {
  const [a, b] = [one, other].map((plan) => asItStood(work, plan, child))
  if (a === undefined || b === undefined || a.child !== b.child) return false
  return findOverlap([a.plan, b.plan]).length > 0
}

function asItStood(work: Workspace, plan: PlanFacts, child: string): { plan: PlanFacts; child: string } | undefined {
  const pending = pendingOf(work, 'EpisodeOfCare', plan.id)
  if (pending === undefined) return { plan, child }
  const { before } = pending
  if (before === undefined || before.deleted || !isPlanRow(before)) return undefined
  return { plan: planFactsOf(before, work.facts.owner), child: childOf(before) ?? '' }
}

function isPlanRow(row: Row<OwnedType>): row is Row<'EpisodeOfCare'> {
  return row.type === 'EpisodeOfCare'
}

function warnOfLink(work: Workspace, changes: readonly Change[]): void {
  const patient = changes.find((change) => change.type === 'Patient')
  if (patient !== undefined) say(work, patient, issue('PLANS_OVERLAP', 'Patient.identifier'))
}
