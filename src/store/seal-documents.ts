/** The documents of seals: a header, and its list of records in parts of one minute each, far below MongoDB's 16 MB (storage.md "Collections"). Pure. */
import { Binary, BSON } from 'mongodb'
import type { KeptRecord, Seal, SealEntry } from '../domain/audit-seal.ts'
import type { AuditDocument } from './mongo-audits.ts'

/** `_id` is the number: a second seal of one number cannot be. */
export interface SealDocument extends Omit<Seal, 'number'> {
  readonly _id: number
}

/** Records of one seal that were recorded in one minute: so that sealed records can be counted, and found, by time. */
export interface SealListDocument {
  /** `seal/part` */
  readonly _id: string
  readonly seal: number
  /** 0, 1, 2 … */
  readonly part: number
  /** First 16 characters of recorded. */
  readonly minute: string
  readonly to: string
  readonly count: number
  readonly ids: readonly string[]
  readonly recorded: readonly string[]
  /** SHA-256 of each, 32 bytes after 32 bytes. */
  readonly contents: Binary
}

const HASH_BYTES = 32
/** As many bytes as base64url without padding. */
const CONTENT = /^[\w-]{43}$/
export const MINUTE_CHARACTERS = 16

export const minuteOf = (recorded: string): string => recorded.slice(0, MINUTE_CHARACTERS)

export function toSealDocument(seal: Seal): SealDocument {
  const { number, ...rest } = seal
  return { _id: number, ...rest }
}

/** Members by name: what else someone has put into the document is never published. (headerOf of the domain picks the same; this room knows only the types of it.) */
export function toSeal(document: SealDocument): Seal {
  const { _id, count, from, to, root, previous, through, closedAt, late, kid, signature } = document
  return {
    number: _id,
    count,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    root,
    previous,
    through,
    closedAt,
    ...(late === undefined ? {} : { late }),
    kid,
    signature,
  }
}

export function toListDocuments(seal: Seal, entries: readonly SealEntry[]): SealListDocument[] {
  const byMinute = [...Map.groupBy(entries, ({ recorded }) => minuteOf(recorded))]
  return byMinute.map(([minute, group], part) => ({
    _id: `${seal.number}/${part}`,
    seal: seal.number,
    part,
    minute,
    to: group.at(-1)?.recorded ?? minute,
    count: group.length,
    ids: group.map(({ id }) => id),
    recorded: group.map(({ recorded }) => recorded),
    contents: new Binary(Buffer.concat(group.map(({ content }) => Buffer.from(content, 'base64url')))),
  }))
}

/** The entries of a list as they stand there, also when someone has rewritten it to lists of unequal length. */
export function toEntries({ ids, recorded, contents }: SealListDocument): SealEntry[] {
  const bytes = contents instanceof Binary ? Buffer.from(contents.buffer) : Buffer.alloc(0)
  const texts: readonly unknown[] = Array.isArray(ids) ? ids : []
  return texts.map((id, at) => ({
    id: String(id),
    recorded: String(recorded?.[at] ?? ''),
    content: bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES).toString('base64url'),
  }))
}

/** What of an audit document a seal covers, whatever types someone has put into it: what is no JSON (a Date, an ObjectId) becomes extended JSON, so that it differs from every text. */
export function toKept({ number: _sealed, content: _hash, ...kept }: AuditDocument): KeptRecord {
  return {
    id: String(kept._id),
    recorded: String(kept.recorded),
    fields: BSON.EJSON.serialize(kept, { relaxed: true }),
  }
}

/** What a record is sealed by, as it was written with it; undefined for one without: then it must be read. */
export function toWrittenEntry({
  _id,
  recorded,
  content,
}: Pick<AuditDocument, '_id' | 'recorded' | 'content'>): SealEntry | undefined {
  return typeof content === 'string' && CONTENT.test(content) ? { id: _id, recorded, content } : undefined
}

/** A line of an archive: the document as it was stored. Throws when it is none. */
export function parseExtended(line: string): AuditDocument {
  return BSON.EJSON.parse(line, { relaxed: true })
}
