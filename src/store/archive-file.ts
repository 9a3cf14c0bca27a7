/** One month of a collection as a gzipped NDJSON file: one stored document a line in canonical extended JSON, durable on disk before it has its name, read back line by line (storage.md "Growth"). */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { BSON, type Document } from 'mongodb'

/** What a file holds. */
export interface ArchiveContent {
  /** Lines. */
  readonly count: number
  /** SHA-256 of the file as it lies on the disk, in hexadecimal: what `sha256sum` prints. */
  readonly sha256: string
}

/** The line of a document, without its end. Pure. */
export function lineOf(document: Document): string {
  return BSON.EJSON.stringify(document, { relaxed: false })
}

/** Writes the documents in their order, waits until the disk has them, and only then gives the file its name. Never writes over a file of that name: the caller has looked. Disk I/O. */
export async function writeArchive(path: string, documents: AsyncIterable<Document>): Promise<ArchiveContent> {
  const part = `${path}.part`
  const sum = createHash('sha256')
  let count = 0
  const lines = async function* (): AsyncGenerator<string> {
    for await (const document of documents) {
      count += 1
      yield `${lineOf(document)}\n`
    }
  }
  const file = await open(part, 'w', 0o600)
  try {
    await pipeline(Readable.from(lines()), createGzip(), async (packed: AsyncIterable<Buffer>) => {
      for await (const chunk of packed) {
        sum.update(chunk)
        await file.write(chunk)
      }
    })
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(part, path)
  await syncFolder(dirname(path))
  return { count, sha256: sum.digest('hex') }
}

/** Reads the whole file back; `onLine` is given each document as the line says it. Rejects when the file is cut short or a line is no document. Disk I/O. */
export async function readArchive(
  path: string,
  onDocument: (document: Document) => Promise<void> | void,
): Promise<ArchiveContent> {
  const sum = createHash('sha256')
  let count = 0
  await pipeline(createReadStream(path), tap(sum), createGunzip(), async (text: AsyncIterable<Buffer>) => {
    for await (const line of splitLines(text)) {
      count += 1
      await onDocument(BSON.EJSON.parse(line, { relaxed: false }) as Document)
    }
  })
  return { count, sha256: sum.digest('hex') }
}

/** Every line has its end: what is left over was cut short. */
async function* splitLines(text: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of text) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (let end = rest.indexOf(LINE_END); end !== -1; end = rest.indexOf(LINE_END)) {
      yield rest.subarray(0, end).toString('utf8')
      rest = rest.subarray(end + 1)
    }
  }
  if (rest.length > 0) throw new Error('The last line has no end.')
}

const LINE_END = 0x0a

function tap(sum: Hash): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sum.update(chunk)
      done(null, chunk)
    },
  })
}

/** The name of a file is the folder's content: it is durable when the folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
