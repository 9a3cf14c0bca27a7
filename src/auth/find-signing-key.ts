/** The key that must have signed a token of a known sender: from the registration by value, or from its registered URL; never from the token. */
import type { JWK } from 'jose'
import type { Context } from '../context.ts'
import type { Jwt } from './jwt.ts'
import { findKey } from './key-set.ts'
import type { KeySource } from './parse-setting.ts'

/** The sender's key with the token's kid and algorithm; undefined when it has none. May do network I/O. */
export async function findSigningKey(
  source: KeySource,
  jwt: Jwt,
  context: Pick<Context, 'auth' | 'fetch' | 'clock' | 'log'>,
): Promise<JWK | undefined> {
  return 'url' in source ? context.auth.keySets.find(source.url, jwt, context) : findKey(source.keys, jwt.kid, jwt.alg)
}
