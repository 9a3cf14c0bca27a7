/** `cpis audit prove ID` and `cpis audit check-proof FILE`: shows to someone without the database that one record is as it was sealed (issue 6). */
import { existsSync, readFileSync } from 'node:fs'
import { parseConfig } from '../../config.ts'
import { type AuditProof, buildProof, findProofFault } from '../../domain/audit-proof.ts'
import { sealHash } from '../../domain/audit-seal.ts'
import type { PublicSealKey } from '../../domain/audit-seal-check.ts'
import { keysFileOf, readKeysFile, sealKeys } from '../../keys.ts'
import { type AuditInspection, openAuditInspection } from '../../store/audit-inspection.ts'
import { StoreError } from '../../store/store.ts'
import { openDatabaseAddress } from '../database-address.ts'
import { CliError, EXIT, type Io, say } from '../io.ts'
import { findPublished, readPublishedKeys } from './published.ts'

/** Prints the proof as JSON. It holds the record: who asked, and the keyed hash of the child, not its number. Throws CliError. Store I/O. */
export async function runAuditProve(id: string, io: Io): Promise<number> {
  const config = parseConfig(io.env)
  const keys = readKeysFile(keysFileOf(config))
  const database = await openDatabaseAddress(config)
  try {
    const inspection = await openAuditInspection({ url: database.url, database: config.mongodbDatabase, keys })
    try {
      const proof = await prove(inspection, id)
      const fault = findProofFault(proof, sealKeys(keys))
      if (fault !== undefined)
        throw new CliError(EXIT.failed, `${id} cannot be proven: ${fault}. Run cpis audit verify.`)
      say(io, JSON.stringify(proof, null, 2))
      return EXIT.ok
    } finally {
      await inspection.close()
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    throw new CliError(EXIT.unsure, error.message, { cause: error })
  } finally {
    await database.close()
  }
}

async function prove(inspection: AuditInspection, id: string): Promise<AuditProof> {
  const record = await inspection.findRecord(id)
  if (record === undefined) throw new CliError(EXIT.failed, `There is no audit record ${id}.`)
  const [number] = record.seals
  if (number === undefined) throw new CliError(EXIT.failed, `${id} is not sealed yet: try again in some seconds.`)
  const [seal] = await inspection.seals({ after: number - 1, limit: 1 })
  const entries = await inspection.entries(number)
  const proof = seal === undefined ? undefined : buildProof({ record: record.fields, seal, entries })
  if (proof === undefined) throw new CliError(EXIT.failed, `Seal ${number} is not there. Run cpis audit verify.`)
  return proof
}

export interface CheckProofOptions {
  /** File of a JWKS, as published. */
  readonly keys?: string
  /** Origin of the register. */
  readonly url?: string
}

/** Checks without a database: with the keys of a file, of the register's address, or of this machine's key file. Resolves to 1 when it proves nothing. Throws CliError. Disk and network I/O. */
export async function runCheckProof(file: string, options: CheckProofOptions, io: Io): Promise<number> {
  const proof = readJson(file) as AuditProof
  const fault = findFault(proof, await findKeys(options, io)) ?? (await findUnpublished(proof, options))
  if (fault !== undefined) {
    io.err(`${file} proves nothing: ${fault}.\n`)
    return EXIT.failed
  }
  const { seal, record } = proof
  say(
    io,
    `Record ${String(record['_id'])} of ${String(record['recorded'])} is as it was when seal ${seal.number} was closed at ${seal.closedAt}.`,
  )
  return EXIT.ok
}

function findFault(proof: AuditProof, keys: readonly PublicSealKey[]): string | undefined {
  try {
    return findProofFault(proof, keys)
  } catch {
    return 'it is no proof of this program'
  }
}

/** That seal must stand in the chain that everyone can read. */
async function findUnpublished({ seal }: AuditProof, { url }: CheckProofOptions): Promise<string | undefined> {
  if (url === undefined) return undefined
  const published = await findPublished(url, seal.number)
  const isSame = published !== undefined && sealHash(published) === sealHash(seal)
  return isSame ? undefined : `seal ${seal.number} is not the one that is published`
}

async function findKeys({ keys, url }: CheckProofOptions, io: Io): Promise<readonly PublicSealKey[]> {
  if (keys !== undefined) return (readJson(keys) as { readonly keys: readonly PublicSealKey[] }).keys
  if (url !== undefined) return readPublishedKeys(url)
  const file = keysFileOf(parseConfig(io.env))
  if (existsSync(file)) return sealKeys(readKeysFile(file))
  throw new CliError(EXIT.usage, 'Name the public keys: --keys FILE (the published JWKS) or --url ORIGIN.')
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new CliError(EXIT.usage, `${file} cannot be read as JSON.`, { cause: error })
  }
}
