/** The form of a backup: a folder as mongodump writes it (BSON and metadata of each collection), and beside it a manifest with counts, hashes and the ids of the keys that open it; never a key. */
import { createHash } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { Document } from 'mongodb'

export const MANIFEST = 'manifest.json'
const FORMAT = 'cpis-backup/1'

export interface BackedUpFile {
  /** Relative to the folder, e.g. `cpis/auditEvents.bson.gz`. */
  readonly path: string
  readonly bytes: number
  /** Of the file as it lies there, hexadecimal. */
  readonly sha256: string
}

export interface BackedUpCollection {
  readonly name: string
  readonly documents: number
  readonly data: BackedUpFile
  readonly metadata: BackedUpFile
}

export interface Manifest {
  readonly format: typeof FORMAT
  /** Version of the program that wrote it. */
  readonly program: string
  readonly mongodb: string
  readonly database: string
  /** Begun and ended, by the clock of the machine that wrote it. */
  readonly begunAt: string
  readonly endedAt: string
  /** The one point in time that all of it shows: seconds since 1970 and the number within that second. */
  readonly clusterTime: { readonly seconds: number; readonly increment: number }
  /** Migrations that had been run. */
  readonly schema: readonly string[]
  /** Ids of the keys without which it cannot be read. */
  readonly keys: { readonly data: readonly string[]; readonly hmac: readonly string[] }
  readonly collections: readonly BackedUpCollection[]
}

/** What a collection is besides its documents, as mongorestore reads it. */
export interface Metadata {
  readonly collectionName: string
  readonly type: 'collection'
  readonly options: Document
  readonly indexes: readonly Document[]
}

/** A backup that cannot be written or read; its one line says why, and what to do. */
export class BackupError extends Error {}

/** Fills in the name of the form. Pure. */
export function buildManifest(content: Omit<Manifest, 'format'>): Manifest {
  return { format: FORMAT, ...content }
}

/** The manifest of a folder. Throws BackupError when there is none: then the backup was never finished. Disk I/O. */
export function readManifest(folder: string): Manifest {
  let manifest: Manifest
  try {
    manifest = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')) as Manifest
  } catch {
    throw new BackupError(`${folder} holds no whole backup: its ${MANIFEST} is missing or cut off. Take another one.`)
  }
  if (manifest.format !== FORMAT)
    throw new BackupError(`${folder} is in a form that this program does not read. Take the program that wrote it.`)
  for (const { data, metadata } of manifest.collections) {
    for (const { path } of [data, metadata]) {
      // A manifest from elsewhere must not lead out of its folder
      if (!/^[\w-]+\/[\w.-]+$/.test(path) || path.includes('..'))
        throw new BackupError(`${folder}: its ${MANIFEST} names a file outside it.`)
    }
  }
  return manifest
}

/** Throws BackupError unless the file is there with this length and hash. Disk I/O. */
export async function checkFile(folder: string, { path, bytes, sha256 }: BackedUpFile): Promise<void> {
  const hash = createHash('sha256')
  let length = 0
  try {
    for await (const chunk of createReadStream(join(folder, path))) {
      hash.update(chunk)
      length += chunk.length
    }
  } catch (cause) {
    throw new BackupError(`${path} of the backup cannot be read. Take another backup.`, { cause })
  }
  if (length !== bytes || hash.digest('hex') !== sha256) {
    throw new BackupError(`${path} of the backup is not what was written (its SHA-256 differs). Take another backup.`)
  }
}

/** Whole documents of a file, each as BSON. Throws BackupError when it ends within one. Disk I/O. */
export async function* readDocuments(folder: string, { path }: BackedUpFile): AsyncGenerator<Buffer> {
  const file = createReadStream(join(folder, path), { highWaterMark: 1 << 20 })
  const plain: Readable = path.endsWith('.gz') ? file.pipe(createGunzip()) : file
  file.on('error', (error) => plain.destroy(error))
  let rest = Buffer.alloc(0)
  for await (const chunk of plain) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let from = 0
    for (
      let length = lengthAt(rest, from);
      length !== undefined && from + length <= rest.length;
      length = lengthAt(rest, from)
    ) {
      yield rest.subarray(from, from + length)
      from += length
    }
    rest = rest.subarray(from)
  }
  if (rest.length > 0) throw new BackupError(`${path} of the backup ends within a document. Take another backup.`)
}

const LEAST_DOCUMENT = 5

/** BSON begins with its own length; undefined while too little is there to tell. */
function lengthAt(bytes: Buffer, from: number): number | undefined {
  if (from + 4 > bytes.length) return undefined
  const length = bytes.readInt32LE(from)
  if (length < LEAST_DOCUMENT) throw new BackupError('A file of the backup is no BSON. Take another backup.')
  return length
}
