/** An inclusion proof of one audit record (RFC 6962 §2.1.1): the record, its place under a signed seal, and the path between them; checked without a database. Pure. */
import { checkSignature, entryOf, leafOf, type Seal, type SealEntry } from './audit-seal.ts'
import type { PublicSealKey } from './audit-seal-check.ts'
import { inclusionPath, rootOfPath } from './merkle.ts'

export interface AuditProof {
  /** As stored, without its sealed number. */
  readonly record: Readonly<Record<string, unknown>>
  /** Place among the records of the seal, from 0. */
  readonly index: number
  /** Hashes from the leaf up, hex. */
  readonly path: readonly string[]
  readonly seal: Seal
}

/** Undefined when the seal does not list it. */
export function buildProof(parts: {
  readonly record: AuditProof['record']
  readonly seal: Seal
  readonly entries: readonly SealEntry[]
}): AuditProof | undefined {
  const { record, seal, entries } = parts
  const index = entries.findIndex(({ id }) => id === record['_id'])
  const path = inclusionPath(entries.map(leafOf), index)
  if (path === undefined) return undefined
  return { record, index, path: path.map((hash) => hash.toString('hex')), seal }
}

/** Why it proves nothing; undefined when it does. */
export function findProofFault(proof: AuditProof, keys: readonly PublicSealKey[]): string | undefined {
  const { record, index, path, seal } = proof
  const signature = checkSignature(seal, keys)
  if (signature === 'unknown') return `the seal is signed with ${seal.kid}, which is none of these keys`
  if (signature === 'bad') return 'the signature of the seal is not of its content'
  const leaf = leafOf(entryOf({ id: String(record['_id']), recorded: String(record['recorded']), fields: record }))
  const root = rootOfPath({ leaf, index, size: seal.count, path: path.map((hash) => Buffer.from(hash, 'hex')) })
  if (root?.toString('hex') !== seal.root)
    return 'the record is not under this seal: it, its place or its path was changed'
  return undefined
}
