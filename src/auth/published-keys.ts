/** The public parts of the server's own keys, as they are published (RFC 7517) and as its own tokens are verified with. */
import type { JWK } from 'jose'
import { type Keys, type PrivateJwk, sealKeys } from '../keys.ts'

const published = new WeakMap<Keys, readonly JWK[]>()

/** Public keys of access tokens, the same objects each time. Pure. */
export function publicTokenKeys(keys: Keys): readonly JWK[] {
  const found = published.get(keys) ?? keys.tokens.map((key) => publicPart(key, 'ES256'))
  published.set(keys, found)
  return found
}

/** Public keys of webhook signatures. Pure. */
export function publicWebhookKeys(keys: Keys): readonly JWK[] {
  return keys.webhooks.map((key) => publicPart(key, 'EdDSA'))
}

/** Public keys of the audit's seals, of long ago too. Pure. */
export function publicSealKeys(keys: Keys): readonly JWK[] {
  return sealKeys(keys).map((key) => publicPart(key, 'EdDSA'))
}

/** Named member by member: a private one can never slip through. */
function publicPart({ kty = '', crv = '', x = '', y, kid }: PrivateJwk, alg: 'ES256' | 'EdDSA'): JWK {
  return { kty, crv, x, ...(y === undefined ? {} : { y }), kid, alg, use: 'sig' }
}
