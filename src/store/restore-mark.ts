/** The mark of a restore under way: half a register must never answer, so the server refuses a database that bears it (register.md P1). */
import type { Db } from 'mongodb'
import { COLLECTIONS } from './collections.ts'

const MARK = 'restoring'

const marks = (db: Db) => db.collection<{ readonly _id: string }>(COLLECTIONS.migrations)

/** Store I/O. */
export async function setRestoreMark(db: Db): Promise<void> {
  await marks(db).insertOne({ _id: MARK }, { writeConcern: { w: 'majority', journal: true } })
}

/** Store I/O. */
export async function removeRestoreMark(db: Db): Promise<void> {
  await marks(db).deleteOne({ _id: MARK }, { writeConcern: { w: 'majority', journal: true } })
}

/** Why the register must not start on this database; undefined when it may. Store I/O. */
export async function findRestoreFault(db: Db): Promise<string | undefined> {
  if ((await marks(db).findOne({ _id: MARK })) === null) return undefined
  return `CPIS_DATABASE: a restore of ${db.databaseName} is under way, or broke off. Let it end, or run \`cpis restore\` again: it begins anew.`
}
