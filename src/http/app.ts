/** Speaks HTTP and decides nothing: the order of the steps that every request takes (architecture.md "A check, hop by hop"). */
import type { IncomingMessage, ServerResponse } from 'node:http'
import express from 'express'
import type { Context } from '../context.ts'
import type { FhirResponse } from '../interactions/interaction.ts'
import { asFhirError, runInteraction } from '../interactions/run-interaction.ts'
import type { Limits } from '../limits.ts'
import { isAdminTarget, matchAdminPath } from './admin-routes.ts'
import { type Allowance, buildAllowance } from './allowance.ts'
import { authenticate } from './authenticate.ts'
import { errorAnswer } from './error-response.ts'
import { type Exchange, openExchange } from './exchange.ts'
import { buildFhirRequest } from './fhir-request.ts'
import { type Answer, sendAnswer } from './fhir-response.ts'
import { buildInFlight, type InFlight, overloaded } from './in-flight.ts'
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
}

/** What http.createServer calls. */
export type Listener = (req: IncomingMessage, res: ServerResponse) => void

/** The Express app: one handler that takes each request through the steps. Does I/O through the context only. */
export function buildApp(
  context: Context,
  options: { readonly table?: RouteTable; readonly inFlight?: InFlight; readonly limits?: Limits } = {},
): Listener {
  const house = {
    context,
    table: options.table ?? ROUTE_TABLE,
    inFlight: options.inFlight ?? buildInFlight(),
    allowance: buildAllowance(options.limits),
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
  await sendAnswer(exchange, answer)
  logAnswer(exchange, answer.status)
}

async function refuse(exchange: Exchange, thrown: unknown, house: House): Promise<void> {
  const error = asFhirError(thrown)
  logFault(exchange, error)
  await recordEarlyRefusal(exchange, error, house.table)
  await reply(exchange, withAllow(errorAnswer(error), exchange))
}

/** A method that the route has, but this address does not (PUT of an unknown id), is 405 too; what is left is said (RFC 9110 §15.5.6). */
function withAllow(answer: Answer, { allow, req }: Exchange): Answer {
  if (answer.status !== 405 || allow === undefined || answer.headers?.['Allow'] !== undefined) return answer
  const left = allow.split(', ').filter((method) => method !== req.method)
  return { ...answer, headers: { ...answer.headers, Allow: left.join(', ') } }
}

async function answerWithin(exchange: Exchange, house: House): Promise<Answer> {
  if (!house.inFlight.enter()) throw overloaded()
  try {
    return await answer(exchange, house)
  } finally {
    house.inFlight.leave()
  }
}

/** The steps, in their order: nothing before parseTarget remembers an address, nothing before authenticate reads a body. */
async function answer(exchange: Exchange, house: House): Promise<Answer> {
  const { req, context } = exchange
  takeRequestIds(exchange)
  checkSingleHeaders(req)
  const target = parseTarget(req.url ?? '', context.config.nhsNumberInUrl === 'allow')
  const plain = findPlainRoute(target.path)
  if (plain !== undefined) return await answerPlain(exchange, plain, house.inFlight)
  const path = isAdminTarget(target) ? matchAdminPath(exchange, target) : matchPath(exchange, house.table, target)
  if (req.method === 'OPTIONS' && path !== undefined) return answerOptions(path, context)
  if (!exchange.isPublic) exchange.caller = await authenticate(req, exchange.requestId, context)
  const route = getRoute(exchange, path)
  if (exchange.caller !== undefined) await house.allowance.take(exchange.caller, route)
  checkAccept(req.headers.accept, target.parameters)
  exchange.isPretty = wantsPretty(target.parameters)
  const bytes = await readTypedBody(exchange, route, house.inFlight)
  const request = buildFhirRequest(exchange, route, { parameters: target.parameters, bytes })
  exchange.isHandedOver = true
  return fhirAnswer(await runInteraction(route.handler, request, exchange.caller, context))
}

async function readTypedBody(exchange: Exchange, route: FhirRoute, inFlight: InFlight): Promise<Buffer> {
  const { req } = exchange
  if (route.body === 'none' || !hasBody(req)) return NOTHING
  checkContentType(route.body, req.headers['content-type'], req.headers['content-encoding'])
  return await readBody(exchange, route.maxBytes, inFlight)
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
