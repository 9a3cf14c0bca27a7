/** `cpis backup`: everything at one point in time, read through a snapshot session while the server goes on (MongoDB manual, "Read Concern snapshot"). */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { BSON, type ClientSession, type Db, type Document, MongoClient, MongoServerError, Timestamp } from 'mongodb'
import {
  type BackedUpCollection,
  type BackedUpFile,
  BackupError,
  buildManifest,
  MANIFEST,
  type Manifest,
  type Metadata,
} from './backup-format.ts'
import { COLLECTIONS, ROW_COLLECTIONS } from './collections.ts'
import { toStoreError } from './mongo-errors.ts'
import { findRestoreFault } from './restore-mark.ts'
import { SEALED_PLACES } from './sealed-places.ts'
import { holdHistory } from './snapshot-history.ts'

export interface BackupOptions {
  readonly url: string
  readonly database: string
  /** Made when absent; refused when anything is in it. */
  readonly folder: string
  readonly gzip: boolean
  /** Version of this program. */
  readonly program: string
  readonly clock: () => Date
  readonly onCollection?: (done: { readonly name: string; readonly documents: number }) => void | Promise<void>
}

export interface BackupOutcome {
  readonly manifest: Manifest
  /** Whether the database was told to keep the past for as long as this takes; else only its own window (300 s, unless set) is sure. */
  readonly isHistoryHeld: boolean
}

const BATCH = 2_000
const CHUNK_BYTES = 1 << 18
const TOO_OLD = [239, 246]

/** Writes the folder (0700) and its files (0600); the manifest comes last. Throws BackupError, StoreError when the database is not there. Disk and store I/O. */
export async function writeBackup(options: BackupOptions): Promise<BackupOutcome> {
  await prepareFolder(options)
  const client = new MongoClient(options.url, {
    compressors: ['none'],
    serverSelectionTimeoutMS: 5_000,
    readPreference: 'primary',
  })
  try {
    await client.connect()
    const fault = await findRestoreFault(client.db(options.database))
    if (fault !== undefined) throw new BackupError(fault)
    const history = await holdHistory(client)
    try {
      return { manifest: await dump(client, options), isHistoryHeld: history.isHeld }
    } finally {
      await history.release()
    }
  } catch (error) {
    throw toBackupError(error)
  } finally {
    await client.close()
  }
}

async function prepareFolder({ folder, database }: BackupOptions): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if ((await readdir(folder)).length > 0)
    throw new BackupError(`${folder} is not empty. Name a new folder for each backup.`)
  await chmod(folder, 0o700)
  await mkdir(join(folder, database), { mode: 0o700 })
}

function toBackupError(error: unknown): unknown {
  if (error instanceof BackupError) return error
  if (error instanceof MongoServerError && TOO_OLD.includes(Number(error.code))) {
    const words =
      'The backup took longer than the database keeps the past. Raise minSnapshotHistoryWindowInSeconds on every member (or let this user set it), then take another one.'
    return new BackupError(words, { cause: error })
  }
  const { code } = Object(error)
  if (code === 'ENOSPC')
    return new BackupError('The disk of the backup is full. Remove the folder, make room, then take another one.', {
      cause: error,
    })
  return error instanceof Error && 'syscall' in error
    ? new BackupError(`The backup cannot be written: ${String(code)}.`, { cause: error })
    : toStoreError(error)
}

async function dump(client: MongoClient, options: BackupOptions): Promise<Manifest> {
  const db = client.db(options.database)
  const begunAt = options.clock().toISOString()
  const session = client.startSession({ snapshot: true })
  try {
    const schema = await readSchema(db, session)
    if (schema.length === 0)
      throw new BackupError(`The database ${options.database} holds no register: there is nothing to back up.`)
    const collections: BackedUpCollection[] = []
    for (const found of await listCollections(db)) {
      const done = await dumpCollection(found, { db, session, options })
      await options.onCollection?.(done)
      collections.push(done)
    }
    const { version } = await db.admin().command({ buildInfo: 1 })
    const at: unknown = Reflect.get(session, 'snapshotTime')
    if (!(at instanceof Timestamp))
      throw new BackupError('The database read no snapshot. It must be a replica set of MongoDB 5 or later.')
    const manifest = buildManifest({
      program: options.program,
      mongodb: String(version),
      database: options.database,
      begunAt,
      endedAt: options.clock().toISOString(),
      clusterTime: { seconds: at.getHighBits(), increment: at.getLowBits() },
      schema,
      keys: { data: await findDataKeys(db, session), hmac: await findHmacKeys(db, session) },
      collections,
    })
    const text = `${JSON.stringify(manifest, null, 2)}\n`
    await writeFile(join(options.folder, MANIFEST), text, { mode: 0o600, flag: 'wx', flush: true })
    return manifest
  } finally {
    await session.endSession()
  }
}

/** The first reading: it fixes the point in time. */
async function readSchema(db: Db, session: ClientSession): Promise<readonly string[]> {
  const done = await db
    .collection<{ _id: string }>(COLLECTIONS.migrations)
    .find({ _id: /^m\d+$/ }, { session })
    .toArray()
  return done.map(({ _id }) => _id).toSorted()
}

interface Found {
  readonly name: string
  readonly options: Document
}

async function listCollections(db: Db): Promise<readonly Found[]> {
  const found = await db.listCollections({ type: 'collection' }).toArray()
  return found
    .filter(({ name }) => !name.startsWith('system.'))
    .map(({ name, ...rest }) => ({ name, options: 'options' in rest ? (rest.options ?? {}) : {} }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

interface Dumping {
  readonly db: Db
  readonly session: ClientSession
  readonly options: BackupOptions
}

async function dumpCollection(
  { name, options: own }: Found,
  { db, session, options }: Dumping,
): Promise<BackedUpCollection> {
  const { folder, database, gzip } = options
  const ending = gzip ? '.gz' : ''
  // MongoDB allows it, no collection of the register has it, and it must not become a path
  if (!/^\w+$/.test(name))
    throw new BackupError(
      `The database holds a collection that is none of the register's. Move it to another database.`,
    )
  const [dataPath, metadataPath] = [`${database}/${name}.bson${ending}`, `${database}/${name}.metadata.json${ending}`]
  const indexes = await db.collection(name).indexes()
  const metadata: Metadata = { indexes, collectionName: name, type: 'collection', options: own }
  const text = Buffer.from(BSON.EJSON.stringify(metadata, { relaxed: false }))
  let documents = 0
  const count = (): void => {
    documents += 1
  }
  const found = db.collection<Document>(name).find({}, { session, raw: true, batchSize: BATCH, sort: { _id: 1 } })
  const data = await writeFileOf(join(folder, dataPath), { path: dataPath, gzip }, inChunks(found, count))
  const beside = await writeFileOf(join(folder, metadataPath), { path: metadataPath, gzip }, [text])
  return { name, documents, data, metadata: beside }
}

/** Raw documents in larger pieces. */
async function* inChunks(documents: AsyncIterable<Document>, onEach: () => void): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = []
  let length = 0
  for await (const document of documents) {
    if (!(document instanceof Uint8Array)) throw new BackupError('The driver gave no raw documents.')
    const piece = Buffer.from(document)
    onEach()
    pieces.push(piece)
    length += piece.length
    if (length < CHUNK_BYTES) continue
    yield Buffer.concat(pieces)
    pieces = []
    length = 0
  }
  if (length > 0) yield Buffer.concat(pieces)
}

async function writeFileOf(
  file: string,
  { path, gzip }: { readonly path: string; readonly gzip: boolean },
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
): Promise<BackedUpFile> {
  const hash = createHash('sha256')
  let bytes = 0
  const measure = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      hash.update(chunk)
      bytes += chunk.length
      yield chunk
    }
  }
  const target = createWriteStream(file, { mode: 0o600, flags: 'wx', flush: true })
  const source = Readable.from(chunks)
  await (gzip ? pipeline(source, createGzip({ level: 1 }), measure, target) : pipeline(source, measure, target))
  return { path, bytes, sha256: hash.digest('hex') }
}

async function findDataKeys(db: Db, session: ClientSession): Promise<readonly string[]> {
  const found = new Set<string>()
  for (const { collection, field } of SEALED_PLACES) {
    for (const key of await db.collection(collection).distinct(`${field}.key`, {}, { session })) found.add(String(key))
  }
  return [...found].toSorted()
}

/** Ids of the HMAC keys under which numbers are found: the part of a subject key before its point. */
async function findHmacKeys(db: Db, session: ClientSession): Promise<readonly string[]> {
  const found = new Set<string>()
  for (const name of [ROW_COLLECTIONS.EpisodeOfCare, COLLECTIONS.auditEvents]) {
    const one = await db.collection(name).findOne({ subjectKey: { $exists: true } }, { session })
    if (one !== null) found.add(String(one['subjectKey']).split('.')[0] ?? '')
  }
  return [...found].toSorted()
}
