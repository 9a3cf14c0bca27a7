/** Token exchange (RFC 8693): an NHS user's id_token and the system's assertion become an access token for that user in that system (security.md "Callers"). */

import type { Context } from '../context.ts'
import type { OdsCode } from '../domain/brands.ts'
import { isObject } from '../fhir/json-object.ts'
import type { Grant } from './access-token.ts'
import type { UserCaller } from './caller.ts'
import { findSigningKey } from './find-signing-key.ts'
import { hasValidSignature, type Jwt, parseJwt } from './jwt.ts'
import { narrowScopes } from './narrow-scopes.ts'
import { OAuthError } from './oauth-error.ts'
import { type RegisteredClient, scopesOfPerson } from './registered-clients.ts'
import { hasScope, SCOPE } from './scopes.ts'
import { findTimeFault } from './token-times.ts'
import type { ClaimMap, TrustedIssuer } from './trusted-issuers.ts'

export const ID_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:id_token'
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const ODS = /^[A-Z0-9]{3,10}$/
/** A role code alone or at the end of job role triples such as S8000:G8000:R8001. */
const ROLE_CODE = /(?:^|:)(R\d{4})$/

export interface ExchangeForm {
  readonly subjectToken: string | undefined
  readonly subjectTokenType: string | undefined
  readonly requestedTokenType: string | undefined
  readonly scope: string | undefined
}

/** What an id_token says of a person, in our words. */
export interface Person {
  readonly issuer: string
  readonly user: UserCaller['user']
  readonly organization: OdsCode
  readonly assuranceLevel: number
}

type Needs = Pick<Context, 'auth' | 'clock' | 'fetch' | 'log'>

/** The grant for the person of the id_token in this client. Throws OAuthError. Network I/O for keys by URL. */
export async function exchangeToken(form: ExchangeForm, client: RegisteredClient, context: Needs): Promise<Grant> {
  if (client.kind !== 'nhs-system' && client.kind !== 'staff-console') {
    throw new OAuthError('unauthorized_client', 'This client may not exchange tokens.')
  }
  if (form.subjectTokenType !== ID_TOKEN_TYPE) {
    throw new OAuthError('invalid_request', `subject_token_type must be ${ID_TOKEN_TYPE}.`)
  }
  if (form.requestedTokenType !== undefined && form.requestedTokenType !== ACCESS_TOKEN_TYPE) {
    throw new OAuthError('invalid_request', `requested_token_type can only be ${ACCESS_TOKEN_TYPE}.`)
  }
  const person = await verifyIdToken(form.subjectToken, context)
  return grantPerson({ person, client, scope: form.scope }, context)
}

/** The grant for a proven person in a client. Throws OAuthError. Pure. */
export function grantPerson(
  {
    person,
    client,
    scope,
  }: { readonly person: Person; readonly client: RegisteredClient; readonly scope: string | undefined },
  context: Pick<Context, 'auth'>,
): Grant {
  if (client.organizations.length > 0 && !client.organizations.includes(person.organization)) {
    throw refuse("the person's organisation does not use this client")
  }
  const scopes = narrowScopes(scope, scopesFor(person, client, context))
  return {
    kind: kindOf(scopes, client),
    clientId: client.clientId,
    scopes,
    user: person.user,
    organization: person.organization,
    assuranceLevel: person.assuranceLevel,
  }
}

/** The person whom a trusted issuer's id_token names. Throws OAuthError invalid_grant. Network I/O for keys by URL. */
export async function verifyIdToken(text: string | undefined, context: Needs): Promise<Person> {
  const jwt = text === undefined ? undefined : parseJwt(text)
  if (jwt === undefined) throw refuse('subject_token is not a signed JWT')
  const issuer = context.auth.issuers.find((one) => one.use === 'id-token' && one.issuer === jwt.claims['iss'])
  if (issuer === undefined) throw refuse('the issuer is not trusted')
  const fault = findIdTokenFault(jwt, issuer, context.clock().getTime())
  if (fault !== undefined) throw refuse(fault)
  const key = await findSigningKey(issuer.keys, jwt, context)
  if (key === undefined) throw refuse('no key of the issuer has this kid and algorithm')
  if (!(await hasValidSignature(jwt, key))) throw refuse('the signature is wrong')
  const person = parsePerson(jwt.claims, issuer)
  if (person === undefined) throw refuse('the claims do not name a person with role and organisation')
  return person
}

function findIdTokenFault({ alg, typ, claims }: Jwt, issuer: TrustedIssuer, nowMs: number): string | undefined {
  if (!issuer.algorithms.includes(alg)) return 'the algorithm is not allowed'
  if (typ !== '' && typ !== 'jwt') return 'typ is not that of an id_token'
  const audiences: readonly unknown[] = Array.isArray(claims['aud']) ? claims['aud'] : [claims['aud']]
  if (!audiences.some((one) => issuer.audiences.some((ours) => ours === one))) return 'another audience'
  return findTimeFault(claims, nowMs, { mostAheadMs: DAY_MS, mostAgeMs: DAY_MS - HOUR_MS, needsIssuedAt: true })
}

/** The person in these claims by the issuer's map; undefined when a fact is missing. Pure. */
export function parsePerson(
  claims: Jwt['claims'],
  issuer: Pick<TrustedIssuer, 'issuer' | 'claims'>,
): Person | undefined {
  const map = issuer.claims
  const roleProfileId = claims[map.roleProfileId]
  const role = findRole(claims, map, roleProfileId)
  const roleCode = ROLE_CODE.exec(textOf(role?.[map.roleCode]))?.[1]
  const roleName = plainRoleName(textOf(role?.[map.roleName]))
  const organization = textOf(role?.[map.organization])
  const assuranceLevel = leastLevel(map.assuranceLevels.map((name) => claims[name]))
  const id = textOf(claims[map.userId])
  const name = textOf(claims[map.name])
  if (id === '' || name === '' || roleCode === undefined || !ODS.test(organization)) return undefined
  if (assuranceLevel === undefined || typeof roleProfileId !== 'string' || roleProfileId === '') return undefined
  const user = { id, name, roleProfileId, roleCode, roleName: roleName === '' ? roleCode : roleName }
  return { issuer: issuer.issuer, user, organization: organization as OdsCode, assuranceLevel }
}

function findRole(claims: Jwt['claims'], map: ClaimMap, roleProfileId: unknown): Jwt['claims'] | undefined {
  if (map.roles === '') return claims
  const roles: unknown = claims[map.roles]
  if (!Array.isArray(roles)) return undefined
  return roles.filter(isObject).find((one) => one[map.roleEntryId] === roleProfileId)
}

function leastLevel(values: readonly unknown[]): number | undefined {
  const levels = values.map((one) => (typeof one === 'string' || typeof one === 'number' ? Number(one) : Number.NaN))
  return levels.length > 0 && levels.every((one) => one >= 0 && one <= 9) ? Math.min(...levels) : undefined
}

/** CIS2 sends role names as quoted parts, `"Clinical":"Clinical Provision":"Nurse Access Role"`: the last one is the role. */
function plainRoleName(text: string): string {
  return (text.split('":"').at(-1) ?? '').replaceAll('"', '').trim()
}

function textOf(value: unknown): string {
  return typeof value === 'string' && value.length <= 200 ? value.trim() : ''
}

/** All that a person may have in a client. Pure. */
export function scopesFor(
  person: Person,
  client: RegisteredClient,
  { auth }: Pick<Context, 'auth'>,
): readonly string[] {
  if (client.kind === 'nhs-system') return client.scopes
  const granted = scopesOfPerson(auth.registry.people, person.issuer, person.user.id)
  return granted.filter((one) => hasScope(client.scopes, one))
}

/** One token is for one duty: what an auditor may see and what an administrator may do never stand in one token. */
function kindOf(scopes: readonly string[], client: RegisteredClient): UserCaller['kind'] {
  if (client.kind === 'nhs-system') return client.scopes.includes(SCOPE.birth) ? 'maternity-user' : 'nhs-user'
  const isAdministrator = scopes.includes(SCOPE.admin)
  if (isAdministrator && scopes.length > 1) {
    throw new OAuthError(
      'invalid_scope',
      'A token is for one duty: ask for the scope of an auditor or of an administrator.',
    )
  }
  return isAdministrator ? 'administrator' : 'auditor'
}

function refuse(reason: string): OAuthError {
  return new OAuthError('invalid_grant', 'The subject_token was not accepted. Sign in again.', reason)
}
