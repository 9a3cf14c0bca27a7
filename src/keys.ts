/** The server's secret keys: from CPIS_KEYS, or made once by a sandbox in its data folder (security.md "Tokens"; storage.md "Collections"). */
import { generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Config, ConfigError } from './config.ts'

export interface Keys {
  /** HMAC-SHA-256 key of subject and identifier keys, base64; never rotated. */
  readonly hmac: { readonly id: string; readonly key: string }
  /** AES-256-GCM keys, base64; the first seals, all open. */
  readonly data: readonly { readonly id: string; readonly key: string }[]
  /** ES256 private JWKs that sign access tokens; the first signs, all are published. */
  readonly tokens: readonly PrivateJwk[]
  /** Ed25519 private JWKs that sign webhooks; all sign (rotation), all are published. */
  readonly webhooks: readonly PrivateJwk[]
}

export interface PrivateJwk extends JsonWebKey {
  readonly kid: string
}

/** Reads CPIS_KEYS, or the sandbox's own file, which is made (0600) when absent. Throws ConfigError. Disk I/O. */
export function loadKeys(config: Config): Keys {
  if (config.keysFile !== undefined) return parseKeys(readText(config.keysFile), config.keysFile)
  const file = join(config.dataDir, 'keys.json')
  if (existsSync(file)) return parseKeys(readText(file), file)
  const keys = makeKeys()
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeFileSync(file, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  return keys
}

/** New random keys of every kind. */
export function makeKeys(): Keys {
  return {
    hmac: { id: 'h1', key: randomBytes(32).toString('base64') },
    data: [{ id: 'd1', key: randomBytes(32).toString('base64') }],
    tokens: [makeJwk('ec')],
    webhooks: [makeJwk('ed25519')],
  }
}

/** A new private JWK with a random kid: ES256 (`ec`) or EdDSA (`ed25519`). */
export function makeJwk(kind: 'ec' | 'ed25519'): PrivateJwk {
  const { privateKey } =
    kind === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
  return { ...privateKey.export({ format: 'jwk' }), kid: randomBytes(8).toString('hex') }
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
    keys.data.every((one) => is32(one.key)) &&
    keys.tokens?.length > 0 &&
    keys.webhooks?.length > 0
  if (!fits) throw bad
  return keys
}
