/** Whether a plan that was sent again stands exactly as it was (R15): then nothing that follows from it needs to be looked at. */
import { isDeepStrictEqual } from 'node:util'
import type { OwnedType, Row } from '../../store/store.ts'
import { planFactsOf, withTurn } from './plan-facts.ts'
import { pendingOf, type Workspace } from './workspace.ts'

/** No new version, the same facts, and neither its status nor its Flag's was due to turn: its Flag is right and it makes no new overlap. Pure. */
export function standsAsItWas(work: Workspace, plan: Row<'EpisodeOfCare'>): boolean {
  const { owner, today } = work.facts
  const pending = pendingOf(work, 'EpisodeOfCare', plan.id)
  const before = pending?.before
  if (before === undefined || before.deleted || pending?.rewritten !== false) return false
  const { turnsOn } = before.index
  if (turnsOn !== undefined && turnsOn <= today) return false
  return isSameIndex(before, withTurn(plan, planFactsOf(plan, owner), today))
}

/** Whether two rows are found by the same facts. Pure. */
export function isSameIndex(a: Row<OwnedType>, b: Row<OwnedType>): boolean {
  return a.index === b.index || isDeepStrictEqual(a.index, b.index)
}
