/** The administrator's routes below /admin, as OpenAPI says them; the tests keep it true to the table of those routes. */
import { refTo } from '../../fhir/json-schema.ts'
import { exampleAnswersOf, exampleRequestsOf } from './examples.ts'
import { FHIR_JSON_TYPE, json, type Part, TEXT } from './openapi-types.ts'

const LANE = {
  type: 'object',
  properties: {
    subscription: TEXT,
    authority: { ...TEXT, description: 'GSS code.' },
    authorityName: TEXT,
    state: {
      enum: ['idle', 'sending', 'retrying', 'paused', 'new', 'error', 'off', 'deleted'],
      description:
        'retrying: the endpoint failed and is tried again; paused: by an administrator; new: no handshake yet; error: nothing is sent until it is requested again.',
    },
    paused: { type: 'boolean', description: 'By an administrator, whatever the state is besides.' },
    waiting: { type: 'integer', description: 'Events not yet delivered.' },
    lastNumber: { type: 'integer' },
    deliveredThrough: { type: 'integer' },
    oldestWaitingAt: { ...TEXT, format: 'date-time' },
    failures: { type: 'integer', description: 'Failed tries in a row.' },
    failingSince: { ...TEXT, format: 'date-time' },
    nextTryAt: { ...TEXT, format: 'date-time' },
    lastAnswer: {
      type: 'object',
      properties: { at: { ...TEXT, format: 'date-time' }, answer: TEXT, status: { type: 'integer' } },
    },
    again: { type: 'object', properties: { from: { type: 'integer' }, through: { type: 'integer' } } },
  },
  required: ['subscription', 'authority', 'state', 'waiting', 'lastNumber', 'deliveredThrough', 'failures'],
}
const LANES = { type: 'object', properties: { lanes: { type: 'array', items: LANE } }, required: ['lanes'] }
const RELEASED = {
  type: 'object',
  properties: { released: { type: 'array', items: TEXT, description: 'Ids of Subscriptions.' } },
  required: ['released'],
}
/** Which lane was changed; none when it was so already. */
const changed = (name: string): Part => ({
  type: 'object',
  properties: { [name]: { type: 'array', items: TEXT, description: 'Ids of Subscriptions.' } },
  required: [name],
})
const QUEUED = {
  type: 'object',
  properties: {
    queued: {
      type: ['object', 'null'],
      properties: { from: { type: 'integer' }, through: { type: 'integer' } },
      description: 'Numbers of the events; null when there are none of these numbers in the last 90 days.',
    },
  },
  required: ['queued'],
}
const EVENT_NUMBERS = ['eventsSinceNumber', 'eventsUntilNumber'].map((name) => ({
  name,
  in: 'query',
  schema: { ...TEXT, pattern: '^\\d{1,15}$' },
  description: 'A number of an event, inclusive; at least one of the two is needed.',
}))
const REFUSED = Object.fromEntries(
  [401, 403, 404, 503].map((status) => [status, { $ref: `#/components/responses/error-${status}` }]),
)

/** Of the administrator, with a token. */
function admin(operationId: string, summary: string, [description, schema]: readonly [string, Part]): Part {
  const isOne = operationId.endsWith('-lane')
  const numbers = operationId === 'resend-lane' ? EVENT_NUMBERS : []
  return {
    operationId,
    tags: ['Administration'],
    summary,
    description: 'May: administrator. Every request leaves its audit record.',
    security: [{ bearer: [] }],
    ...(isOne ? { parameters: [{ $ref: '#/components/parameters/id' }, ...numbers] } : {}),
    responses: { 200: json(description, schema), ...REFUSED },
  }
}

const LANE_PATHS: Readonly<Record<string, Part>> = {
  '/admin/lanes': { get: admin('lanes', 'Every lane of notifications', ['Those in trouble first.', LANES]) },
  '/admin/lanes/{id}/release': {
    post: admin('release-lane', 'Try one lane at once', [
      'A lane that waits is due at once; a Subscription in error is requested again. What its owner turned off stays off.',
      RELEASED,
    ]),
  },
  '/admin/lanes/{id}/pause': {
    post: admin('pause-lane', 'Let nothing be sent in one lane', [
      'What is under way ends; numbering goes on, and the Subscription stays as it is.',
      changed('paused'),
    ]),
  },
  '/admin/lanes/{id}/resume': {
    post: admin('resume-lane', 'End the pause of one lane', [
      'What waits is due at once, and the 72 hours begin anew.',
      changed('resumed'),
    ]),
  },
  '/admin/lanes/{id}/resend': {
    post: admin('resend-lane', 'Send delivered events once more', [
      'Under their numbers and a webhook-id of this asking, before what waits.',
      QUEUED,
    ]),
  },
  '/admin/lanes/release': {
    post: admin('release-lanes', 'Try every lane in which something waits at once', ['As for one.', RELEASED]),
  },
}

/** What an address names or asks for. */
const inPath = (pattern: string): Part => ({ name: 'id', in: 'path', required: true, schema: { ...TEXT, pattern } })
const inQuery = (name: string, description: string): Part => ({ name, in: 'query', schema: TEXT, description })
const CLIENT_ID = inPath('^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$')
const listOf = (name: string, properties: Part, more: Part = {}): Part => ({
  type: 'object',
  properties: { [name]: { type: 'array', items: { type: 'object', properties } }, ...more },
  required: [name],
})
const MOMENT = { ...TEXT, format: 'date-time' }
const ALERTS = listOf(
  'alerts',
  {
    id: { ...TEXT, description: 'Of the AuditEvent.' },
    at: MOMENT,
    alert: { ...TEXT, description: 'A code of cpis-audit-subtype; refused or many-tokens: requests summed up.' },
    user: { type: 'object', properties: { id: TEXT, name: TEXT, roleCode: TEXT, roleName: TEXT } },
    organization: TEXT,
    subscription: TEXT,
    authority: TEXT,
    count: { type: 'integer' },
    client: TEXT,
    codes: { type: 'array', items: TEXT },
  },
  {
    lanes: { type: 'array', items: LANE, description: 'With the first page: in error, or waiting over 15 minutes.' },
    next: { ...TEXT, description: 'For _cursor; absent on the last page.' },
  },
)
const LETTERS = listOf('deadLetters', {
  authority: TEXT,
  authorityName: TEXT,
  topic: TEXT,
  count: { type: 'integer' },
  since: MOMENT,
  latest: MOMENT,
  subscribed: { type: 'boolean', description: 'Whether a Subscription wants the topic now.' },
})
const CLIENTS = listOf('clients', {
  clientId: TEXT,
  kind: TEXT,
  authorities: { type: 'array', items: TEXT },
  organizations: { type: 'array', items: TEXT },
  scopes: { type: 'array', items: TEXT },
  keys: { type: 'object', description: 'kids, or the url of a key set.' },
  revoked: { type: 'boolean' },
})
const ids = (name: string): Part => ({
  type: 'object',
  properties: { [name]: { type: 'array', items: TEXT, description: 'Empty when it was so already.' } },
  required: [name],
})
const withParameters = (part: Part, ...parameters: readonly Part[]): Part => ({ ...part, parameters })

const OVERSIGHT_PATHS: Readonly<Record<string, Part>> = {
  '/admin/alerts': {
    get: withParameters(
      admin('alerts', 'What must be looked at', ['Newest first, in pages; nothing of a child.', ALERTS]),
      inQuery('from', 'A day or an instant.'),
      inQuery('_count', 'At most 500; 50 unless told.'),
      inQuery('_cursor', 'next of the page before.'),
    ),
  },
  '/admin/dead-letters': {
    get: admin('dead-letters', 'Councils that are told nothing', [
      'Events of the last 90 days that no Subscription wanted.',
      LETTERS,
    ]),
  },
  '/admin/clients': { get: admin('clients', 'Registered clients', ['The revoked first; no key.', CLIENTS]) },
  '/admin/clients/{id}/revoke': {
    post: withParameters(
      admin('revoke-client', 'Refuse all tokens of a client', [
        'Within a second, until it is restored.',
        ids('revoked'),
      ]),
      CLIENT_ID,
    ),
  },
  '/admin/clients/{id}/restore': {
    post: withParameters(
      admin('restore-client', 'End the revocation of a client', ['Within a second.', ids('restored')]),
      CLIENT_ID,
    ),
  },
  '/admin/tokens/{id}/revoke': {
    post: withParameters(
      admin('revoke-token', 'Refuse one access token by its jti', ['Within a second.', ids('revoked')]),
      inPath('^[0-9a-f-]{36}$'),
    ),
  },
}

const DIRECTORY_ROW = { method: 'POST', path: '/admin/directory' }
const directoryPaths = (): Readonly<Record<string, Part>> => ({
  '/admin/directory': {
    post: {
      ...withParameters(
        admin('load-directory', 'Bring organisations, sites and authorities in, or up to date', ['', {}]),
        inQuery('dryRun', 'true: say what would become of each, and store nothing.'),
      ),
      requestBody: {
        required: true,
        content: {
          [FHIR_JSON_TYPE]: {
            schema: refTo('AnyResource'),
            examples: exampleRequestsOf(DIRECTORY_ROW),
          },
          'application/fhir+ndjson': { schema: { ...TEXT, description: 'One Organization a line.' } },
        },
      },
      responses: {
        200: {
          description:
            'A batch-response with one entry for each of at most 1,000: 201 made, 200 brought up to date or, with UNCHANGED, as it was; else refused alone. Nothing is removed.',
          content: {
            [FHIR_JSON_TYPE]: { schema: refTo('AnyResource'), examples: exampleAnswersOf(DIRECTORY_ROW, 200) },
          },
        },
        ...Object.fromEntries(
          [400, 401, 403, 413, 415, 503].map((status) => [status, { $ref: `#/components/responses/error-${status}` }]),
        ),
      },
    },
  },
})

/** Path → path item, absolute paths. Disk I/O for the examples. */
export function adminPaths(): Readonly<Record<string, Part>> {
  return { ...LANE_PATHS, ...OVERSIGHT_PATHS, ...directoryPaths() }
}
