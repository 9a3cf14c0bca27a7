/** Seals again, with the first data key, what older keys sealed: page by page, in the background, by one process at a time (storage.md "Collections": rotation). */
import { type AnyBulkWriteOperation, Binary, type Db, type Document, MongoServerError, type ObjectId } from 'mongodb'
import { COLLECTIONS, type SealedField } from './collections.ts'
import type { StoreCrypto } from './crypto.ts'
import { mapErrors } from './mongo-errors.ts'
import { SEALED_PLACES, type SealedPlace } from './sealed-places.ts'

export interface ResealScope {
  readonly db: Db
  readonly crypto: StoreCrypto
}

export interface ResealOptions {
  /** Asked before every page, with what the page before did: false ends it. */
  readonly mayGoOn: (done: ResealPage) => Promise<boolean>
  /** Documents of one page. */
  readonly page?: number
}

/** Counts of one page. */
export interface ResealPage {
  readonly looked: number
  readonly resealed: number
}

/** Whether a pass found all under the first key; what the database's role does not let this server change; and how many no key at hand opens. */
export interface ResealOutcome {
  readonly isWhole: boolean
  readonly resealed: number
  readonly locked: readonly string[]
  readonly unopened: number
}

const PAGE = 200
const UNAUTHORIZED = 13

/** Whether a pass under this key has found all in order; then none is needed at the next start. Store I/O. */
export async function isResealed({ db, crypto }: ResealScope): Promise<boolean> {
  const done = await mapErrors(marks(db).findOne({ _id: `resealed/${crypto.sealingKey()}` }))
  return done !== null
}

/** How many documents a pass looks at, about. Store I/O. */
export async function countSealed({ db }: ResealScope): Promise<number> {
  const counts = SEALED_PLACES.map(({ collection }) => db.collection(collection).estimatedDocumentCount())
  return (await mapErrors(Promise.all(counts))).reduce((sum, one) => sum + one, 0)
}

/** One pass over every sealed value. A value that changes meanwhile is left: who changed it sealed it. Store I/O; throws StoreError. */
export async function resealAll(scope: ResealScope, options: ResealOptions): Promise<ResealOutcome> {
  const key = scope.crypto.sealingKey()
  const tally = { resealed: 0, unopened: 0 }
  const locked: string[] = []
  for (const place of SEALED_PLACES) {
    const end = await resealPlace(scope, place, { ...options, tally })
    if (end === 'stopped') return { isWhole: false, locked, ...tally }
    if (end === 'locked') locked.push(place.collection)
  }
  const isWhole = tally.resealed + tally.unopened + locked.length === 0 && key === scope.crypto.sealingKey()
  if (isWhole) {
    const mark = { $set: { name: 'sealed again' } }
    await mapErrors(marks(scope.db).updateOne({ _id: `resealed/${key}` }, mark, { upsert: true }))
  }
  return { isWhole, locked, ...tally }
}

type Tally = { resealed: number; unopened: number }

async function resealPlace(
  scope: ResealScope,
  place: SealedPlace,
  { mayGoOn, page = PAGE, tally }: ResealOptions & { readonly tally: Tally },
): Promise<'ended' | 'stopped' | 'locked'> {
  // a text in most collections: the driver's type for ids stands for both
  let after: ObjectId | undefined
  let done: ResealPage = { looked: 0, resealed: 0 }
  for (;;) {
    if (!(await mayGoOn(done))) return 'stopped'
    const documents = await readPage(scope, place, { after, page })
    if (documents.length === 0) return 'ended'
    const found = documents.map((one) => changeOf(scope.crypto, place, one))
    const changes = found.filter((one) => typeof one === 'object')
    tally.unopened += found.filter((one) => one === 'unopened').length
    const written = await write(scope.db, place, changes)
    if (written === 'locked') return 'locked'
    tally.resealed += changes.length
    done = { looked: documents.length, resealed: written }
    after = documents.at(-1)?.['_id']
  }
}

function readPage(
  { db }: ResealScope,
  { collection, field }: SealedPlace,
  { after, page }: { readonly after: ObjectId | undefined; readonly page: number },
): Promise<Document[]> {
  const filter = after === undefined ? {} : { _id: { $gt: after } }
  const options = { sort: { _id: 1 }, limit: page, projection: { _id: 1, id: 1, version: 1, [field]: 1 } } as const
  return mapErrors(db.collection<Document>(collection).find(filter, options).toArray())
}

/** `fine` when nothing is sealed there, or the first key did it. A change matches only what was read: a newer version stays. */
function changeOf(
  crypto: StoreCrypto,
  place: SealedPlace,
  document: Document,
): AnyBulkWriteOperation<Document> | 'fine' | 'unopened' {
  const sealed = document[place.field] as SealedField | undefined
  if (sealed === undefined || sealed.key === crypto.sealingKey()) return 'fine'
  const where = place.placeOf(document)
  const plain = openOrNone(crypto, sealed, where)
  if (plain === undefined) return 'unopened'
  const { key, data } = crypto.seal(plain, where)
  const filter = { _id: document['_id'], [`${place.field}.data`]: sealed.data }
  return { updateOne: { filter, update: { $set: { [place.field]: { key, data: new Binary(data) } } } } }
}

function openOrNone(crypto: StoreCrypto, { key, data }: SealedField, place: string): Buffer | undefined {
  try {
    return crypto.open({ key, data: Buffer.from(data.buffer) }, place)
  } catch {
    return undefined
  }
}

async function write(
  db: Db,
  { collection }: SealedPlace,
  changes: AnyBulkWriteOperation<Document>[],
): Promise<number | 'locked'> {
  if (changes.length === 0) return 0
  try {
    return (await db.collection<Document>(collection).bulkWrite(changes, { ordered: false })).modifiedCount
  } catch (error) {
    if (error instanceof MongoServerError && error.code === UNAUTHORIZED) return 'locked'
    return mapErrors(Promise.reject(error))
  }
}

const marks = (db: Db) => db.collection<{ readonly _id: string; readonly name?: string }>(COLLECTIONS.migrations)
