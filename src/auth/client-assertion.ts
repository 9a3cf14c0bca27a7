/** How a client proves itself: private_key_jwt of RFC 7523 §3 as SMART Backend Services narrows it (security.md "Tokens"). */
import type { Context } from '../context.ts'
import { findSigningKey } from './find-signing-key.ts'
import { hasValidSignature, type Jwt, parseJwt } from './jwt.ts'
import { OAuthError } from './oauth-error.ts'
import { findClient, type RegisteredClient } from './registered-clients.ts'
import { findTimeFault } from './token-times.ts'

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
export const ASSERTION_ALGORITHMS = ['RS384', 'ES384', 'RS512', 'EdDSA'] as const

const ASSERTION_TYPS = ['jwt', 'client-authentication+jwt']
const FIVE_MINUTES_MS = 300_000
const MOST_JTI_CHARACTERS = 256

export interface AssertionForm {
  readonly assertionType: string | undefined
  readonly assertion: string | undefined
  /** The form's client_id, which need not be sent. */
  readonly clientId: string | undefined
}

type Needs = Pick<Context, 'auth' | 'clock' | 'store' | 'fetch' | 'log'>

/**
 * The client that made this assertion for this endpoint. Throws OAuthError invalid_client, whose reason is for the log only.
 * The jti is claimed before the signature is verified, so of many posts of one assertion one goes on. Store I/O; network I/O for keys by URL.
 */
export async function authenticateClient(
  form: AssertionForm,
  endpoint: string,
  context: Needs,
): Promise<RegisteredClient> {
  if (form.assertionType !== ASSERTION_TYPE) throw refuse('client_assertion_type is not jwt-bearer')
  const jwt = form.assertion === undefined ? undefined : parseJwt(form.assertion)
  if (jwt === undefined)
    throw refuse('client_assertion is not a signed JWT with alg and kid, without jku, jwk, x5u, crit')
  const client = getClient(jwt, form, context)
  const fault = findAssertionFault(jwt, { clientId: client.clientId, endpoint, nowMs: context.clock().getTime() })
  if (fault !== undefined) throw refuse(fault, client)
  const isFirst = await claimOnce(jwt, client, context)
  if (!isFirst) throw refuse('the jti was used before', client)
  const key = await findSigningKey(client.keys, jwt, context)
  if (key === undefined) throw refuse('no key of the client has this kid and algorithm', client)
  if (!(await hasValidSignature(jwt, key))) throw refuse('the signature is wrong', client)
  if (await context.auth.revocations.has({ clientId: client.clientId, tokenId: '' }, context)) {
    throw refuse('the client is revoked', client)
  }
  return client
}

/** What is wrong with the header and claims of an assertion, the signature aside; undefined when nothing is. Pure. */
export function findAssertionFault(
  { alg, typ, claims }: Jwt,
  expected: { readonly clientId: string; readonly endpoint: string; readonly nowMs: number },
): string | undefined {
  const { iss, sub, aud, jti } = claims
  if (!ASSERTION_ALGORITHMS.some((one) => one === alg)) return 'the algorithm is not allowed'
  if (!ASSERTION_TYPS.includes(typ)) return 'typ is not JWT'
  if (iss !== expected.clientId || sub !== expected.clientId) return 'iss and sub are not the client id'
  if (!isExactly(aud, expected.endpoint)) return 'aud is not exactly the token endpoint'
  if (typeof jti !== 'string' || jti === '' || jti.length > MOST_JTI_CHARACTERS) return 'jti is missing or too long'
  return findTimeFault(claims, expected.nowMs, {
    mostAheadMs: FIVE_MINUTES_MS,
    mostAgeMs: FIVE_MINUTES_MS,
    needsIssuedAt: false,
  })
}

function getClient({ claims }: Jwt, form: AssertionForm, context: Needs): RegisteredClient {
  const client = typeof claims['sub'] === 'string' ? findClient(context.auth.registry, claims['sub']) : undefined
  if (client === undefined) throw refuse('the client is not registered')
  if (form.clientId !== undefined && form.clientId !== client.clientId) {
    throw refuse('client_id is not the subject of the assertion', client)
  }
  return client
}

function claimOnce({ claims }: Jwt, client: RegisteredClient, context: Needs): Promise<boolean> {
  const expiresAt = new Date(Number(claims['exp']) * 1000)
  return context.store.claim('assertion', `${client.clientId} ${String(claims['jti'])}`, expiresAt)
}

function isExactly(audience: unknown, endpoint: string): boolean {
  return audience === endpoint || (Array.isArray(audience) && audience.length === 1 && audience[0] === endpoint)
}

/** One answer for all faults, so that nobody can try them one by one. */
function refuse(reason: string, client?: RegisteredClient): OAuthError {
  const said = 'The client could not be authenticated. See docs/integrating.md for what an assertion needs.'
  if (client === undefined) return new OAuthError('invalid_client', said, reason)
  return new OAuthError('invalid_client', said, `${client.clientId}: ${reason}`, client.clientId)
}
