/** The sandbox's clients and people with their private keys: made once in the data folder (0600), loaded again later (security.md "Tokens"; runtime.md "Configuration"). */

import { generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../config.ts'
import { isObject } from '../fhir/json-object.ts'
import { type ClientKind, type ClientRegistry, MOST_SCOPES, parseClients } from './registered-clients.ts'
import {
  CONSOLE_CLIENT,
  MATERNITY_ORGANIZATION,
  SANDBOX_AUDIENCE,
  SANDBOX_ISSUER,
  SANDBOX_PEOPLE,
  type SandboxPerson,
  systemOf,
} from './sandbox-people.ts'
import { SCOPE } from './scopes.ts'
import { CIS2_CLAIMS, type TrustedIssuer } from './trusted-issuers.ts'

/** A private key and the header names that go with it. */
export interface SigningKey extends JsonWebKey {
  readonly kid: string
  readonly alg: 'ES384' | 'ES256'
}

export interface SandboxClient {
  /** Also the name for `cpis token NAME`, where the client is an identity of its own. */
  readonly clientId: string
  readonly kind: ClientKind
  readonly authorities: readonly string[]
  readonly organizations: readonly string[]
  readonly scopes: readonly string[]
  readonly key: SigningKey
}

/** What stands in `identities.json`. */
export interface SandboxIdentities {
  readonly format: 1
  /** The key of SANDBOX_ISSUER. */
  readonly issuerKey: SigningKey
  readonly clients: readonly SandboxClient[]
  readonly people: readonly SandboxPerson[]
}

/** Path of the sandbox's identities in a data folder. Pure. */
export function identitiesFile(dataDir: string): string {
  return join(dataDir, 'identities.json')
}

/**
 * The identities in the data folder, made when there are none; of several processes that start at once all get the same set.
 * Throws ConfigError when the file is damaged. Disk I/O.
 */
export function loadSandboxIdentities(dataDir: string, authorities: readonly string[]): SandboxIdentities {
  const file = identitiesFile(dataDir)
  const found = readIdentities(file)
  if (found !== undefined) return found
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const draft = `${file}.${randomBytes(8).toString('hex')}`
  writeFileSync(draft, `${JSON.stringify(makeIdentities(authorities), null, 1)}\n`, { mode: 0o600, flag: 'wx' })
  try {
    linkSync(draft, file) // whole or not at all, and never over another's
  } catch (error) {
    if (!isFault(error, 'EEXIST')) throw error
  } finally {
    rmSync(draft)
  }
  const made = readIdentities(file)
  if (made === undefined) throw damaged(file)
  return made
}

/** The identities in the data folder; undefined when there are none yet. Throws ConfigError when the file is damaged. Disk I/O. */
export function findSandboxIdentities(dataDir: string): SandboxIdentities | undefined {
  return readIdentities(identitiesFile(dataDir))
}

/** The public side of the identities, as the server needs it. Throws ConfigError when they do not fit. Pure. */
export function registryOf(identities: SandboxIdentities, place: string): ClientRegistry {
  const clients = identities.clients.map(({ key, ...client }) => ({ ...client, jwks: { keys: [publicKey(key)] } }))
  const people = identities.people
    .filter((one) => one.grants.length > 0)
    .map((one) => ({ issuer: SANDBOX_ISSUER, userId: one.user.id, scopes: one.grants }))
  return parseClients({ value: { clients, people }, place })
}

/** The sandbox's own identity provider, as the server trusts it. Pure. */
export function issuerOf(identities: SandboxIdentities): TrustedIssuer {
  return {
    issuer: SANDBOX_ISSUER,
    audiences: [SANDBOX_AUDIENCE],
    algorithms: [identities.issuerKey.alg],
    claims: CIS2_CLAIMS,
    keys: { keys: [publicKey(identities.issuerKey)] },
    use: 'id-token',
  }
}

/** A new set with new random keys. */
export function makeIdentities(authorities: readonly string[]): SandboxIdentities {
  const organizations = new Set(
    SANDBOX_PEOPLE.filter((one) => one.clientId !== CONSOLE_CLIENT).map((one) => one.organization),
  )
  return {
    format: 1,
    issuerKey: makeKey('ES256'),
    people: SANDBOX_PEOPLE,
    clients: [
      ...[...organizations].map((one) => makeClient('nhs-system', systemOf(one), { organizations: [one] })),
      makeClient('staff-console', CONSOLE_CLIENT, {}),
      makeClient('number-feed', 'number-feed', {}),
      ...authorities.map((gss) => makeClient('la-supplier', `la-${gss}`, { authorities: [gss] })),
      ...authorities.map((gss) => makeClient('la-receiver', `receiver-${gss}`, { authorities: [gss] })),
    ],
  }
}

function makeClient(
  kind: ClientKind,
  clientId: string,
  { authorities = [], organizations = [] }: { authorities?: readonly string[]; organizations?: readonly string[] },
): SandboxClient {
  const maternity = organizations.includes(MATERNITY_ORGANIZATION)
  const scopes = kind === 'nhs-system' && !maternity ? [SCOPE.check] : MOST_SCOPES[kind]
  return { clientId, kind, authorities, organizations, scopes, key: makeKey('ES384') }
}

function makeKey(alg: SigningKey['alg']): SigningKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: alg === 'ES384' ? 'P-384' : 'P-256' })
  return { ...privateKey.export({ format: 'jwk' }), kid: randomBytes(8).toString('hex'), alg }
}

function publicKey({ kty = '', crv = '', x = '', y = '', kid, alg }: SigningKey): Record<string, string> {
  return { kty, crv, x, y, kid, alg, use: 'sig' }
}

function readIdentities(file: string): SandboxIdentities | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (isFault(error, 'ENOENT')) return undefined
    throw damaged(file)
  }
  try {
    const value: unknown = JSON.parse(text)
    if (!isIdentities(value)) throw damaged(file)
    registryOf(value, file)
    return value
  } catch {
    throw damaged(file)
  }
}

function isIdentities(value: unknown): value is SandboxIdentities {
  if (!isObject(value) || value['format'] !== 1 || !isSigningKey(value['issuerKey'])) return false
  const { clients, people } = value
  return (
    Array.isArray(clients) &&
    clients.length > 0 &&
    clients.every((one) => isObject(one) && isSigningKey(one['key'])) &&
    Array.isArray(people) &&
    people.every((one) => isObject(one) && isObject(one['user']) && Array.isArray(one['grants']))
  )
}

function isSigningKey(key: unknown): boolean {
  if (!isObject(key)) return false
  return ['kty', 'crv', 'x', 'y', 'd', 'kid', 'alg'].every((name) => typeof key[name] === 'string')
}

function isFault(error: unknown, code: 'ENOENT' | 'EEXIST'): boolean {
  return isObject(error) && error['code'] === code
}

function damaged(file: string): ConfigError {
  return new ConfigError(
    `CPIS_DATA_DIR: ${file} is damaged or not readable. Restore it, or delete it: new sandbox identities are made at the next start.`,
  )
}
