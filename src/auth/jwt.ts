/** JWTs as they come from outside (RFC 7519, RFC 8725): taken apart strictly before anything is believed, then their signature is checked. */

import { CompactSign, compactVerify, importJWK, type JWK } from 'jose'
import { isObject } from '../fhir/json-object.ts'
import { hasDuplicateName } from './duplicate-names.ts'

/** Longest token that is looked at, in characters. */
const MOST_CHARACTERS = 16_384
const SEGMENT = /^[A-Za-z0-9_-]+$/
/** Headers that would let the token choose its own key or change how it is read (RFC 8725 §3.10). */
const REFUSED_HEADERS = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64', 'zip', 'enc']

export interface Jwt {
  readonly text: string
  readonly alg: string
  readonly kid: string
  /** Lower case, without `application/`; empty when absent. */
  readonly typ: string
  /** Not to be believed before hasValidSignature. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** The parts of a signed compact JWT, unverified; undefined when it is not strictly one: three segments, JSON objects without a repeated name, alg and kid, none of the headers that choose a key. Pure. */
export function parseJwt(text: string): Jwt | undefined {
  if (text.length > MOST_CHARACTERS) return undefined
  const segments = text.split('.')
  const [head, body] = segments
  if (
    segments.length !== 3 ||
    head === undefined ||
    body === undefined ||
    !segments.every((one) => SEGMENT.test(one))
  ) {
    return undefined
  }
  const header = parseSegment(head)
  const claims = parseSegment(body)
  if (header === undefined || claims === undefined || REFUSED_HEADERS.some((name) => name in header)) return undefined
  const { alg, kid, typ = '' } = header
  if (typeof alg !== 'string' || typeof kid !== 'string' || kid === '' || typeof typ !== 'string') return undefined
  return { text, alg, kid, typ: typ.toLowerCase().replace(/^application\//, ''), claims }
}

/** Whether the token is signed by exactly this key with the algorithm its header names; the caller has checked that the algorithm is allowed and fits the key. */
export async function hasValidSignature(jwt: Jwt, key: JWK): Promise<boolean> {
  try {
    await compactVerify(jwt.text, await importedKey(key, jwt.alg), { algorithms: [jwt.alg] })
    return true
  } catch {
    return false
  }
}

/** A signed compact JWT. Rejects when the key does not fit the algorithm. */
export async function signJwt(
  header: { readonly alg: string; readonly typ: string; readonly kid: string },
  claims: Readonly<Record<string, unknown>>,
  key: JWK,
): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(claims))
  return new CompactSign(bytes).setProtectedHeader({ ...header }).sign(await importedKey(key, header.alg))
}

/** Imported keys by the JWK object they came from: importing costs as much as verifying. */
const imported = new WeakMap<JWK, { readonly alg: string; readonly key: ReturnType<typeof importJWK> }>()

function importedKey(jwk: JWK, alg: string): ReturnType<typeof importJWK> {
  const found = imported.get(jwk)
  if (found?.alg === alg) return found.key
  const key = importJWK(jwk, alg)
  imported.set(jwk, { alg, key })
  return key
}

function parseSegment(segment: string): Record<string, unknown> | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(segment, 'base64url'))
    const value: unknown = JSON.parse(text)
    return isObject(value) && !hasDuplicateName(text) ? value : undefined
  } catch {
    return undefined
  }
}
