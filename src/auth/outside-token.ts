/** Access tokens of a trusted outside issuer (security.md "Trusted outside issuers"; RFC 9068): who calls is a client that is registered here, and what it may do is what is granted here, however much the token says. */
import type { Context } from '../context.ts'
import type { Grant } from './access-token.ts'
import type { Caller } from './caller.ts'
import { grantClientCredentials } from './client-credentials.ts'
import { findSigningKey } from './find-signing-key.ts'
import { hasValidSignature, type Jwt } from './jwt.ts'
import { OAuthError } from './oauth-error.ts'
import { findClient, type RegisteredClient } from './registered-clients.ts'
import { hasScope } from './scopes.ts'
import { grantPerson, parsePerson, scopesFor } from './token-exchange.ts'
import { findTimeFault } from './token-times.ts'
import type { TrustedIssuer } from './trusted-issuers.ts'

const HOUR_MS = 3_600_000
/** A token that is bound to a key needs a proof that nobody here asks for; these belong to id_tokens and assertions. */
const REFUSED_CLAIMS = ['cnf', 'nonce', 'at_hash', 'c_hash', 'events', 'act', 'may_act']

type Needs = Pick<Context, 'auth' | 'clock' | 'fetch' | 'log'>

/** The caller, or why not, for the log alone. Nothing of the token finds its key but kid and algorithm within the issuer's own set. Network I/O for keys by URL. */
export async function judgeOutsideToken(
  jwt: Jwt,
  issuer: TrustedIssuer,
  context: Needs,
): Promise<{ readonly caller: Caller } | { readonly reason: string }> {
  const fault = findFault(jwt, issuer, context.clock().getTime())
  if (fault !== undefined) return { reason: fault }
  const key = await findSigningKey(issuer.keys, jwt, context)
  if (key === undefined) return { reason: 'no key of the issuer has this kid and algorithm' }
  if (!(await hasValidSignature(jwt, key))) return { reason: 'the signature is wrong' }
  const client = clientOf(jwt, issuer, context)
  if (client === undefined) return { reason: 'the client is not registered here' }
  try {
    const grant = grantOf(jwt, { issuer, client }, context)
    return { caller: { ...grant, tokenId: String(jwt.claims['jti']) } }
  } catch (error) {
    if (error instanceof OAuthError) return { reason: error.reason ?? error.description }
    throw error
  }
}

function findFault({ alg, typ, claims }: Jwt, issuer: TrustedIssuer, nowMs: number): string | undefined {
  if (!issuer.algorithms.includes(alg)) return 'the algorithm is not allowed'
  if (typ !== 'at+jwt') return 'typ is not at+jwt'
  const { aud, jti } = claims
  const audience: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
  if (!issuer.audiences.some((one) => one === audience)) return 'another audience'
  if (typeof jti !== 'string' || jti === '' || jti.length > 200) return 'jti is missing or no text'
  const stranger = REFUSED_CLAIMS.find((name) => Object.hasOwn(claims, name))
  if (stranger !== undefined) return `${stranger} is no claim of an access token that stands alone`
  return findTimeFault(claims, nowMs, { mostAheadMs: HOUR_MS + 1000, mostAgeMs: HOUR_MS, needsIssuedAt: true })
}

function clientOf({ claims }: Jwt, issuer: TrustedIssuer, { auth }: Needs): RegisteredClient | undefined {
  const id = claims[issuer.claims.clientId]
  return typeof id === 'string' ? findClient(auth.registry, id) : undefined
}

/** Throws OAuthError. */
function grantOf(
  { claims }: Jwt,
  { issuer, client }: { readonly issuer: TrustedIssuer; readonly client: RegisteredClient },
  context: Needs,
): Grant {
  const named = claims[issuer.claims.scope]
  if (client.kind !== 'nhs-system' && client.kind !== 'staff-console') {
    const scope = onlyGranted(named, client.scopes)
    const authority = claims[issuer.claims.authority]
    if (authority !== undefined && typeof authority !== 'string') throw refuse('authority is no text')
    return grantClientCredentials({ scope, authority }, client)
  }
  const person = parsePerson(claims, issuer)
  if (person === undefined) throw refuse('the claims do not name a person with role and organisation')
  return grantPerson({ person, client, scope: onlyGranted(named, scopesFor(person, client, context)) }, context)
}

/** Issuers write scopes of others beside ours (`openid`): those that are not granted here are passed over; without one of ours there is nothing to do here. */
function onlyGranted(named: unknown, granted: readonly string[]): string {
  const ours = typeof named === 'string' ? named.split(' ').filter((one) => hasScope(granted, one)) : []
  if (ours.length === 0) throw refuse('no scope that is granted here')
  return ours.join(' ')
}

function refuse(reason: string): OAuthError {
  return new OAuthError('invalid_grant', 'The access token was not accepted.', reason)
}
