/** The seals on MongoDB: finds what is not sealed by two indexes, without marking the audit, and adds one seal after the other (issue 6; storage.md "Collections"). */
import type { Collection, Filter, FindCursor } from 'mongodb'
import type { KeptRecord, Seal, SealEntry } from '../domain/audit-seal.ts'
import { slicesOf } from '../turns.ts'
import { COLLECTIONS } from './collections.ts'
import { deliveryCollections } from './delivery-collections.ts'
import { guardByLease, prepareWorkLeases, releaseWork, takeWork, unlessLost } from './delivery-leases.ts'
import type { Lease } from './delivery-store.ts'
import type { AuditDocument } from './mongo-audits.ts'
import { mapErrors } from './mongo-errors.ts'
import type { MongoHandle } from './mongo-handle.ts'
import { OPERATION_MS } from './scope.ts'
import {
  MINUTE_CHARACTERS,
  minuteOf,
  type SealDocument,
  type SealListDocument,
  toEntries,
  toKept,
  toListDocuments,
  toSeal,
  toSealDocument,
  toWrittenEntry,
} from './seal-documents.ts'
import type { RecordedRange, SealStore, Unsealed } from './seal-store.ts'
import { StoreError } from './store.ts'

export interface SealCollections {
  readonly seals: Collection<SealDocument>
  readonly lists: Collection<SealListDocument>
  readonly audits: Collection<AuditDocument>
}

/** No I/O. */
export function sealCollections({ db }: Pick<MongoHandle, 'db'>): SealCollections {
  return {
    seals: db.collection(COLLECTIONS.auditSeals),
    lists: db.collection(COLLECTIONS.auditSealLists),
    audits: db.collection(COLLECTIONS.auditEvents),
  }
}

/** A header that can be one: what someone else has put there must not stand in the way. */
const NUMBERED: Filter<SealDocument> = { _id: { $gt: 0 } }
const READING = { maxTimeMS: OPERATION_MS } as const
/** Whole documents read in one go: the server answers checks in between. */
const BATCH = 50
/** Ids, and hashes, read in one go. */
const IDS_BATCH = 500
const MOST_MINUTES = 100

/** Makes its lease, then gives the store. Database I/O; every method throws StoreError only. */
export async function openSealStore(handle: MongoHandle): Promise<SealStore> {
  const leases = deliveryCollections(handle.db)
  const collections = sealCollections(handle)
  await mapErrors(prepareWorkLeases(leases))
  return {
    take: (holder) => mapErrors(takeWork(leases, 'seal', holder)),
    release: (lease) => mapErrors(releaseWork(leases, lease)),
    head: () => mapErrors(findHead(collections)),
    list: (page) => mapErrors(listSeals(collections, page)),
    entries: (number) => mapErrors(findEntries(collections, number)),
    unsealed: (range, limit) => mapErrors(findUnsealed(collections, range, limit)),
    firstRecorded: (range) => mapErrors(findFirstRecorded(collections, range)),
    unevenMinutes: (range) => mapErrors(findUnevenMinutes(collections, range)),
    append: (lease, seal, entries) => append({ handle, collections }, { lease, seal, entries }),
  }
}

async function findHead({ seals }: SealCollections): Promise<Seal | undefined> {
  const head = await seals.findOne(NUMBERED, { sort: { _id: -1 }, ...READING })
  return head === null ? undefined : toSeal(head)
}

/** Seals after that number, oldest first. Store I/O; rejects with the driver's error. */
export async function listSeals(
  { seals }: SealCollections,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<readonly Seal[]> {
  const page = await seals.find({ _id: { $gt: after } }, { sort: { _id: 1 }, limit, ...READING }).toArray()
  return page.map(toSeal)
}

/** What a seal closed, in its order. Store I/O; rejects with the driver's error. */
export async function findEntries({ lists }: SealCollections, number: number): Promise<readonly SealEntry[]> {
  return (await lists.find({ seal: number }, { sort: { part: 1 }, ...READING }).toArray()).flatMap(toEntries)
}

/** The sealed first, then the audit: what is sealed between the two is refused by append. */
async function findUnsealed(collections: SealCollections, range: RecordedRange, limit: number): Promise<Unsealed> {
  const sealed = await findSealedIds(collections, range)
  const filter = { ...recordedIn(range), _id: { $type: 'string' } } as Filter<AuditDocument>
  const order = { sort: { recorded: 1, _id: 1 }, projection: { _id: 1, recorded: 1 } } as const
  const options = { ...order, batchSize: IDS_BATCH, ...READING }
  const ids: string[] = []
  const minutes = new Set<string>()
  let isAll = true
  for await (const batch of batchesOf(collections.audits.find(filter, options))) {
    for (const { _id, recorded } of batch) {
      if (sealed.has(_id)) continue
      // a list has one part for each minute: a seal over a quiet year would have too many
      isAll = ids.length < limit && (minutes.size < MOST_MINUTES || minutes.has(minuteOf(recorded)))
      if (!isAll) break
      minutes.add(minuteOf(recorded))
      ids.push(_id)
    }
    if (!isAll) break
  }
  return { ...(await readUnsealed(collections, ids)), isAll }
}

/** As they come from the database: a promise for each document costs more than the document. */
async function* batchesOf<T>(cursor: FindCursor<T>): AsyncGenerator<readonly T[]> {
  try {
    while (await cursor.hasNext()) yield cursor.readBufferedDocuments()
  } finally {
    await cursor.close()
  }
}

/** A list without its seal hides nothing. */
async function findSealedIds(collections: SealCollections, range: RecordedRange): Promise<ReadonlySet<string>> {
  const minute = { $gte: minuteOf(range.from), ...(range.before === undefined ? {} : { $lt: range.before }) }
  const options = { projection: { _id: 0, ids: 1 }, batchSize: 1, ...READING } as const
  const ids = new Set<string>()
  const filter = { minute, to: { $gte: range.from }, seal: await uptoHead(collections) }
  for await (const part of collections.lists.find(filter, options)) for (const id of part.ids) ids.add(id)
  return ids
}

/** Their hashes, and those without one whole. */
async function readUnsealed({ audits }: SealCollections, ids: readonly string[]): Promise<Omit<Unsealed, 'isAll'>> {
  const entries: SealEntry[] = []
  const without: string[] = []
  const records: KeptRecord[] = []
  const written = { projection: { recorded: 1, content: 1 }, ...READING } as const
  for (const batch of slicesOf(ids, IDS_BATCH)) {
    for (const one of await audits.find({ _id: { $in: batch } }, written).toArray()) {
      const entry = toWrittenEntry(one)
      if (entry === undefined) without.push(one._id)
      else entries.push(entry)
    }
  }
  for (const batch of slicesOf(without, BATCH))
    records.push(...(await audits.find({ _id: { $in: batch } }, READING).toArray()).map(toKept))
  return { entries, records }
}

async function findFirstRecorded({ audits }: SealCollections, range: RecordedRange): Promise<string | undefined> {
  const options = { sort: { recorded: 1, _id: 1 }, projection: { _id: 0, recorded: 1 }, ...READING } as const
  return (await audits.findOne(recordedIn(range), options))?.recorded
}

async function uptoHead(collections: SealCollections): Promise<{ readonly $lte: number }> {
  return { $lte: (await findHead(collections))?.number ?? 0 }
}

async function findUnevenMinutes(collections: SealCollections, range: RecordedRange): Promise<readonly string[]> {
  const { audits, lists } = collections
  const seal = await uptoHead(collections)
  const minute = { $substrCP: ['$recorded', 0, MINUTE_CHARACTERS] }
  const there = audits.aggregate<Counted>(
    [{ $match: recordedIn(range) }, { $group: { _id: minute, count: { $sum: 1 } } }],
    READING,
  )
  const bounds = { $gte: minuteOf(range.from), ...(range.before === undefined ? {} : { $lt: range.before }) }
  const sealed = lists.aggregate<Counted>(
    [{ $match: { minute: bounds, seal } }, { $group: { _id: '$minute', count: { $sum: '$count' } } }],
    READING,
  )
  const counts = new Map((await sealed.toArray()).map(({ _id, count }) => [_id, count]))
  const uneven = (await there.toArray()).filter(({ _id, count }) => counts.get(_id) !== count)
  return uneven.map(({ _id }) => _id).toSorted()
}

interface Counted {
  readonly _id: string
  readonly count: number
}

function recordedIn({ from, before }: RecordedRange): Filter<AuditDocument> {
  return { recorded: { $gte: from, ...(before === undefined ? {} : { $lt: before }) } }
}

async function append(
  { handle, collections }: { readonly handle: MongoHandle; readonly collections: SealCollections },
  { lease, seal, entries }: { readonly lease: Lease; readonly seal: Seal; readonly entries: readonly SealEntry[] },
): Promise<boolean> {
  const parts = toListDocuments(seal, entries)
  try {
    return await unlessLost(() =>
      handle.transact(async (session) => {
        await guardByLease(deliveryCollections(handle.db), lease, session)
        await collections.seals.insertOne(toSealDocument(seal), { session })
        if (parts.length > 0) await collections.lists.insertMany(parts, { session })
      }),
    )
  } catch (error) {
    if (!(error instanceof StoreError) || error.kind !== 'duplicate') throw error
    if ((await mapErrors(collections.seals.countDocuments({ _id: seal.number }, READING))) > 0) return false
    throw new StoreError(
      'conflict',
      `A list of seal ${seal.number} of the audit is in the database without its seal. Run \`cpis audit verify\`.`,
    )
  }
}
