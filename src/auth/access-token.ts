/** Access tokens (RFC 9068) of the embedded issuer, and of outside issuers where they are configured: issued for 300 s, verified on each request, never mixed with other kinds of token (security.md "Tokens"). */
import type { Context } from '../context.ts'
import type { AuthorityCode, OdsCode } from '../domain/brands.ts'
import type { AuthorityCaller, Caller, FeedCaller, UserCaller } from './caller.ts'
import { hasValidSignature, type Jwt, parseJwt, signJwt } from './jwt.ts'
import { findKey } from './key-set.ts'
import { judgeOutsideToken } from './outside-token.ts'
import { publicTokenKeys } from './published-keys.ts'
import { findTimeFault } from './token-times.ts'
import type { TrustedIssuer } from './trusted-issuers.ts'

export const ACCESS_TOKEN_SECONDS = 300
const TYP = 'at+jwt'
const ALGORITHM = 'ES256'
const FHIR_PATH = '/FHIR/R4'

/** A caller before its token has an id. */
export type Grant = Omit<AuthorityCaller, 'tokenId'> | Omit<UserCaller, 'tokenId'> | Omit<FeedCaller, 'tokenId'>

/** A verified caller; or why not, in words for the log only: the answer is a flat 401. `missing`: there was no token at all. */
export type Verified =
  | { readonly caller: Caller }
  | { readonly caller?: undefined; readonly reason: string; readonly missing: boolean }

type Needs = Pick<Context, 'config' | 'clock' | 'keys' | 'auth' | 'store' | 'fetch' | 'log'>

/** What a 401 carries. */
export const CHALLENGE = { 'WWW-Authenticate': 'Bearer' } as const

/** Signs an access token for this grant. */
export async function issueAccessToken(
  grant: Grant,
  { config, clock, keys, newId }: Pick<Context, 'config' | 'clock' | 'keys' | 'newId'>,
): Promise<string> {
  const [key] = keys.tokens
  if (key === undefined) throw new Error('no key to sign tokens')
  const iat = Math.floor(clock().getTime() / 1000)
  const claims = {
    iss: config.baseUrl,
    aud: audienceOf(config.baseUrl),
    sub: 'user' in grant ? grant.user.id : grant.clientId,
    client_id: grant.clientId,
    jti: newId(),
    iat,
    exp: iat + ACCESS_TOKEN_SECONDS,
    scope: grant.scopes.join(' '),
    caller_kind: grant.kind,
    ...('authority' in grant ? { authority: grant.authority } : {}),
    ...('user' in grant
      ? {
          name: grant.user.name,
          role_profile_id: grant.user.roleProfileId,
          role_code: grant.user.roleCode,
          role_name: grant.user.roleName,
          organization: grant.organization,
          assurance_level: grant.assuranceLevel,
        }
      : {}),
  }
  return signJwt({ alg: ALGORITHM, typ: TYP, kid: key.kid }, claims, key)
}

/**
 * Who calls, by the Authorization header. Remembers verified tokens until they expire; a revoked client or token is refused within a second.
 * Rejects with StoreError when revocations cannot be read (answer 503). Store I/O at most once a second.
 */
export async function verifyAccessToken(header: string | undefined, context: Needs): Promise<Verified> {
  if (header === undefined) return { reason: 'no Authorization header', missing: true }
  const token = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(header)?.[1]
  if (token === undefined) return refuse('the Authorization header is not Bearer with a token')
  const nowMs = context.clock().getTime()
  const known = context.auth.verified.find(token, nowMs)
  const verified = known === undefined ? await verifyNew(token, nowMs, context) : { caller: known }
  if (verified.caller === undefined) return verified
  const isRevoked = await context.auth.revocations.has(verified.caller, context)
  return isRevoked ? refuse('the token or its client is revoked') : verified
}

/** The audience of the access tokens for a server: its FHIR base URL. Pure. */
export function audienceOf(baseUrl: string): string {
  return baseUrl + FHIR_PATH
}

async function verifyNew(token: string, nowMs: number, context: Needs): Promise<Verified> {
  const jwt = parseJwt(token)
  if (jwt === undefined) return refuse('not a signed JWT')
  const outside = findOutsideIssuer(jwt, context)
  if (outside !== undefined) return verifyOutside(jwt, outside, context)
  const fault = findTokenFault(jwt, context, nowMs)
  if (fault !== undefined) return refuse(fault)
  const key = findKey(publicTokenKeys(context.keys), jwt.kid, ALGORITHM)
  if (key === undefined) return refuse('no key has this kid')
  if (!(await hasValidSignature(jwt, key))) return refuse('the signature is wrong')
  const caller = parseCaller(jwt)
  if (caller === undefined) return refuse('the claims do not make a caller')
  context.auth.verified.add(token, caller, Number(jwt.claims['exp']) * 1000)
  return { caller }
}

/** The issuer of an access token that was made elsewhere; its claims say which, the configuration everything else. */
function findOutsideIssuer({ claims }: Jwt, { config, auth }: Needs): TrustedIssuer | undefined {
  if (claims['iss'] === config.baseUrl) return undefined
  return auth.issuers.find((one) => one.use === 'access-token' && one.issuer === claims['iss'])
}

async function verifyOutside(jwt: Jwt, issuer: TrustedIssuer, context: Needs): Promise<Verified> {
  const judged = await judgeOutsideToken(jwt, issuer, context)
  if ('reason' in judged) return refuse(judged.reason)
  context.auth.verified.add(jwt.text, judged.caller, Number(jwt.claims['exp']) * 1000)
  return judged
}

function findTokenFault({ alg, typ, claims }: Jwt, { config }: Needs, nowMs: number): string | undefined {
  if (!config.embeddedIssuer) return 'the embedded issuer is off'
  if (alg !== ALGORITHM) return 'the algorithm is not allowed'
  if (typ !== TYP) return 'typ is not at+jwt'
  if (claims['iss'] !== config.baseUrl) return 'another issuer'
  if (claims['aud'] !== audienceOf(config.baseUrl)) return 'another audience'
  return findTimeFault(claims, nowMs, {
    mostAheadMs: ACCESS_TOKEN_SECONDS * 1000 + 1000,
    mostAgeMs: ACCESS_TOKEN_SECONDS * 1000,
    needsIssuedAt: true,
  })
}

function parseCaller({ claims }: Jwt): Caller | undefined {
  const { client_id: clientId, jti: tokenId, scope, caller_kind: kind } = claims
  if (typeof clientId !== 'string' || typeof tokenId !== 'string' || typeof scope !== 'string') return undefined
  const proven = { clientId, tokenId, scopes: scope.split(' ') }
  if (kind === 'number-feed') return { ...proven, kind }
  if (kind === 'la-supplier' || kind === 'la-receiver') {
    const { authority } = claims
    return typeof authority === 'string' ? { ...proven, kind, authority: authority as AuthorityCode } : undefined
  }
  if (kind !== 'nhs-user' && kind !== 'maternity-user' && kind !== 'auditor' && kind !== 'administrator')
    return undefined
  const { sub, name, role_profile_id, role_code, role_name, organization, assurance_level: assuranceLevel } = claims
  const texts = [sub, name, role_profile_id, role_code, role_name, organization]
  if (!areTexts(texts) || typeof assuranceLevel !== 'number') return undefined
  const [id = '', fullName = '', roleProfileId = '', roleCode = '', roleName = '', ods = ''] = texts
  const user = { id, name: fullName, roleProfileId, roleCode, roleName }
  return { ...proven, kind, user, organization: ods as OdsCode, assuranceLevel }
}

function areTexts(values: readonly unknown[]): values is readonly string[] {
  return values.every((one) => typeof one === 'string' && one !== '')
}

function refuse(reason: string): Verified {
  return { reason, missing: false }
}
