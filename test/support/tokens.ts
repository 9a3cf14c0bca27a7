/** Tokens for tests, got the true way over real HTTP from a running server, and hand-made JWTs (node:crypto only) for everything that must be refused. */
import { constants, createPrivateKey, type JsonWebKey, randomUUID, sign } from 'node:crypto'
import { findSandboxIdentities, type SandboxIdentities } from '../../src/auth/sandbox-identities.ts'
import { buildTokenForm } from '../../src/auth/sandbox-token.ts'

export interface RunningServer {
  /** Origin, without a trailing slash. */
  readonly url: string
  /** The server's data folder, with its sandbox identities. */
  readonly dataDir: string
}

export interface TokenOptions {
  readonly scope?: string
  readonly authority?: string
}

/** The access token of a sandbox identity (ed-nurse, la-E10000007 …). Throws when the server refuses. */
export async function getToken(server: RunningServer, name: string, options: TokenOptions = {}): Promise<string> {
  const answer = await postToken(server, await tokenForm(server, name, options))
  const { access_token: token } = answer.body
  if (answer.status !== 200 || typeof token !== 'string') {
    throw new Error(`no token for ${name}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }
  return token
}

/** The form that getToken would post: change it to make a bad one. */
export async function tokenForm(
  server: RunningServer,
  name: string,
  options: TokenOptions = {},
): Promise<(readonly [string, string])[]> {
  const request = { tokenEndpoint: `${server.url}/oauth2/token`, now: await serverTime(server), newId: randomUUID }
  const form = await buildTokenForm(identitiesOf(server), name, { ...request, ...options })
  if (form === undefined) throw new Error(`no sandbox identity ${name}`)
  return [...form]
}

/** Posts a form to the token endpoint as it is. */
export async function postToken(
  server: RunningServer,
  form: readonly (readonly [string, string])[],
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const response = await fetch(`${server.url}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams(form.map(([name, value]): [string, string] => [name, value])),
  })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  }
}

/** The identities in the server's data folder. */
export function identitiesOf(server: Pick<RunningServer, 'dataDir'>): SandboxIdentities {
  const found = findSandboxIdentities(server.dataDir)
  if (found === undefined) throw new Error(`no sandbox identities in ${server.dataDir}`)
  return found
}

async function serverTime(server: RunningServer): Promise<Date> {
  const response = await fetch(`${server.url}/health/live`)
  await response.arrayBuffer()
  const date = response.headers.get('date')
  return date === null ? new Date() : new Date(date)
}

/** A JWT made by hand, whatever its header says; signed by the key with the header's alg, or unsigned without a key. */
export function handMadeJwt(header: object, claims: object | string, key?: JsonWebKey): string {
  const encode = (part: object | string): string =>
    Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
  const signed = `${encode(header)}.${encode(claims)}`
  return `${signed}.${key === undefined ? '' : signatureOf(signed, key, 'alg' in header ? String(header.alg) : '')}`
}

function signatureOf(text: string, jwk: JsonWebKey, alg: string): string {
  const key = createPrivateKey({ key: jwk, format: 'jwk' })
  const hash = /^(?:ES|RS|PS)(\d{3})$/.exec(alg)?.[1]
  const pss = alg.startsWith('PS') ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(hash) / 8 } : {}
  const bytes = sign(hash === undefined ? null : `sha${hash}`, Buffer.from(text), {
    key,
    dsaEncoding: 'ieee-p1363',
    ...pss,
  })
  return bytes.toString('base64url')
}
