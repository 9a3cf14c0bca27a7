/** JSON Web Key Sets (RFC 7517): the one key of a set that may have signed a token, chosen by kid and algorithm together. */

import type { JWK } from 'jose'
import { isObject } from '../fhir/json-object.ts'

interface KeyShape {
  readonly kty: string
  readonly crv?: string
}

/** Signature algorithms that may be allowed anywhere, and the only shape of key that each goes with; nothing symmetric, never `none`. */
const SHAPE: Readonly<Record<string, KeyShape>> = {
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
}

/** 2048 bits in base64url characters. */
const LEAST_MODULUS_CHARACTERS = 342
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']

/** Whether an algorithm is one that this service can verify. Pure. */
export function isKnownAlgorithm(alg: string): boolean {
  return Object.hasOwn(SHAPE, alg)
}

/** Public signature keys of a JWKS, those that cannot be used left out; undefined when it is no key set or shows a private key. Pure. */
export function parseKeySet(value: unknown): readonly JWK[] | undefined {
  if (!isObject(value) || !Array.isArray(value['keys'])) return undefined
  const keys: readonly unknown[] = value['keys']
  if (keys.some((key) => isObject(key) && PRIVATE_MEMBERS.some((name) => name in key))) return undefined
  return keys.filter(isUsableKey)
}

/** The only key with this kid that fits the algorithm; undefined when there is none or more than one. Pure. */
export function findKey(keys: readonly JWK[], kid: string, alg: string): JWK | undefined {
  const fitting = keys.filter((key) => key.kid === kid && fits(key, alg))
  return fitting.length === 1 ? fitting[0] : undefined
}

function isUsableKey(key: unknown): key is JWK {
  if (!isObject(key) || typeof key['kid'] !== 'string') return false
  if (key['use'] !== undefined && key['use'] !== 'sig') return false
  if (key['kty'] === 'RSA') return typeof key['n'] === 'string' && key['n'].length >= LEAST_MODULUS_CHARACTERS
  return key['kty'] === 'EC' || key['kty'] === 'OKP'
}

function fits(key: JWK, alg: string): boolean {
  const shape = Object.hasOwn(SHAPE, alg) ? SHAPE[alg] : undefined
  if (shape === undefined || key.kty !== shape.kty || (shape.crv !== undefined && key.crv !== shape.crv)) return false
  return key.alg === undefined || key.alg === alg
}
