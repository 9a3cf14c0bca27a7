/** The true way to a token for a sandbox identity (`cpis token NAME`): the form that its system would post, with a fresh assertion and, for a person, an id_token of the sandbox's identity provider. */
import { ASSERTION_TYPE } from './client-assertion.ts'
import { signJwt } from './jwt.ts'
import type { SandboxClient, SandboxIdentities } from './sandbox-identities.ts'
import { SANDBOX_AUDIENCE, SANDBOX_ISSUER, type SandboxPerson } from './sandbox-people.ts'
import { CLIENT_CREDENTIALS, TOKEN_EXCHANGE } from './token-endpoint.ts'
import { ID_TOKEN_TYPE } from './token-exchange.ts'

/** Seconds that the assertions and id_tokens made here live. */
const LIFE_SECONDS = 240

export interface TokenRequest {
  /** URL of the token endpoint, as the server calls itself. */
  readonly tokenEndpoint: string
  /** The server's time (its Date header), not the machine's own. */
  readonly now: Date
  readonly newId: () => string
  /** A part of what is granted; all of it when absent. */
  readonly scope?: string
  /** GSS, for a client of several authorities. */
  readonly authority?: string
}

/** Names that buildTokenForm knows: people, number-feed, la-<GSS>, receiver-<GSS>. Pure. */
export function identityNames(identities: SandboxIdentities): readonly string[] {
  const clients = identities.clients.filter((one) => one.kind !== 'nhs-system' && one.kind !== 'staff-console')
  return [...identities.people.map((one) => one.name), ...clients.map((one) => one.clientId)]
}

/** The form fields to post to the token endpoint; undefined when there is no identity of this name. No I/O. */
export async function buildTokenForm(
  identities: SandboxIdentities,
  name: string,
  request: TokenRequest,
): Promise<readonly (readonly [string, string])[] | undefined> {
  const person = identities.people.find((one) => one.name === name)
  const client = identities.clients.find((one) => one.clientId === (person?.clientId ?? name))
  if (client === undefined || !identityNames(identities).includes(name)) return undefined
  const proof = [
    ['client_assertion_type', ASSERTION_TYPE],
    ['client_assertion', await signAssertion(client, request)],
    ...(request.scope === undefined ? [] : [['scope', request.scope] as const]),
    ...(request.authority === undefined ? [] : [['authority', request.authority] as const]),
  ] as const
  if (person === undefined) return [['grant_type', CLIENT_CREDENTIALS], ...proof]
  return [
    ['grant_type', TOKEN_EXCHANGE],
    ['subject_token', await signIdToken(identities, person, request)],
    ['subject_token_type', ID_TOKEN_TYPE],
    ...proof,
  ]
}

/** A client assertion of this client for the endpoint. */
export function signAssertion(client: SandboxClient, request: TokenRequest): Promise<string> {
  const { kid, alg } = client.key
  const claims = {
    iss: client.clientId,
    sub: client.clientId,
    aud: request.tokenEndpoint,
    jti: request.newId(),
    ...lifetime(request.now),
  }
  return signJwt({ alg, typ: 'JWT', kid }, claims, client.key)
}

/** An id_token of the sandbox's identity provider, in the manner of CIS2. */
export function signIdToken(
  identities: SandboxIdentities,
  person: SandboxPerson,
  request: Pick<TokenRequest, 'now' | 'newId'>,
): Promise<string> {
  const { kid, alg } = identities.issuerKey
  return signJwt(
    { alg, typ: 'JWT', kid },
    { ...idTokenClaims(person), jti: request.newId(), ...lifetime(request.now) },
    identities.issuerKey,
  )
}

/** The claims of a person's id_token, times aside. Pure. */
export function idTokenClaims({ user, organization, assuranceLevel }: SandboxPerson): Record<string, unknown> {
  return {
    iss: SANDBOX_ISSUER,
    aud: SANDBOX_AUDIENCE,
    sub: user.id,
    nhsid_useruid: user.id,
    name: user.name,
    selected_roleid: user.roleProfileId,
    nhsid_nrbac_roles: [
      {
        person_roleid: user.roleProfileId,
        org_code: organization,
        role_code: `S8000:G8000:${user.roleCode}`,
        role_name: user.roleName,
      },
    ],
    id_assurance_level: String(assuranceLevel),
    authentication_assurance_level: String(assuranceLevel),
  }
}

function lifetime(now: Date): { readonly iat: number; readonly exp: number } {
  const iat = Math.floor(now.getTime() / 1000)
  return { iat, exp: iat + LIFE_SECONDS }
}
