/** The audit and its seals as `cpis audit verify` reads them: the database itself, nothing believed, a bounded part at a time (issue 6). */
import { type Document, type Filter, MongoClient } from 'mongodb'
import type { KeptRecord, Seal, SealEntry } from '../domain/audit-seal.ts'
import type { Keys } from '../keys.ts'
import { COLLECTIONS } from './collections.ts'
import { buildCrypto, type StoreCrypto } from './crypto.ts'
import type { AuditDocument } from './mongo-audits.ts'
import { mapErrors } from './mongo-errors.ts'
import { findEntries, listSeals, type SealCollections, sealCollections } from './mongo-seals.ts'
import { openJson } from './row-document.ts'
import { minuteOf, parseExtended, toEntries, toKept } from './seal-documents.ts'
import type { RecordedRange } from './seal-store.ts'

/** A month that was written to an archive and removed. */
export interface ArchiveMark {
  readonly month: string
  readonly count: number
}

/** Id and time of a record, as text whatever someone has put there. */
export interface RecordName {
  readonly id: string
  readonly recorded: string
}

/** A record as it is found now, in the database or in an archive. */
export interface StoredRecord {
  readonly kept: KeptRecord
  /** The hash it was written with; older ones have none. */
  readonly written?: string
  /** Whether its sealed number opens to the child that it names by subjectKey; absent without one. */
  readonly number?: 'fine' | 'other' | 'unopened'
}

/** Every method reads majority-committed data and throws StoreError while it cannot. */
export interface AuditInspection {
  seals(page: { readonly after: number; readonly limit: number }): Promise<readonly Seal[]>
  entries(number: number): Promise<readonly SealEntry[]>
  /** What is there now of these records, by id. */
  records(ids: readonly string[]): Promise<ReadonlyMap<string, StoredRecord>>
  /** A record as stored, its sealed number left out, for a proof; and the seals that list it. */
  findRecord(
    id: string,
  ): Promise<{ readonly fields: Readonly<Record<string, unknown>>; readonly seals: readonly number[] } | undefined>
  /** Names of all records of the range, by time, in batches. Ids that no seal could list are there too. */
  names(range: RecordedRange): AsyncIterable<readonly RecordName[]>
  /** Records without a time that is text: the register writes none. */
  oddNames(): Promise<readonly RecordName[]>
  /** Sealed records of the minutes of these times, by id, as the lists of seals up to that number say. */
  sealedAt(times: readonly string[], upto: number): Promise<ReadonlyMap<string, SealEntry>>
  /** Sealed records of each minute of a month (`YYYY-MM`), likewise. */
  countsOf(month: string, upto: number): Promise<ReadonlyMap<string, number>>
  archives(): Promise<readonly ArchiveMark[]>
  /** A document as an archive keeps it (canonical extended JSON, one line), and whether its number is of its child. */
  readArchived(line: string): StoredRecord
  close(): Promise<void>
}

const BATCH = 2_000
const ODD = 20
const SELECTION_MS = 5_000

/** Connects. Throws StoreError when it cannot be reached. */
export async function openAuditInspection(where: {
  readonly url: string
  readonly database: string
  readonly keys: Pick<Keys, 'hmac' | 'data'>
}): Promise<AuditInspection> {
  const client = new MongoClient(where.url, {
    appName: 'cpis-audit',
    serverSelectionTimeoutMS: SELECTION_MS,
    readConcernLevel: 'majority',
    readPreference: 'primary',
  })
  await mapErrors(client.connect())
  const db = client.db(where.database)
  const crypto = buildCrypto(where.keys)
  const collections = sealCollections({ db })
  return {
    seals: (page) => mapErrors(listSeals(collections, page)),
    entries: (number) => mapErrors(findEntries(collections, number)),
    records: (ids) => mapErrors(findRecords(collections, crypto, ids)),
    findRecord: (id) => mapErrors(findRecord(collections, id)),
    names: (range) => readNames(collections, range),
    oddNames: () => mapErrors(findOddNames(collections)),
    sealedAt: (times, upto) => mapErrors(findSealedAt(collections, { times, upto })),
    countsOf: (month, upto) => mapErrors(countMinutes(collections, { month, upto })),
    archives: async () => {
      const marks = await mapErrors(db.collection(COLLECTIONS_OF_ARCHIVES).find().sort({ _id: 1 }).toArray())
      return marks.map(({ _id, count }) => ({ month: String(_id), count: Number(count) }))
    },
    readArchived: (line) => toStored(crypto, parseExtended(line)),
    close: () => client.close(),
  }
}

const COLLECTIONS_OF_ARCHIVES = 'auditArchives'

async function findRecords(
  { audits }: SealCollections,
  crypto: StoreCrypto,
  ids: readonly string[],
): Promise<ReadonlyMap<string, StoredRecord>> {
  const found = await audits.find({ _id: { $in: ids } }).toArray()
  return new Map(found.map((one) => [one._id, toStored(crypto, one)]))
}

function toStored(crypto: StoreCrypto, document: AuditDocument): StoredRecord {
  const { number, subjectKey, content } = document
  return {
    kept: toKept(document),
    ...(content === undefined ? {} : { written: String(content) }),
    ...(number === undefined && subjectKey === undefined ? {} : { number: checkNumber(crypto, document) }),
  }
}

/** The child must be the one whose keyed hash the leaf covers. */
function checkNumber(crypto: StoreCrypto, { _id, number, subjectKey }: AuditDocument): 'fine' | 'other' | 'unopened' {
  if (number === undefined) return 'unopened'
  try {
    const nhsNumber = openJson<Parameters<StoreCrypto['subjectKey']>[0]>(
      number,
      `${COLLECTIONS.auditEvents}/${_id}/1`,
      crypto,
    )
    return crypto.subjectKey(nhsNumber) === subjectKey ? 'fine' : 'other'
  } catch {
    return 'unopened'
  }
}

async function findRecord({ audits, lists }: SealCollections, id: string): ReturnType<AuditInspection['findRecord']> {
  const document = await audits.findOne({ _id: id })
  if (document === null) return undefined
  const listing = await lists
    .find({ minute: minuteOf(document.recorded), ids: id }, { projection: { seal: 1 }, sort: { seal: 1 } })
    .toArray()
  return { fields: toKept(document).fields, seals: listing.map(({ seal }) => seal) }
}

async function* readNames({ audits }: SealCollections, range: RecordedRange): AsyncGenerator<readonly RecordName[]> {
  const { from, before } = range
  const filter: Filter<Document> = { recorded: { $gte: from, ...(before === undefined ? {} : { $lt: before }) } }
  const options = { sort: { recorded: 1, _id: 1 }, projection: { _id: 1, recorded: 1 }, batchSize: BATCH } as const
  let batch: RecordName[] = []
  for await (const { _id, recorded } of audits.find(filter as Filter<AuditDocument>, options)) {
    batch.push({ id: String(_id), recorded })
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

async function findOddNames({ audits }: SealCollections): Promise<readonly RecordName[]> {
  const odd = { recorded: { $not: { $type: 'string' } } } as Filter<AuditDocument>
  const found = await audits.find(odd, { projection: { recorded: 1 }, limit: ODD }).toArray()
  return found.map(({ _id, recorded }) => ({ id: String(_id), recorded: String(recorded) }))
}

async function findSealedAt(
  { lists }: SealCollections,
  { times, upto }: { readonly times: readonly string[]; readonly upto: number },
): Promise<ReadonlyMap<string, SealEntry>> {
  const minutes = [...new Set(times.map(minuteOf))]
  const sealed = new Map<string, SealEntry>()
  for await (const part of lists.find({ minute: { $in: minutes }, seal: { $gte: 1, $lte: upto } }))
    if (Number.isInteger(part.seal)) for (const entry of toEntries(part)) sealed.set(entry.id, entry)
  return sealed
}

async function countMinutes(
  { lists }: SealCollections,
  { month, upto }: { readonly month: string; readonly upto: number },
): Promise<ReadonlyMap<string, number>> {
  const counts = await lists
    .aggregate<{ readonly _id: string; readonly count: number }>([
      { $match: { minute: { $gte: month, $lt: `${month}\uffff` }, seal: { $gte: 1, $lte: upto } } },
      { $group: { _id: '$minute', count: { $sum: '$count' } } },
    ])
    .toArray()
  return new Map(counts.toSorted((a, b) => (a._id < b._id ? -1 : 1)).map(({ _id, count }) => [_id, count]))
}
