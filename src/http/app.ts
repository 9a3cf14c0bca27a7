/** Speaks HTTP and decides nothing: the order of the steps that every request takes (architecture.md "A check, hop by hop"). */
import type { IncomingMessage, ServerResponse } from 'node:http'
import express from 'express'
import type { Caller } from '../auth/caller.ts'
import type { Context } from '../context.ts'
import type { FhirResponse } from '../interactions/interaction.ts'
import { asFhirError, runInteraction } from '../interactions/run-interaction.ts'
import { isAdminTarget, matchAdminPath } from './admin-routes.ts'
import { type Allowance, NO_ALLOWANCE } from './allowance.ts'
import { authenticate } from './authenticate.ts'
import { type Brake, buildBrake, NO_BRAKE } from './brake.ts'
import { errorAnswer } from './error-response.ts'
import { type Exchange, networkOf, openExchange } from './exchange.ts'
import { buildFhirRequest } from './fhir-request.ts'
import { type Answer, sendAnswer } from './fhir-response.ts'
import { isFlooding } from './flooding.ts'
import { buildInFlight, type InFlight, overloaded, type Place } from './in-flight.ts'
import { buildLargeBodies, type LargeBodies } from './large-bodies.ts'
import { logAnswer, logFault } from './log-answer.ts'
import { checkAccept, checkContentType, wantsPretty } from './negotiation.ts'
import { answerPlain, findPlainRoute } from './plain-routes.ts'
import { CallerGone, hasBody, readBody } from './read-body.ts'
import { recordEarlyRefusal } from './record-early-refusal.ts'
import { takeRequestIds } from './request-id.ts'
import type { FhirRoute, RouteTable } from './route-table.ts'
import { ROUTE_TABLE } from './routes.ts'
import { checkSingleHeaders } from './single-headers.ts'
import { answerOptions, getRoute, matchPath } from './take-route.ts'
import { parseTarget } from './target.ts'

/** In the log only: the caller went away before it was answered. */
const CALLER_GONE = 499

/** What all requests of one app share. */
interface House {
  readonly context: Context
  readonly table: RouteTable
  readonly inFlight: InFlight
  readonly allowance: Allowance
  readonly brake: Brake
  readonly largeBodies: LargeBodies
}

interface Room extends House {
  /** That of this request. */
  readonly place: Place
}

/** What http.createServer calls. */
export type Listener = (req: IncomingMessage, res: ServerResponse) => void

/** The Express app: one handler that takes each request through the steps. Does I/O through the context only. */
export function buildApp(
  context: Context,
  options: { readonly table?: RouteTable; readonly inFlight?: InFlight; readonly allowance?: Allowance } = {},
): Listener {
  const house = {
    context,
    table: options.table ?? ROUTE_TABLE,
    inFlight: options.inFlight ?? buildInFlight(),
    allowance: options.allowance ?? NO_ALLOWANCE,
    brake: options.allowance === undefined ? NO_BRAKE : buildBrake(),
    largeBodies: buildLargeBodies(),
  }
  const step = (req: IncomingMessage, res: ServerResponse): void => void handle(req, res, house)
  const app = express()
  app.disable('x-powered-by')
  app.use(step)
  // An address that Express cannot take apart passes our handler by; its own last word would be HTML
  return (req, res) => app(req as express.Request, res as express.Response, () => step(req, res))
}

async function handle(req: IncomingMessage, res: ServerResponse, house: House): Promise<void> {
  const exchange = openExchange(req, res, house.context)
  try {
    await reply(exchange, await answerWithin(exchange, house))
  } catch (thrown) {
    if (thrown instanceof CallerGone) return logAnswer(exchange, CALLER_GONE)
    await refuse(exchange, thrown, house).catch(() => res.destroy())
  }
}

async function reply(exchange: Exchange, answer: Answer): Promise<void> {
  const { req, res } = exchange
  if (res.headersSent || res.destroyed) return
  // Who waits for 100 Continue and got none will not send the body: the next request on this connection would not be found
  if (req.headers.expect !== undefined && !req.complete) exchange.mustClose = true
  if (isFlooding(exchange, answer.status)) exchange.mustClose = true
  await sendAnswer(exchange, answer)
  logAnswer(exchange, answer.status)
}

async function refuse(exchange: Exchange, thrown: unknown, house: House): Promise<void> {
  const error = asFhirError(thrown)
  logFault(exchange, error)
  await recordEarlyRefusal(exchange, error, house.table)
  if (error.kind === 'throttled' || error.kind === 'login') await hold(exchange, house.brake)
  await reply(exchange, withAllow(errorAnswer(error), exchange))
}

function hold({ caller, req }: Exchange, brake: Brake): Promise<void> {
  return caller === undefined ? brake.hold('address', networkOf(req) ?? '') : brake.hold('client', caller.clientId)
}

/** A method that the route has, but this address does not (PUT of an unknown id), is 405 too; what is left is said (RFC 9110 §15.5.6). */
function withAllow(answer: Answer, { allow, req }: Exchange): Answer {
  if (answer.status !== 405 || allow === undefined || answer.headers?.['Allow'] !== undefined) return answer
  const left = allow.split(', ').filter((method) => method !== req.method)
  return { ...answer, headers: { ...answer.headers, Allow: left.join(', ') } }
}

async function answerWithin(exchange: Exchange, house: House): Promise<Answer> {
  const place = house.inFlight.enter()
  if (place === undefined) throw overloaded()
  try {
    return await answer(exchange, { ...house, place })
  } finally {
    place.leave()
  }
}

/** The steps, in their order: nothing before parseTarget remembers an address, nothing before authenticate reads a body. */
async function answer(exchange: Exchange, house: Room): Promise<Answer> {
  const { req, context } = exchange
  takeRequestIds(exchange)
  checkSingleHeaders(req)
  const target = parseTarget(req.url ?? '', context.config.nhsNumberInUrl === 'allow')
  const plain = findPlainRoute(target.path)
  if (plain !== undefined) return await answerPlain(exchange, plain, house.place)
  const path = isAdminTarget(target) ? matchAdminPath(exchange, target) : matchPath(exchange, house.table, target)
  if (req.method === 'OPTIONS' && path !== undefined) return answerOptions(path, context)
  if (!exchange.isPublic) exchange.caller = await authenticate(req, exchange.requestId, context)
  const route = getRoute(exchange, path)
  if (exchange.caller !== undefined) await admit(exchange.caller, route, house)
  checkAccept(req.headers.accept, target.parameters)
  exchange.isPretty = wantsPretty(target.parameters)
  const bytes = await readTypedBody(exchange, route, house)
  const content = { parameters: target.parameters, bytes }
  const request = await house.largeBodies.parse(bytes.length, () => buildFhirRequest(exchange, route, content))
  exchange.isHandedOver = true
  return fhirAnswer(await runInteraction(route.handler, request, exchange.caller, context))
}

/** What the caller may ask for in a time, and hold at once: before a byte of its body is read. Throws RATE_LIMITED, UNAVAILABLE. */
async function admit(caller: Caller, route: FhirRoute, { allowance, place }: Room): Promise<void> {
  await allowance.take(caller, route)
  place.claim(caller.clientId)
}

async function readTypedBody(exchange: Exchange, route: FhirRoute, { allowance, place }: Room): Promise<Buffer> {
  const { req, caller } = exchange
  if (route.body === 'none' || !hasBody(req)) return NOTHING
  checkContentType(route.body, req.headers['content-type'], req.headers['content-encoding'])
  const announced = Number(req.headers['content-length'] ?? 0)
  if (caller !== undefined) await allowance.takeBytes(caller, announced)
  const bytes = await readBody(exchange, route.maxBytes, place)
  if (caller !== undefined) await allowance.addBytes(caller, bytes.length - announced)
  return bytes
}

const NOTHING = Buffer.alloc(0)

function fhirAnswer(response: FhirResponse): Answer {
  return {
    status: response.status,
    ...(response.resource === undefined ? {} : { body: response.resource }),
    ...(response.body === undefined ? {} : { body: response.body, contentType: 'application/json' }),
    ...(response.headers === undefined ? {} : { headers: response.headers }),
  }
}
