/** POST /oauth2/token (RFC 6749 §3.2 and §5; RFC 8693; SMART Backend Services): one request as a list of steps. */
import type { Context } from '../context.ts'
import { StoreError } from '../store/store.ts'
import { ACCESS_TOKEN_SECONDS, audienceOf, type Grant, issueAccessToken } from './access-token.ts'
import type { Caller } from './caller.ts'
import { authenticateClient } from './client-assertion.ts'
import { grantClientCredentials } from './client-credentials.ts'
import { OAuthError, type OAuthErrorCode } from './oauth-error.ts'
import type { RegisteredClient } from './registered-clients.ts'
import { ACCESS_TOKEN_TYPE, exchangeToken } from './token-exchange.ts'

export const TOKEN_PATH = '/oauth2/token'
export const CLIENT_CREDENTIALS = 'client_credentials'
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const GRANT_TYPES = [CLIENT_CREDENTIALS, TOKEN_EXCHANGE] as const

/** A form body as it was sent, in order. */
export type TokenForm = readonly (readonly [name: string, value: string])[]

/** What a token request needs of the context. */
export type TokenContext = Pick<Context, 'config' | 'clock' | 'newId' | 'log' | 'store' | 'keys' | 'auth' | 'fetch'>

export interface TokenFacts {
  readonly requestId: string
}

/** The body is JSON. */
export interface TokenAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, string | number>>
  /** Whom the token is for. */
  readonly granted?: Caller
  /** Of a refusal: the registered client that asked, or that the request named without proof. */
  readonly client?: string
}

const NO_STORE = { 'Cache-Control': 'no-store', Pragma: 'no-cache' } as const
const RETRY_AFTER_SECONDS = '2'
const NOT_NOW = 'No token can be issued now. Try again.'
const STATUS: Readonly<Partial<Record<OAuthErrorCode, number>>> = { invalid_client: 401, temporarily_unavailable: 503 }

/** The URL that assertions are made for. Pure. */
export function tokenEndpoint(baseUrl: string): string {
  return baseUrl + TOKEN_PATH
}

/** The answer to a token request, refusals included. Store I/O, and network I/O for keys by URL; logs one line without token or person. Never rejects but for a fault of the program. */
export async function handleToken(form: TokenForm, facts: TokenFacts, context: TokenContext): Promise<TokenAnswer> {
  const log = context.log.child({ requestId: facts.requestId, route: 'oauth2/token' })
  let proven: RegisteredClient | undefined
  try {
    checkIssuer(context)
    const fields = parseForm(form)
    const grantType = parseGrantType(fields)
    checkTarget(fields, context)
    proven = await authenticateClient(assertionOf(fields), tokenEndpoint(context.config.baseUrl), context)
    const grant = await grantFor(grantType, fields, proven, context)
    const tokenId = context.newId()
    const { config, clock, keys } = context
    const token = await issueAccessToken(grant, { config, clock, keys, newId: () => tokenId })
    log.info({ client: grant.clientId, kind: grant.kind }, 'token issued')
    return { ...tokenAnswer(token, grant, grantType), granted: { ...grant, tokenId } }
  } catch (thrown) {
    const error = asOAuthError(thrown)
    log.warn({ error: error.code, reason: error.reason }, 'token refused')
    const client = proven?.clientId ?? error.clientId
    return { ...errorAnswer(error), ...(client === undefined ? {} : { client }) }
  }
}

type Fields = ReadonlyMap<string, string>
type GrantType = (typeof GRANT_TYPES)[number]

function checkIssuer({ config }: TokenContext): void {
  if (config.embeddedIssuer) return
  throw new OAuthError('unauthorized_client', 'This server issues no tokens. Get one from an issuer that it trusts.')
}

/** RFC 6749 §3.2: a parameter without a value counts as left out, one that stands twice is an error. */
function parseForm(form: TokenForm): Fields {
  const fields = new Map<string, string>()
  for (const [name, value] of form) {
    if (fields.has(name)) throw new OAuthError('invalid_request', 'A parameter stands more than once.')
    fields.set(name, value)
  }
  return new Map([...fields].filter(([, value]) => value !== ''))
}

function parseGrantType(fields: Fields): GrantType {
  const asked = fields.get('grant_type')
  if (asked === undefined) throw new OAuthError('invalid_request', 'grant_type is missing.')
  const found = GRANT_TYPES.find((one) => one === asked)
  if (found === undefined) {
    throw new OAuthError('unsupported_grant_type', `grant_type must be ${GRANT_TYPES.join(' or ')}.`)
  }
  return found
}

/** Tokens are for this service only, and only a key proves a client. */
function checkTarget(fields: Fields, { config }: TokenContext): void {
  const ours = audienceOf(config.baseUrl)
  const isElsewhere = ['resource', 'audience'].some((name) => fields.has(name) && fields.get(name) !== ours)
  if (isElsewhere) throw new OAuthError('invalid_target', `Tokens are issued for ${ours} only.`)
  if (fields.has('client_secret'))
    throw new OAuthError('invalid_request', 'client_secret is not taken: use private_key_jwt.')
  if (fields.has('actor_token')) throw new OAuthError('invalid_request', 'actor_token is not taken.')
}

function assertionOf(fields: Fields): Parameters<typeof authenticateClient>[0] {
  return {
    assertionType: fields.get('client_assertion_type'),
    assertion: fields.get('client_assertion'),
    clientId: fields.get('client_id'),
  }
}

async function grantFor(
  type: GrantType,
  fields: Fields,
  client: RegisteredClient,
  context: TokenContext,
): Promise<Grant> {
  const scope = fields.get('scope')
  if (type === CLIENT_CREDENTIALS) {
    return grantClientCredentials({ scope, authority: fields.get('authority') }, client)
  }
  return exchangeToken(
    {
      subjectToken: fields.get('subject_token'),
      subjectTokenType: fields.get('subject_token_type'),
      requestedTokenType: fields.get('requested_token_type'),
      scope,
    },
    client,
    context,
  )
}

function tokenAnswer(token: string, grant: Grant, grantType: GrantType): TokenAnswer {
  const body = {
    access_token: token,
    token_type: 'Bearer',
    expires_in: ACCESS_TOKEN_SECONDS,
    scope: grant.scopes.join(' '),
    ...(grantType === TOKEN_EXCHANGE ? { issued_token_type: ACCESS_TOKEN_TYPE } : {}),
  }
  return { status: 200, headers: NO_STORE, body }
}

function asOAuthError(thrown: unknown): OAuthError {
  if (thrown instanceof OAuthError) return thrown
  if (thrown instanceof StoreError) {
    return new OAuthError('temporarily_unavailable', NOT_NOW, `store: ${thrown.kind}`)
  }
  throw thrown
}

/** What is said when a token could be given and not be kept in the log. Pure. */
export function unavailableAnswer(): TokenAnswer {
  return errorAnswer(new OAuthError('temporarily_unavailable', NOT_NOW))
}

function errorAnswer(error: OAuthError): TokenAnswer {
  const status = STATUS[error.code] ?? 400
  const headers = status === 503 ? { ...NO_STORE, 'Retry-After': RETRY_AFTER_SECONDS } : NO_STORE
  return { status, headers, body: { error: error.code, error_description: error.description } }
}
