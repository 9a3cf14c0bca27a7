/** What the work of the day looks for, across authorities (register.md R12, R17, R23): each page is one short range of an index. */
import type { LondonDay, ResourceId } from '../domain/brands.ts'
import type { RowDocument } from './collections.ts'
import { toRow } from './row-document.ts'
import { reading, rowsOf, run, type Scope } from './scope.ts'
import type { PlanPage, Row } from './store.ts'

/** The field by which a page goes on; rows of one day in the order of their ids. */
type DayField = 'turnsOn' | 'toldOn'

/** Live plans whose stored status, or whose Flag's, stops being true on or before that day. */
export function findTurningPlans(
  scope: Scope,
  today: LondonDay,
  page: PlanPage,
): Promise<readonly Row<'EpisodeOfCare'>[]> {
  return findPlans(scope, { field: 'turnsOn', filter: { turnsOn: { $lte: String(today) } } }, page)
}

/** Live plans that are parked, or filed under a replaced number, and whose authority was not told on that day. */
export function findPlansToTell(
  scope: Scope,
  { what, today }: { readonly what: 'missing' | 'superseded'; readonly today: LondonDay },
  page: PlanPage,
): Promise<readonly Row<'EpisodeOfCare'>[]> {
  const which = what === 'missing' ? { parked: true as const } : { superseded: true as const }
  return findPlans(scope, { field: 'toldOn', filter: { ...which, toldOn: { $lt: String(today) } } }, page)
}

/** These plans as they now are, in the order of their ids; deleted ones are left out. */
export async function findPlansAgain(
  scope: Scope,
  ids: readonly ResourceId[],
): Promise<readonly Row<'EpisodeOfCare'>[]> {
  const filter = { _id: { $in: ids.map(String) }, deleted: false }
  const found = rowsOf(scope, 'EpisodeOfCare').find(filter, { ...reading(scope), sort: { _id: 1 } })
  return (await run(scope, found.toArray())).map((one) => toRow('EpisodeOfCare', one, scope.crypto))
}

async function findPlans(
  scope: Scope,
  { field, filter }: { readonly field: DayField; readonly filter: object },
  { limit, after }: PlanPage,
): Promise<readonly Row<'EpisodeOfCare'>[]> {
  if (limit <= 0) return []
  const wanted = { $and: [filter, { live: true }, ...(after === undefined ? [] : [behind(field, after)])] }
  const options = { ...reading(scope), sort: { [field]: 1, _id: 1 } as const, limit }
  const documents = await run(scope, rowsOf(scope, 'EpisodeOfCare').find(wanted, options).toArray())
  return documents.map((one: RowDocument) => toRow('EpisodeOfCare', one, scope.crypto))
}

function behind(field: DayField, after: Row<'EpisodeOfCare'>): object {
  const day = String(after.index[field] ?? '')
  return { [field]: { $gte: day }, $or: [{ [field]: { $gt: day } }, { _id: { $gt: String(after.id) } }] }
}
