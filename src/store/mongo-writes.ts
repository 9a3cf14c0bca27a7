/** Versions of rows: the current one replaced by compare-and-set, every one kept in the history, both in one transaction (storage.md "Collections"). */
import type { ResourceId } from '../domain/brands.ts'
import { toDocuments, toRow } from './row-document.ts'
import { historyOf, rowsOf, type Scope, writing } from './scope.ts'
import { type OwnedType, type Row, type RowIndex, StoreError } from './store.ts'

/** Adds a version; StoreError 'conflict' unless the one before it is current and of the same owner. */
export async function putRow<T extends OwnedType>(scope: Scope, row: Row<T>): Promise<void> {
  const { current, history } = toDocuments(row, scope.crypto)
  const rows = rowsOf(scope, row.type)
  if (row.version === 1) {
    await rows.insertOne(current, writing(scope))
  } else {
    const before = { _id: row.id, version: row.version - 1, owner: row.owner }
    const { matchedCount } = await rows.replaceOne(before, current, writing(scope))
    if (matchedCount !== 1) throw new StoreError('conflict', 'Another version is current.')
  }
  await historyOf(scope, row.type).insertOne(history, writing(scope))
}

/** Replaces the index beside the current version, whose number, time and content stay; StoreError 'conflict' when there is none. */
export async function reindexRow(
  scope: Scope,
  change: { readonly type: OwnedType; readonly id: ResourceId; readonly index: RowIndex },
): Promise<void> {
  const rows = rowsOf(scope, change.type)
  const document = await rows.findOne({ _id: change.id }, writing(scope))
  if (document === null) throw new StoreError('conflict', 'There is nothing to index.')
  const row = { ...toRow(change.type, document, scope.crypto), index: change.index }
  const { current } = toDocuments(row, scope.crypto)
  const { matchedCount } = await rows.replaceOne({ _id: change.id, version: row.version }, current, writing(scope))
  if (matchedCount !== 1) throw new StoreError('conflict', 'Another version is current.')
}
