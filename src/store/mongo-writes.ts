/** Versions of rows: the current one replaced by compare-and-set, every one kept in the history, both in one transaction (storage.md "Collections"). */
import type { ResourceId } from '../domain/brands.ts'
import { inTurns, slicesOf } from '../turns.ts'
import type { RowDocument } from './collections.ts'
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

/** Rows sealed before the event loop is let go on, and rows of one call: a check must not wait for a batch (P1). */
const ROWS_A_TURN = 16
const ROWS_A_CALL = 128

/** Adds versions in their order, in few calls for each type; StoreError 'conflict' when one of them has no right version before it. */
export async function putRows(scope: Scope, rows: readonly Row<OwnedType>[]): Promise<void> {
  for (const [type, ofType] of Map.groupBy(rows, (row) => row.type)) {
    const documents = await sealAll(scope, ofType)
    for (const steps of slicesOf(lastSteps(ofType, documents), ROWS_A_CALL)) {
      const { matchedCount } = await rowsOf(scope, type).bulkWrite(steps, { ...writing(scope), ordered: true })
      const replaced = steps.filter((step) => 'replaceOne' in step).length
      if (matchedCount !== replaced) throw new StoreError('conflict', 'Another version is current.')
    }
    for (const part of slicesOf(documents, ROWS_A_CALL)) {
      await historyOf(scope, type).insertMany(
        part.map((one) => one.history),
        writing(scope),
      )
    }
  }
}

type Documents = ReturnType<typeof toDocuments>

async function sealAll(scope: Scope, rows: readonly Row<OwnedType>[]): Promise<readonly Documents[]> {
  const sealed: Documents[] = []
  await inTurns(rows, ROWS_A_TURN, (row) => void sealed.push(toDocuments(row, scope.crypto)))
  return sealed
}

type Step = { insertOne: { document: RowDocument } } | { replaceOne: { filter: object; replacement: RowDocument } }

/** What brings each row from its first version before these to its last: new ones first, so that they go in one command. */
function lastSteps(rows: readonly Row<OwnedType>[], documents: readonly { readonly current: RowDocument }[]): Step[] {
  const steps = new Map<
    string,
    { readonly first: Row<OwnedType>; readonly last: number; readonly current: RowDocument }
  >()
  rows.forEach((row, at) => {
    const earlier = steps.get(row.id)
    const current = documents[at]?.current
    if (current === undefined) return
    if (earlier !== undefined && row.version !== earlier.last + 1)
      throw new StoreError('conflict', 'Another version is current.')
    steps.set(row.id, { first: earlier?.first ?? row, last: row.version, current })
  })
  const all = [...steps.values()]
  return [
    ...all
      .filter(({ first }) => first.version === 1)
      .map(({ current }): Step => ({ insertOne: { document: current } })),
    ...all
      .filter(({ first }) => first.version !== 1)
      .map(({ first, current }): Step => {
        const filter = { _id: first.id, version: first.version - 1, owner: first.owner }
        return { replaceOne: { filter, replacement: current } }
      }),
  ]
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

/** The same for rows as this transaction has read them, in one call; StoreError 'conflict' when one of them is not current. */
export async function reindexRows(scope: Scope, rows: readonly Row<'EpisodeOfCare'>[]): Promise<void> {
  if (rows.length === 0) return
  const steps = rows.map((row) => ({
    replaceOne: {
      filter: { _id: row.id, version: row.version, owner: row.owner },
      replacement: toDocuments(row, scope.crypto).current,
    },
  }))
  const { matchedCount } = await rowsOf(scope, 'EpisodeOfCare').bulkWrite(steps, { ...writing(scope), ordered: true })
  if (matchedCount !== rows.length) throw new StoreError('conflict', 'Another version is current.')
}
