/** Numbered changes of the schema, add first and remove later, run at start by one server at a time (storage.md "Growth"). */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Collection, Db } from 'mongodb'
import type { Logger } from 'pino'
import { COLLECTIONS, INDEXES, ROW_COLLECTIONS } from './collections.ts'
import { prepareDeliveryCollections } from './delivery-collections.ts'
import { StoreError } from './store.ts'

interface Migration {
  /** Rises by one; never used again. */
  readonly number: number
  readonly name: string
  /** What it does beside making the collections and indexes that are missing. May run again after a crash in the middle. */
  run?(db: Db): Promise<void>
}

/** One that has nothing to run adds collections or indexes. */
const MIGRATIONS: readonly Migration[] = [
  { number: 1, name: 'collections and indexes' },
  { number: 2, name: 'delivery' },
  { number: 3, name: 'work of the day' },
  { number: 4, name: 'plans never told', run: markNeverTold },
  { number: 5, name: 'replaced numbers', run: nameSubjects },
  { number: 6, name: 'plans that wait for a Patient' },
  { number: 7, name: 'acknowledgements', run: awaitAcknowledgements },
  { number: 8, name: 'pages in the order of an index', run: dropReplaced },
  { number: 9, name: 'seals of the audit' },
  { number: 10, name: 'alerts among the audit' },
  { number: 11, name: 'messages between processes' },
]

/** The lease and the record of what was done, in one collection. */
interface MigrationDocument {
  readonly _id: string
  readonly holder?: string
  readonly until?: Date
  readonly name?: string
}

const LEASE_MS = 15_000
const LEASE_ID = 'lease'
const FREE = { holder: '', until: new Date(0) }
const WAIT_MS = 120_000
const POLL_MS = 100

/** Brings the database up to this program's schema. Waits while another server does so; a database that is ahead of this program is left alone. */
export async function migrate(db: Db, options: { readonly holder: string; readonly log: Logger }): Promise<void> {
  const records = db.collection<MigrationDocument>(COLLECTIONS.migrations)
  const deadline = performance.now() + WAIT_MS
  while ((await findOpen(records)).length > 0) {
    if (await takeLease(records, options.holder)) return runOpen(db, records, options)
    if (performance.now() > deadline) {
      throw new StoreError('transient', 'Another server has been changing the schema of the database for two minutes.')
    }
    await sleep(POLL_MS)
  }
}

async function runOpen(
  db: Db,
  records: Collection<MigrationDocument>,
  { holder, log }: { readonly holder: string; readonly log: Logger },
): Promise<void> {
  const renewal = setInterval(() => void takeLease(records, holder).catch(() => undefined), LEASE_MS / 3)
  try {
    // Read again under the lease: another server may have been quicker.
    const open = await findOpen(records)
    if (open.length > 0) await prepareCollections(db)
    for (const migration of open) {
      await migration.run?.(db)
      await records.updateOne({ _id: idOf(migration) }, { $set: { name: migration.name } }, { upsert: true })
      log.info({ migration: migration.number, name: migration.name }, 'database migrated')
    }
  } finally {
    clearInterval(renewal)
    await records.updateOne({ _id: LEASE_ID, holder }, { $set: FREE })
  }
}

/** Names of migrations that were not run on this database yet. Store I/O. */
export async function findOpenMigrations(db: Db): Promise<readonly string[]> {
  return (await findOpen(db.collection<MigrationDocument>(COLLECTIONS.migrations))).map(({ name }) => name)
}

async function findOpen(records: Collection<MigrationDocument>): Promise<readonly Migration[]> {
  const done = new Set((await records.find({}, { projection: { _id: 1 } }).toArray()).map(({ _id }) => _id))
  return MIGRATIONS.filter((migration) => !done.has(idOf(migration)))
}

/** By the database's clock: takes the lease when it is free, has run out, is this holder's, or ends later than any taken now, as after that clock was set back. */
async function takeLease(records: Collection<MigrationDocument>, holder: string): Promise<boolean> {
  await records.updateOne({ _id: LEASE_ID }, { $setOnInsert: FREE }, { upsert: true })
  const until = { $add: ['$$NOW', LEASE_MS] }
  const isOver = [{ $lt: ['$until', '$$NOW'] }, { $gt: ['$until', until] }]
  const mayTake = { $or: [...isOver, { $eq: ['$holder', { $literal: holder }] }] }
  const { matchedCount } = await records.updateOne({ _id: LEASE_ID, $expr: mayTake }, [
    { $set: { holder: { $literal: holder }, until } },
  ])
  return matchedCount === 1
}

const idOf = (migration: Migration): string => `m${String(migration.number).padStart(4, '0')}`

/** The work of the day looks for plans by the day they were last told on; those of before have none. */
async function markNeverTold(db: Db): Promise<void> {
  const plans = db.collection(ROW_COLLECTIONS.EpisodeOfCare)
  await plans.updateMany({ kind: { $exists: false }, toldOn: { $exists: false } }, { $set: { toldOn: '' } })
}

/** An access made before numbers could be replaced was made under the number that the child still has. */
async function nameSubjects(db: Db): Promise<void> {
  const accesses = db.collection(COLLECTIONS.accesses)
  await accesses.updateMany({ subjectKey: { $exists: false } }, [{ $set: { subjectKey: '$childKey' } }])
}

/** An access made before authorities could answer waits for all of them. */
async function awaitAcknowledgements(db: Db): Promise<void> {
  const accesses = db.collection(COLLECTIONS.accesses)
  await accesses.updateMany({ unacknowledged: { $exists: false } }, [{ $set: { unacknowledged: '$authorities' } }])
}

/** Indexes that a longer one stands in for since; an older server's questions are answered by that one too. */
const REPLACED = [
  [COLLECTIONS.auditEvents, 'subjectKey_1_recorded_-1'],
  [COLLECTIONS.auditEvents, 'authorities_1_recorded_-1'],
  [ROW_COLLECTIONS.EpisodeOfCare, 'owner_1_status_1_start_1'],
] as const

/** Each entry of an index is paid for by every check or upload: what was replaced goes. */
async function dropReplaced(db: Db): Promise<void> {
  for (const [name, index] of REPLACED) {
    const collection = db.collection(name)
    if (await collection.indexExists(index)) await collection.dropIndex(index)
  }
}

/** All of this program, whichever migration brought them. Creating an index makes its collection too: inside a transaction none has to be made. */
async function prepareCollections(db: Db): Promise<void> {
  await prepareDeliveryCollections(db)
  const byCollection = Map.groupBy(INDEXES, ({ collection }) => collection)
  for (const [name, indexes] of byCollection) {
    await db.collection(name).createIndexes(indexes.map(({ fields, options }) => ({ ...options, key: fields })))
  }
  const existing = new Set((await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name))
  for (const name of [COLLECTIONS.children, COLLECTIONS.auditSeals])
    if (!existing.has(name)) await db.createCollection(name)
}
