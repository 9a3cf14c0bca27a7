/** Seals of the audit (security.md "Audit"; issue 6): each closes some records under a Merkle root, follows the seal before it, and is signed by ed25519 (RFC 8032). Pure. */
import { createHash, createPrivateKey, createPublicKey, hash, type JsonWebKey, sign, verify } from 'node:crypto'
import { canonicalJson } from '../fhir/json.ts'
import { leafHash, merkleRoot } from './merkle.ts'

/** A record as the database keeps it, as plain JSON without its sealed number: that one gets a new seal when data keys rotate, and is bound by `subjectKey`. */
export interface KeptRecord {
  readonly id: string
  readonly recorded: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** What a seal remembers of one record. */
export interface SealEntry {
  readonly id: string
  /** As the record says. */
  readonly recorded: string
  /** SHA-256 of the record without its sealed number, base64url. */
  readonly content: string
}

/** What is signed. Instants are ISO 8601 UTC, hashes SHA-256 in hex. */
export interface SealHeader {
  /** 1, 2, 3 … */
  readonly number: number
  readonly count: number
  /** First and last `recorded` inside; absent in a seal of no records, which says that there were none. */
  readonly from?: string
  readonly to?: string
  /** Merkle root over the entries, ordered by recorded and id. */
  readonly root: string
  /** Hash of the seal before. */
  readonly previous: string
  /** Up to here the sealer had looked: what is recorded long before and sealed later was held up, or inserted. Never goes back. */
  readonly through: string
  readonly closedAt: string
  /** All its records are such that came too late. */
  readonly late?: true
  /** Of the key. */
  readonly kid: string
}

export interface Seal extends SealHeader {
  /** Ed25519, base64url. */
  readonly signature: string
}

/** `previous` of the first seal. */
export const GENESIS = '0'.repeat(64)
/** A record may be sealed this long after the seals have passed its time: clocks differ, and a commit may be held up. */
export const LATE_AFTER_MS = 15 * 60_000

const SIGNED = 'cpis audit seal 1\n'

/** Hash of what a record says: made as it is written, so that sealing need not read it again, and by whoever verifies. */
export function contentOf(fields: KeptRecord['fields']): string {
  return hash('sha256', canonicalJson(fields), 'base64url')
}

/** The entry of a record, by what it says now. */
export function entryOf({ id, recorded, fields }: KeptRecord): SealEntry {
  return { id, recorded, content: contentOf(fields) }
}

/** The leaf covers all of the entry, so that a list cannot lie about a record that is gone. */
export function leafOf({ id, recorded, content }: SealEntry): Buffer {
  return leafHash(canonicalJson([id, recorded, content]))
}

/** Root over entries in the order given, hex. */
export function rootOf(entries: readonly SealEntry[]): string {
  return merkleRoot(entries.map(leafOf)).toString('hex')
}

/** By recorded, then id. */
export function compareEntries(a: Omit<SealEntry, 'content'>, b: Omit<SealEntry, 'content'>): number {
  return compareText(a.recorded, b.recorded) || compareText(a.id, b.id)
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Whether a record of that time belongs in a late seal after `previous`. */
export function isLate(recorded: string, previous: Pick<Seal, 'through'> | undefined): boolean {
  return previous !== undefined && recorded < earlier(previous.through, LATE_AFTER_MS)
}

/** The instant so many ms before; what is no instant stays as it is. */
export function earlier(instant: string, ms: number): string {
  const at = Date.parse(instant)
  return Number.isNaN(at) ? instant : new Date(at - ms).toISOString()
}

/** The header that closes these entries (ordered) after `previous`. `lookedThrough`: how far the sealer has looked. */
export function buildSeal(parts: {
  readonly entries: readonly SealEntry[]
  readonly previous: Seal | undefined
  readonly lookedThrough: string
  readonly closedAt: string
  readonly kid: string
}): SealHeader {
  const { entries, previous, lookedThrough, closedAt, kid } = parts
  const [first, last] = [entries[0], entries.at(-1)]
  const late = first !== undefined && isLate(first.recorded, previous)
  const before = previous?.through ?? ''
  return {
    number: (previous?.number ?? 0) + 1,
    count: entries.length,
    ...(first === undefined || last === undefined ? {} : { from: first.recorded, to: last.recorded }),
    root: rootOf(entries),
    previous: previous === undefined ? GENESIS : sealHash(previous),
    through: late || lookedThrough < before ? before : lookedThrough,
    closedAt,
    ...(late ? { late } : {}),
    kid,
  }
}

/** What the next seal names as `previous`; the signature is not part of it. */
export function sealHash(seal: SealHeader): string {
  return createHash('sha256').update(signedText(seal)).digest('hex')
}

export function signSeal(header: SealHeader, key: JsonWebKey): Seal {
  const signature = sign(null, Buffer.from(signedText(header)), createPrivateKey({ key, format: 'jwk' }))
  return { ...header, signature: signature.toString('base64url') }
}

/** Whether the key of that kid signed it; `unknown` when none of these keys has it. */
export function checkSignature(
  seal: Seal,
  keys: readonly (JsonWebKey & { readonly kid: string })[],
): 'good' | 'bad' | 'unknown' {
  const key = keys.find(({ kid }) => kid === seal.kid)
  if (key === undefined) return 'unknown'
  const { kty = '', crv = '', x = '' } = key
  const publicKey = createPublicKey({ key: { kty, crv, x }, format: 'jwk' })
  const isGood = verify(
    null,
    Buffer.from(signedText(seal)),
    publicKey,
    Buffer.from(String(seal.signature), 'base64url'),
  )
  return isGood ? 'good' : 'bad'
}

/** Members by name: what else a document may hold is not signed and never published. */
export function headerOf(seal: SealHeader): SealHeader {
  const { number, count, from, to, root, previous, through, closedAt, late, kid } = seal
  return {
    number,
    count,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    root,
    previous,
    through,
    closedAt,
    ...(late === undefined ? {} : { late }),
    kid,
  }
}

const signedText = (seal: SealHeader): string => SIGNED + canonicalJson(headerOf(seal))
