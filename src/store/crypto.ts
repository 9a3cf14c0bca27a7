/** Keyed hashes and authenticated encryption of what the database holds (storage.md "Collections"): numbers and identifiers become HMAC-SHA-256 keys, bodies AES-256-GCM blobs. */
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import type { NhsNumber, SubjectKey } from '../domain/brands.ts'
import type { Keys } from '../keys.ts'
import { StoreError, type Token } from './store.ts'

/** A sealed value: id of the data key, and nonce (12 bytes), tag (16 bytes) and ciphertext in one. */
export interface Sealed {
  readonly key: string
  readonly data: Buffer
}

export interface StoreCrypto {
  /** Id of the key that seals now. */
  sealingKey(): string
  /** From now on the first of these seals, all open. The HMAC key stays as it was. */
  useDataKeys(keys: Keys['data']): void
  /** `h1.…`: version of the HMAC key and the hash of the number, base64url. */
  subjectKey(nhsNumber: NhsNumber): SubjectKey
  /** Keys under which an identifier is found: by both parts, by its value alone, by its system alone. */
  identifierKeys(token: Token): readonly string[]
  /** The one key by which a search for this token finds it: a missing system means any, an empty one means none (R4 search "token"). */
  searchKey(token: Token): string
  /** Hash of any text for one purpose; other purposes give other hashes. */
  hash(purpose: string, parts: readonly string[]): string
  /** The same parts always give the same UUID (version 8); without the key nobody can tell which. */
  keyedId(parts: readonly string[]): string
  /** Seals JSON or bytes; opens only under the same place. */
  seal(plain: Buffer, place: string): Sealed
  /** Throws StoreError 'transient' when it cannot be opened: what the register cannot read it must not call absent (P1). */
  open(sealed: Sealed, place: string): Buffer
  /** The same for a text that a client holds; undefined when it was tampered with or is another context's. */
  sealText(text: string, context: string): string
  openText(sealed: string, context: string): string | undefined
}

const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Built from the server's keys; the first data key seals, all open. No I/O. */
export function buildCrypto(keys: Pick<Keys, 'hmac' | 'data'>): StoreCrypto {
  const hmacKey = createSecretKey(keys.hmac.key, 'base64')
  let ring = buildRing(keys.data)

  // JSON keeps the parts apart: ["a","bc"] and ["ab","c"] differ.
  const digest = (purpose: string, parts: readonly (string | null)[]): Buffer =>
    createHmac('sha256', hmacKey)
      .update(JSON.stringify([purpose, ...parts]))
      .digest()
  const hash = (purpose: string, parts: readonly (string | null)[]): string =>
    `${keys.hmac.id}.${digest(purpose, parts).toString('base64url')}`

  const seal = (plain: Buffer, place: string): Sealed => ({
    key: ring.first,
    data: encrypt(getKey(ring.keys, ring.first), plain, place),
  })
  const open = (sealed: Sealed, place: string): Buffer => {
    try {
      return decrypt(getKey(ring.keys, sealed.key), sealed.data, place)
    } catch (cause) {
      throw new StoreError('transient', 'A stored record cannot be opened with the keys at hand.', { cause })
    }
  }

  return {
    sealingKey: () => ring.first,
    useDataKeys: (next) => {
      ring = buildRing(next)
    },
    subjectKey: (nhsNumber) => hash('subject', [nhsNumber]) as SubjectKey,
    identifierKeys: ({ system, value }) =>
      [
        value === undefined ? undefined : hash('identifier', [system ?? '', value]),
        value === undefined ? undefined : hash('identifier', [null, value]),
        system === undefined ? undefined : hash('identifier', [system, null]),
      ].filter((key) => key !== undefined),
    searchKey: ({ system, value }) => hash('identifier', [system ?? null, value ?? null]),
    hash,
    keyedId: (parts) => toUuid(digest('id', parts)),
    seal,
    open,
    sealText: (text, context) => {
      const sealed = seal(Buffer.from(text, 'utf8'), `text/${context}`)
      return `${Buffer.from(sealed.key, 'utf8').toString('base64url')}.${sealed.data.toString('base64url')}`
    },
    openText: (text, context) => {
      const [key, data, rest] = text.split('.')
      if (key === undefined || data === undefined || rest !== undefined) return undefined
      const sealed = { key: Buffer.from(key, 'base64url').toString('utf8'), data: Buffer.from(data, 'base64url') }
      try {
        return open(sealed, `text/${context}`).toString('utf8')
      } catch {
        return undefined
      }
    },
  }
}

interface KeyRing {
  readonly first: string
  readonly keys: ReadonlyMap<string, KeyObject>
}

function buildRing(data: Keys['data']): KeyRing {
  const [first] = data
  if (first === undefined) throw new Error('No data key: CPIS_KEYS must hold at least one.')
  return { first: first.id, keys: new Map(data.map((one) => [one.id, createSecretKey(one.key, 'base64')])) }
}

function getKey(keys: ReadonlyMap<string, KeyObject>, id: string): KeyObject {
  const key = keys.get(id)
  if (key === undefined) throw new Error('unknown data key')
  return key
}

function encrypt(key: KeyObject, plain: Buffer, place: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(Buffer.from(place, 'utf8'))
  const ciphertext = cipher.update(plain)
  return Buffer.concat([nonce, ciphertext, cipher.final(), cipher.getAuthTag()])
}

function decrypt(key: KeyObject, data: Buffer, place: string): Buffer {
  if (data.length < NONCE_BYTES + TAG_BYTES) throw new Error('too short')
  const decipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(place, 'utf8'))
  decipher.setAuthTag(data.subarray(-TAG_BYTES))
  return Buffer.concat([decipher.update(data.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
}

/** RFC 9562 version 8: 122 bits of the hash. */
function toUuid(hash: Buffer): string {
  const bytes = Buffer.from(hash.subarray(0, 16))
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
