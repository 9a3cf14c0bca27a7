/** `cpis restore`: a backup back into an empty database, its hashes checked before, its counts after, and nothing of it usable until it is whole. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { BSON, type Db, type Document, MongoClient } from 'mongodb'
import type { Keys } from '../keys.ts'
import {
  type BackedUpCollection,
  BackupError,
  checkFile,
  type Manifest,
  type Metadata,
  readDocuments,
  readManifest,
} from './backup-format.ts'
import { buildKeyCheck, type KeyCheck } from './backup-keys.ts'
import { COLLECTIONS } from './collections.ts'
import { buildCrypto } from './crypto.ts'
import { toStoreError } from './mongo-errors.ts'
import { findRestoreFault, removeRestoreMark, setRestoreMark } from './restore-mark.ts'

export interface RestoreOptions {
  readonly url: string
  readonly database: string
  readonly folder: string
  readonly keys: Pick<Keys, 'hmac' | 'data'>
  readonly onCollection?: (done: { readonly name: string; readonly documents: number }) => void
}

const BATCH = 1_000
const SAMPLE = 20
/** Documents as they were, to the type of each number. */
const EXACT = { promoteValues: false, promoteLongs: false, promoteBuffers: false, bsonRegExp: true } as const

/** All checks that need no database: the files are what was written, and these keys open them. Throws BackupError. Disk I/O. */
export async function checkBackup({ folder, keys }: Pick<RestoreOptions, 'folder' | 'keys'>): Promise<Manifest> {
  const manifest = readManifest(folder)
  for (const { data, metadata } of manifest.collections) {
    await checkFile(folder, data)
    await checkFile(folder, metadata)
  }
  const missing = manifest.keys.data.filter((id) => !keys.data.some((one) => one.id === id))
  const isHmacThere = manifest.keys.hmac.every((id) => id === keys.hmac.id)
  if (missing.length > 0 || !isHmacThere) {
    const needed = [...manifest.keys.data, ...manifest.keys.hmac].join(', ')
    throw new BackupError(
      `The key file lacks a key of this backup (it needs ${needed}). Bring the key file of that time.`,
    )
  }
  const check = buildKeyCheck(buildCrypto(keys))
  for (const collection of manifest.collections) await checkSample(folder, collection, check)
  return manifest
}

async function checkSample(folder: string, { name, data }: BackedUpCollection, check: KeyCheck): Promise<void> {
  if (!check.concerns(name)) return
  let looked = 0
  for await (const bytes of readDocuments(folder, data)) {
    check.look(name, BSON.deserialize(bytes))
    looked += 1
    if (looked === SAMPLE) return
  }
}

/** Fills the database, which must be empty, or left by a restore that broke off, from a folder that checkBackup has looked at. Throws BackupError, StoreError when it is not there; on a failure it is empty again. Disk and store I/O. */
export async function restoreBackup(options: RestoreOptions, manifest: Manifest): Promise<void> {
  const client = new MongoClient(options.url, {
    compressors: ['none'],
    serverSelectionTimeoutMS: 5_000,
    writeConcern: { w: 1 },
  })
  try {
    await client.connect()
    const db = client.db(options.database)
    await refuseContent(db)
    await setRestoreMark(db)
    try {
      await load(db, { options, manifest })
    } catch (error) {
      await db.dropDatabase()
      throw error
    }
    await removeRestoreMark(db)
  } catch (error) {
    throw error instanceof BackupError ? error : toStoreError(error)
  } finally {
    await client.close()
  }
}

/** What an earlier restore left half-way is taken away; anything else is somebody's. */
async function refuseContent(db: Db): Promise<void> {
  if ((await findRestoreFault(db)) !== undefined) await db.dropDatabase()
  for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray()) {
    if (name.startsWith('system.') || (await db.collection(name).findOne()) === null) continue
    throw new BackupError(
      `The database ${db.databaseName} is not empty. Restore into a new one: another CPIS_DATABASE, or another CPIS_DATA_DIR.`,
    )
  }
  await db.dropDatabase()
}

interface Loading {
  readonly options: RestoreOptions
  readonly manifest: Manifest
}

async function load(db: Db, { options, manifest }: Loading): Promise<void> {
  const check = buildKeyCheck(buildCrypto(options.keys))
  for (const collection of manifest.collections) {
    await loadCollection(db, collection, { folder: options.folder, check })
    options.onCollection?.(collection)
  }
  for (const { name, documents } of manifest.collections) {
    const own = name === COLLECTIONS.migrations ? 1 : 0
    const found = (await db.collection(name).countDocuments()) - own
    if (found !== documents)
      throw new BackupError(
        `${name} has ${found} documents after the restore, ${documents} in the backup. Restore again.`,
      )
  }
}

async function loadCollection(
  db: Db,
  { name, data, metadata }: BackedUpCollection,
  { folder, check }: { readonly folder: string; readonly check: KeyCheck },
): Promise<void> {
  const { options, indexes } = await readMetadata(folder, metadata.path)
  if (name !== COLLECTIONS.migrations) await db.createCollection(name, options)
  const target = db.collection<Document>(name)
  let batch: Document[] = []
  const flush = async (): Promise<void> => {
    if (batch.length > 0) await target.insertMany(batch, { ordered: false })
    batch = []
  }
  for await (const bytes of readDocuments(folder, data)) {
    if (check.concerns(name)) check.look(name, BSON.deserialize(bytes))
    batch.push(BSON.deserialize(bytes, EXACT))
    if (batch.length === BATCH) await flush()
  }
  await flush()
  const wanted = indexes.filter(({ name: index }) => index !== '_id_')
  if (wanted.length > 0) await db.command({ createIndexes: name, indexes: wanted, writeConcern: { w: 'majority' } })
}

async function readMetadata(folder: string, path: string): Promise<Metadata> {
  const bytes = await readFile(join(folder, path))
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  return BSON.EJSON.parse(text, { relaxed: true }) as Metadata
}
