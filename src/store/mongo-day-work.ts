/** What the work of the day looks for, across authorities (register.md R12, R17, R23). */
import type { LondonDay } from '../domain/brands.ts'
import type { RowDocument } from './collections.ts'
import { toRow } from './row-document.ts'
import { reading, rowsOf, run, type Scope } from './scope.ts'
import type { Row } from './store.ts'

/** Live plans whose stored status, or whose Flag's, stops being true on or before that day. */
export function findTurningPlans(
  scope: Scope,
  today: LondonDay,
  limit: number,
): Promise<readonly Row<'EpisodeOfCare'>[]> {
  return findPlans(scope, { turnsOn: { $lte: String(today) }, live: true }, limit)
}

/** Live plans that are parked, or filed under a replaced number, and whose authority was not told on that day. */
export function findPlansToTell(
  scope: Scope,
  what: 'missing' | 'superseded',
  { today, limit }: { readonly today: LondonDay; readonly limit: number },
): Promise<readonly Row<'EpisodeOfCare'>[]> {
  const which = what === 'missing' ? { parked: true as const } : { superseded: true as const }
  const untold = { $or: [{ toldOn: { $exists: false } }, { toldOn: { $lt: String(today) } }] }
  return findPlans(scope, { ...which, live: true, ...untold }, limit)
}

async function findPlans(scope: Scope, filter: object, limit: number): Promise<readonly Row<'EpisodeOfCare'>[]> {
  const rows = rowsOf(scope, 'EpisodeOfCare')
  const documents = await run(scope, rows.find(filter, { ...reading(scope), limit }).toArray())
  return documents.map((one: RowDocument) => toRow('EpisodeOfCare', one, scope.crypto))
}
