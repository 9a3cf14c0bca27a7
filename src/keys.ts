/** The server's secret keys: from CPIS_KEYS, or made once by a sandbox in its data folder (security.md "Tokens"; storage.md "Collections"). */
import { createPrivateKey, generateKeyPairSync, hkdfSync, type JsonWebKey, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Config, ConfigError } from './config.ts'

export interface Keys {
  /** HMAC-SHA-256 key of subject and identifier keys, base64; never rotated. */
  readonly hmac: { readonly id: string; readonly key: string }
  /** AES-256-GCM keys, base64; the first seals, all open. */
  readonly data: readonly DataKey[]
  /** ES256 private JWKs that sign access tokens; the first signs, all are published. */
  readonly tokens: readonly PrivateJwk[]
  /** Ed25519 private JWKs that sign webhooks; all sign (rotation), all are published. */
  readonly webhooks: readonly PrivateJwk[]
  /** Ed25519 JWKs of the audit's seals: the first signs, all verify and stay, those of long ago without their private part. Absent in older files: see sealKeys. */
  readonly seals?: readonly PrivateJwk[]
  /** A sandbox made them: production refuses them. */
  readonly madeBy?: 'sandbox'
}

/** A rotated key says since when it may be the first, by this machine's clock: every process has read it by then. */
interface Begins {
  readonly from?: string
}

export interface DataKey extends Begins {
  readonly id: string
  readonly key: string
}

export interface PrivateJwk extends JsonWebKey, Begins {
  readonly kid: string
}

/** Where the keys are: CPIS_KEYS, or the sandbox's own file. Pure. */
export function keysFileOf({ keysFile, dataDir }: Pick<Config, 'keysFile' | 'dataDir'>): string {
  return keysFile ?? join(dataDir, 'keys.json')
}

/** Reads CPIS_KEYS, or the sandbox's own file, which is made (0600) when absent. Throws ConfigError, in production for a sandbox's keys too. Disk I/O. */
export function loadKeys(config: Config): Keys {
  const file = keysFileOf(config)
  if (config.keysFile === undefined && !existsSync(file)) makeSandboxFile(file)
  const keys = readKeysFile(file)
  const isSandboxs = keys.madeBy === 'sandbox' || file === join(config.dataDir, 'keys.json')
  if (config.mode === 'production' && isSandboxs) {
    throw new ConfigError(
      `CPIS_KEYS: ${file} was made by a sandbox. Make keys for production with \`cpis keys new FILE\`, outside CPIS_DATA_DIR.`,
    )
  }
  return keys
}

function makeSandboxFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const keys: Keys = { ...makeKeys(), madeBy: 'sandbox' }
  writeFileSync(file, keysText(keys), { mode: 0o600, flag: 'wx' })
}

/** The content of a key file. Pure. */
export function keysText(keys: Keys): string {
  return `${JSON.stringify(keys, null, 2)}\n`
}

/** New random keys of every kind. */
export function makeKeys(): Keys {
  return {
    hmac: { id: 'h1', key: randomBytes(32).toString('base64') },
    data: [{ id: 'd1', key: randomBytes(32).toString('base64') }],
    tokens: [makeJwk('ec')],
    webhooks: [makeJwk('ed25519')],
    seals: [makeJwk('ed25519')],
  }
}

/** Keys of the audit's seals, the first that signs first. A file from before there were any has one all the same, derived from its HMAC key, which never changes. Pure. */
export function sealKeys(keys: Keys): readonly PrivateJwk[] {
  return keys.seals ?? [deriveSealKey(keys.hmac)]
}

/** RFC 8410: what stands before the 32 bytes of an ed25519 private key in PKCS #8. */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

function deriveSealKey({ id, key }: Keys['hmac']): PrivateJwk {
  const seed = Buffer.from(hkdfSync('sha256', Buffer.from(key, 'base64'), '', 'cpis audit seals', 32))
  const privateKey = createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, seed]), format: 'der', type: 'pkcs8' })
  return { ...privateKey.export({ format: 'jwk' }), kid: `seals-${id}` }
}

/** A new private JWK with a random kid: ES256 (`ec`) or EdDSA (`ed25519`). */
export function makeJwk(kind: 'ec' | 'ed25519'): PrivateJwk {
  const { privateKey } =
    kind === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
  return { ...privateKey.export({ format: 'jwk' }), kid: randomBytes(8).toString('hex') }
}

/** The keys in a file, in its order. Throws ConfigError. Disk I/O. */
export function readKeysFile(file: string): Keys {
  return parseKeys(readText(file), file)
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new ConfigError(`CPIS_KEYS: ${file} cannot be read. Make it with \`cpis keys new FILE\`.`)
  }
}

function parseKeys(text: string, file: string): Keys {
  const bad = new ConfigError(`CPIS_KEYS: ${file} is not a key file. Make one with \`cpis keys new FILE\`.`)
  let keys: Keys
  try {
    keys = JSON.parse(text) as Keys
  } catch {
    throw bad
  }
  const is32 = (key: unknown): boolean => typeof key === 'string' && Buffer.from(key, 'base64').length === 32
  const fits =
    is32(keys?.hmac?.key) &&
    keys.data?.length > 0 &&
    keys.data.every((one) => typeof one.id === 'string' && is32(one.key)) &&
    new Set(keys.data.map((one) => one.id)).size === keys.data.length &&
    keys.tokens?.length > 0 &&
    keys.webhooks?.length > 0 &&
    (keys.seals === undefined || typeof keys.seals[0]?.d === 'string')
  if (!fits) throw bad
  return keys
}
