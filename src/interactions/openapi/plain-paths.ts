/** What is served beside FHIR (interface.md "Outside FHIR"), as OpenAPI says it; the tests keep it true to the table of those routes. */
import { ASSERTION_ALGORITHMS, ASSERTION_TYPE } from '../../auth/client-assertion.ts'
import { GRANT_TYPES } from '../../auth/token-endpoint.ts'
import { ACCESS_TOKEN_TYPE, ID_TOKEN_TYPE } from '../../auth/token-exchange.ts'
import { json, type Part, TEXT } from './openapi-types.ts'

function get(operationId: string, summary: string, responses: Part): Part {
  return { get: { operationId, tags: ['Outside FHIR'], summary, security: [], responses } }
}

const KEY_SET = {
  type: 'object',
  properties: { keys: { type: 'array', items: { type: 'object' } } },
  required: ['keys'],
}
const HEALTH = {
  type: 'object',
  properties: { status: TEXT, reasons: { type: 'array', items: TEXT } },
  required: ['status'],
}
const SEAL = {
  type: 'object',
  properties: {
    number: { type: 'integer' },
    count: { type: 'integer' },
    from: TEXT,
    to: TEXT,
    root: TEXT,
    previous: TEXT,
    through: TEXT,
    closedAt: TEXT,
    late: { const: true },
    kid: TEXT,
    signature: TEXT,
  },
  required: ['number', 'count', 'root', 'previous', 'through', 'closedAt', 'kid', 'signature'],
}
const PAGE = { description: 'A page or a part of it.', content: { '*/*': { schema: TEXT } } }

const TOKEN_FORM = {
  type: 'object',
  properties: {
    grant_type: { enum: [...GRANT_TYPES] },
    client_assertion_type: { const: ASSERTION_TYPE },
    client_assertion: {
      ...TEXT,
      description: `A JWT by the client’s private key (${ASSERTION_ALGORITHMS.join(', ')}): header alg, typ JWT, kid; iss and sub the client id, aud the token endpoint exactly, a new jti each time, exp at most five minutes ahead.`,
    },
    scope: { ...TEXT, description: 'A part of what is granted; all of it when absent.' },
    authority: {
      ...TEXT,
      description: 'GSS code; for a client that serves several authorities: each token is for one.',
    },
    subject_token: { ...TEXT, description: 'Token exchange: the id_token of the person who is signed in.' },
    subject_token_type: { const: ID_TOKEN_TYPE },
    requested_token_type: { const: ACCESS_TOKEN_TYPE },
  },
  required: ['grant_type', 'client_assertion_type', 'client_assertion'],
}
const TOKEN_ANSWER = {
  type: 'object',
  properties: {
    access_token: TEXT,
    token_type: { const: 'Bearer' },
    expires_in: { type: 'integer' },
    scope: TEXT,
    issued_token_type: TEXT,
  },
  required: ['access_token', 'token_type', 'expires_in', 'scope'],
}
const OAUTH_ERROR = {
  type: 'object',
  properties: { error: TEXT, error_description: TEXT },
  required: ['error', 'error_description'],
}

const TOKEN = {
  post: {
    operationId: 'token',
    tags: ['Outside FHIR'],
    summary: 'Get an access token',
    description:
      'client_credentials for systems (SMART Backend Services), token exchange (RFC 8693) for a system with a person signed in; both prove the client by private_key_jwt. There are no client secrets.',
    security: [],
    requestBody: { required: true, content: { 'application/x-www-form-urlencoded': { schema: TOKEN_FORM } } },
    responses: {
      200: json('A token that lives 300 seconds.', TOKEN_ANSWER),
      400: json('RFC 6749 §5.2.', OAUTH_ERROR),
      401: json('invalid_client: which check failed is not told.', OAUTH_ERROR),
      503: json('temporarily_unavailable', OAUTH_ERROR),
    },
  },
}

const SEALS = {
  get: {
    operationId: 'audit-seals',
    tags: ['Outside FHIR'],
    summary: 'Seals of the audit, oldest first, 100 a page: keep them, and a chain that is cut or rewritten shows',
    security: [],
    parameters: [
      { name: 'after', in: 'query', description: 'Number behind which the page begins.', schema: { type: 'integer' } },
    ],
    responses: {
      200: json('The newest (`head`), a page of `seals`, and the address of the `next` one.', {
        type: 'object',
        properties: { head: SEAL, seals: { type: 'array', items: SEAL }, next: TEXT },
        required: ['seals'],
      }),
      400: { description: 'OperationOutcome: `after` is no number.' },
    },
  },
}

/** Path → path item, absolute paths. */
export const PLAIN_PATHS: Readonly<Record<string, Part>> = {
  '/oauth2/token': TOKEN,
  '/health/live': get('health-live', 'Whether the process lives', { 200: json('It does.', HEALTH) }),
  '/health/ready': get('health-ready', 'Whether it can serve', {
    200: json('It can.', HEALTH),
    503: json('It cannot, with reasons.', HEALTH),
  }),
  '/.well-known/jwks.json': get('jwks', 'Keys of access tokens', { 200: json('RFC 7517.', KEY_SET) }),
  '/.well-known/webhook-keys.json': get('webhook-keys', 'Keys of notification signatures', {
    200: json('RFC 7517; several while they rotate.', KEY_SET),
  }),
  '/.well-known/audit-seal-keys.json': get('audit-seal-keys', 'Keys of the seals of the audit', {
    200: json('RFC 7517, with those of long ago.', KEY_SET),
  }),
  '/.well-known/audit-seals': SEALS,
  '/FHIR/R4/.well-known/smart-configuration': get('smart-configuration', 'Where and how to get a token', {
    200: json('SMART App Launch 2.2.', { type: 'object' }),
  }),
  '/openapi.json': get('openapi', 'This document', { 200: json('OpenAPI 3.1.', { type: 'object' }) }),
  '/docs': get('docs', 'This document to read and to try', { 200: PAGE }),
}
