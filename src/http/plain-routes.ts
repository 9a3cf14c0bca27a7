/** What is served beside the FHIR rows (interface.md "Outside FHIR"), as data: JSON by absolute path, without a token. */

import type { Caller } from '../auth/caller.ts'
import { JWKS_PATH, sealKeySet, smartConfiguration, tokenKeySet, webhookKeySet } from '../auth/discovery.ts'
import { handleToken, TOKEN_PATH, unavailableAnswer } from '../auth/token-endpoint.ts'
import type { Context } from '../context.ts'
import { FhirError, fhirError } from '../fhir/fhir-error.ts'
import { issue } from '../fhir/outcome.ts'
import { FHIR_PATH } from '../interactions/fhir-base.ts'
import { recordGrant } from '../interactions/record-grant.ts'
import { recordRefusal } from '../interactions/run-interaction.ts'
import { answerSeals, SEALS_PATH } from './audit-seals.ts'
import { DOCS_ROUTES } from './docs-page.ts'
import { type Exchange, networkOf } from './exchange.ts'
import type { Answer } from './fhir-response.ts'
import { answerLive, answerReady } from './health.ts'
import type { Place } from './in-flight.ts'
import { checkContentType } from './negotiation.ts'
import { answerOpenApi } from './openapi-document.ts'
import { readBody } from './read-body.ts'
import { type Parameter, parseForm, parsePairs } from './target.ts'

const TOKEN_BYTES = 64 * 1024
const TOKEN_TEMPLATE = TOKEN_PATH.slice(1)

/** One row. */
export interface PlainRoute {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly answer: (context: Context, request: PlainRequest) => Answer | Promise<Answer>
}

export interface PlainRequest {
  /** Of a POST. */
  readonly form: readonly Parameter[]
  /** Of a GET. */
  readonly parameters: readonly Parameter[]
  readonly requestId: string
  readonly at: Date
  readonly network?: string
}

const json = (body: unknown): Answer => ({ status: 200, body, contentType: 'application/json' })

export const PLAIN_ROUTES: readonly PlainRoute[] = [
  { method: 'GET', path: '/health/live', answer: answerLive },
  { method: 'GET', path: '/health/ready', answer: answerReady },
  { method: 'GET', path: JWKS_PATH, answer: (context) => json(tokenKeySet(context)) },
  { method: 'GET', path: '/.well-known/webhook-keys.json', answer: (context) => json(webhookKeySet(context)) },
  { method: 'GET', path: '/.well-known/audit-seal-keys.json', answer: (context) => json(sealKeySet(context)) },
  { method: 'GET', path: SEALS_PATH, answer: answerSeals },
  {
    method: 'GET',
    path: `${FHIR_PATH}/.well-known/smart-configuration`,
    answer: (context) => json(smartConfiguration(context)),
  },
  {
    method: 'POST',
    path: TOKEN_PATH,
    answer: answerToken,
  },
  { method: 'GET', path: '/openapi.json', answer: answerOpenApi },
  ...DOCS_ROUTES,
]

const byPath: ReadonlyMap<string, PlainRoute> = new Map(PLAIN_ROUTES.map((route) => [route.path, route]))

export function findPlainRoute(path: string): PlainRoute | undefined {
  return byPath.get(path)
}

/** Runs one row. Throws METHOD_NOT_ALLOWED, UNSUPPORTED_MEDIA, TOO_LARGE, UNAVAILABLE, INVALID_PARAMETER. I/O as the row does. */
export async function answerPlain(exchange: Exchange, route: PlainRoute, place: Place): Promise<Answer> {
  const { req, context, requestId } = exchange
  exchange.template = route.path
  exchange.isFhir = false
  const isRead = route.method === 'GET' && (req.method === 'GET' || req.method === 'HEAD')
  const Allow = route.method === 'GET' ? 'GET, HEAD, OPTIONS' : 'POST, OPTIONS'
  if (req.method === 'OPTIONS') return { status: 204, headers: { Allow } }
  if (!isRead && req.method !== route.method) throw new FhirError([issue('METHOD_NOT_ALLOWED')], { headers: { Allow } })
  const form = isRead ? [] : await readForm(exchange, place)
  const network = networkOf(req)
  return await route.answer(context, {
    form,
    parameters: parsePairs(queryOf(req.url ?? '')),
    requestId,
    at: exchange.at,
    ...(network === undefined ? {} : { network }),
  })
}

function queryOf(url: string): string {
  const mark = url.indexOf('?')
  return mark === -1 ? '' : url.slice(mark + 1)
}

/** A refused token request is audited like any other refusal without a proven caller: a replayed assertion leaves a trace. A granted one is recorded before it leaves. */
async function answerToken(
  context: Context,
  { form, parameters: _parameters, ...rest }: PlainRequest,
): Promise<Answer> {
  const { granted, client, ...answer } = await handleToken(form, { requestId: rest.requestId }, context)
  const facts = { route: TOKEN_TEMPLATE, ...rest }
  if (granted !== undefined && !(await isRecorded(granted, facts, context)))
    return { ...unavailableAnswer(), contentType: 'application/json' }
  if (answer.status === 400 || answer.status === 401) {
    const error = fhirError(answer.status === 401 ? 'UNAUTHENTICATED' : 'INVALID_PARAMETER')
    await recordRefusal({ ...facts, ...(client === undefined ? {} : { client }) }, undefined, error, context)
  }
  return { ...answer, contentType: 'application/json' }
}

async function isRecorded(
  granted: Caller,
  facts: Parameters<typeof recordGrant>[0],
  context: Context,
): Promise<boolean> {
  try {
    await recordGrant(facts, granted, context)
    return true
  } catch (cause) {
    context.log.error(
      { requestId: facts.requestId, route: facts.route, fault: describeFault(cause) },
      'token not recorded',
    )
    return false
  }
}

function describeFault(cause: unknown): string {
  return cause instanceof Error ? cause.name : 'unknown'
}

async function readForm(exchange: Exchange, place: Place): Promise<readonly Parameter[]> {
  const { headers } = exchange.req
  checkContentType('form', headers['content-type'], headers['content-encoding'])
  // nobody has proven anything yet: those of one address share
  place.claim(`address ${networkOf(exchange.req) ?? ''}`)
  return parseForm(await readBody(exchange, TOKEN_BYTES, place))
}
