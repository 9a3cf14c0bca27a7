/** Archives whole months of what only grows, then removes them (storage.md "Growth"; security.md "Audit": a separate command under a separate database role). Interrupted anywhere, it can run again: nothing is removed that was not read back from the disk. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Collection, type Document, MongoClient } from 'mongodb'
import { type ArchiveContent, lineOf, readArchive, writeArchive } from './archive-file.ts'
import { mapErrors } from './mongo-errors.ts'

/** What can be archived: the collection, its field of time (an instant as text), and where the months that were are written down. */
export const ARCHIVED = {
  auditEvents: { field: 'recorded', marks: 'auditArchives' },
  accesses: { field: 'at', marks: 'accessArchives' },
  acknowledgements: { field: 'recorded', marks: 'acknowledgementArchives' },
} as const
export type Archived = keyof typeof ARCHIVED

/** A month that stands whole in a file. `_id` is `YYYY-MM`. */
interface MarkDocument {
  readonly _id: string
  readonly count: number
  readonly sha256: string
  readonly at: Date
}

/** Where one month stands. */
export interface MonthFound {
  readonly month: string
  /** Records of it in the database. */
  readonly count: number
  readonly isMarked: boolean
}

export interface MonthArchived extends ArchiveContent {
  readonly month: string
  readonly removed: number
  /** Records of the month that came after it was archived: they stay. */
  readonly stayed: number
}

/** A step that is done; tests end the process behind each. */
export type ArchiveStep = 'written' | 'verified' | 'marked' | 'removed-some' | 'removed'

export interface ArchiveJob {
  readonly what: Archived
  readonly folder: string
  readonly at: Date
  readonly onStep?: (step: ArchiveStep) => void
}

/** The file on the disk is not the month in the database. The message names the file and the remedy. */
export class ArchiveFault extends Error {}

export interface Archivist {
  /** The months up to that one (`YYYY-MM`, inclusive) that have records in the database, oldest first. */
  months(what: Archived, last: string): Promise<readonly MonthFound[]>
  /** Writes, verifies, marks and removes one month. Throws ArchiveFault having removed nothing more. Disk and database I/O. */
  archive(month: string, job: ArchiveJob): Promise<MonthArchived>
  close(): Promise<void>
}

const BATCH = 1_000
const SELECTION_MS = 5_000

/** Connects. Throws StoreError when the database cannot be reached. */
export async function openArchivist(where: { readonly url: string; readonly database: string }): Promise<Archivist> {
  const client = new MongoClient(where.url, {
    appName: 'cpis-archive',
    serverSelectionTimeoutMS: SELECTION_MS,
    readConcernLevel: 'majority',
    readPreference: 'primary',
    writeConcern: { w: 'majority', journal: true },
  })
  await mapErrors(client.connect())
  const db = client.db(where.database)
  const placesOf = (what: Archived): Places => ({
    records: db.collection<RecordDocument>(what),
    marks: db.collection<MarkDocument>(ARCHIVED[what].marks),
    field: ARCHIVED[what].field,
  })
  return {
    months: (what, last) => mapErrors(findMonths(placesOf(what), last)),
    archive: (month, job) => mapErrors(archiveMonth(month, job, placesOf(job.what))),
    close: () => client.close(),
  }
}

interface RecordDocument extends Document {
  readonly _id: string
}

interface Places {
  readonly records: Collection<RecordDocument>
  readonly marks: Collection<MarkDocument>
  readonly field: 'recorded' | 'at'
}

async function findMonths({ records, marks, field }: Places, last: string): Promise<readonly MonthFound[]> {
  const [found, marked] = await Promise.all([
    records
      .aggregate<{ readonly _id: string; readonly count: number }>([
        { $match: { [field]: { $lt: endOf(last) } } },
        { $group: { _id: { $substrCP: [`$${field}`, 0, 'YYYY-MM'.length] }, count: { $sum: 1 } } },
        { $sort: { _id: 1 } },
      ])
      .toArray(),
    marks.find().toArray(),
  ])
  const names = new Set(marked.map(({ _id }) => _id))
  return found.map(({ _id, count }) => ({ month: _id, count, isMarked: names.has(_id) }))
}

/** The steps, each of which finds what the one before has left. */
async function archiveMonth(month: string, job: ArchiveJob, places: Places): Promise<MonthArchived> {
  const path = fileOf(month, job)
  const mark = await places.marks.findOne({ _id: month })
  const content = mark ?? (await markMonth(month, { path, job, places }))
  const removed = await removeMonth(month, { path, job, places, content })
  job.onStep?.('removed')
  const stayed = await places.records.countDocuments(rangeOf(month, places.field))
  return { month, count: content.count, sha256: content.sha256, removed, stayed }
}

/** Where a month lies in the folder. Pure. */
export function fileOf(month: string, { what, folder }: Pick<ArchiveJob, 'what' | 'folder'>): string {
  return join(folder, `${what}-${month}.ndjson.gz`)
}

interface Work {
  readonly path: string
  readonly job: ArchiveJob
  readonly places: Places
}

async function markMonth(month: string, { path, job, places }: Work): Promise<ArchiveContent> {
  const documents = (): AsyncIterable<Document> =>
    places.records.find(rangeOf(month, places.field), { sort: { [places.field]: 1, _id: 1 }, allowDiskUse: true })
  // a file that is there was written by a run that broke off, or is of another database: it is never written over
  const written = existsSync(path) ? undefined : await writeArchive(path, documents())
  if (written !== undefined) job.onStep?.('written')
  const content = await verify(path, documents())
  if (written !== undefined && (written.count !== content.count || written.sha256 !== content.sha256)) {
    throw new ArchiveFault(`${path} is not on the disk as it was written. Look at the disk; nothing was removed.`)
  }
  job.onStep?.('verified')
  await places.marks.insertOne({ _id: month, ...content, at: job.at })
  job.onStep?.('marked')
  return content
}

/** Every record of the month that is in the database must be a line, in its order and byte for byte but for its seal. */
async function verify(path: string, documents: AsyncIterable<Document>): Promise<ArchiveContent> {
  const records = documents[Symbol.asyncIterator]()
  let wanted = await records.next()
  const content = await readArchive(path, async (line) => {
    if (wanted.done === true || line['_id'] !== wanted.value['_id']) return
    if (comparable(line) !== comparable(wanted.value)) throw otherContent(path)
    wanted = await records.next()
  }).catch((cause: unknown) => {
    if (cause instanceof ArchiveFault) throw cause
    throw new ArchiveFault(`${path} cannot be read to its end. Move it away, then run this again.`, { cause })
  })
  if (wanted.done !== true) throw otherContent(path)
  return content
}

function otherContent(path: string): ArchiveFault {
  return new ArchiveFault(
    `${path} does not hold all that the database holds of its month. Move it away, then run this again; nothing was removed.`,
  )
}

/** A rotation of keys may seal a number again between writing and reading: what is sealed stays the same. */
function comparable(document: Document): string {
  const { number: _sealed, ...rest } = document
  return lineOf(rest)
}

/** Removes what is a line of the file, and nothing else; only once the whole file is again found to be the one that was marked. */
async function removeMonth(
  month: string,
  { path, job, places, content }: Work & { readonly content: ArchiveContent },
): Promise<number> {
  if (!existsSync(path)) throw new ArchiveFault(`${path} is not there, and ${month} was archived: bring it back.`)
  const onDisk = await readArchive(path, () => undefined).catch(() => undefined)
  if (onDisk?.count !== content.count || onDisk.sha256 !== content.sha256) {
    throw new ArchiveFault(`${path} is not the file that was archived (SHA-256 ${content.sha256}): bring that back.`)
  }
  let removed = 0
  let ids: string[] = []
  const removeBatch = async (): Promise<void> => {
    const batch = ids.splice(0)
    const { deletedCount } = await places.records.deleteMany({ ...rangeOf(month, places.field), _id: { $in: batch } })
    removed += deletedCount
    job.onStep?.('removed-some')
  }
  await readArchive(path, async ({ _id }) => {
    ids.push(String(_id))
    if (ids.length >= BATCH) await removeBatch()
  })
  if (ids.length > 0) await removeBatch()
  ids = []
  return removed
}

function rangeOf(
  month: string,
  field: Places['field'],
): Record<string, { readonly $gte: string; readonly $lt: string }> {
  return { [field]: { $gte: month, $lt: endOf(month) } }
}

/** Instants are text in UTC: all of a month begin with its name. */
function endOf(month: string): string {
  return `${month}\uffff`
}
