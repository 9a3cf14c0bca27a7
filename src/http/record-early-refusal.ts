/** Audits what is refused before an interaction's own frame takes over (security.md "Audit"): who, if that can be told, and which route; never the address. */
import type { FhirError } from '../fhir/fhir-error.ts'
import { recordRefusal } from '../interactions/run-interaction.ts'
import { authenticate } from './authenticate.ts'
import { type Exchange, NO_TEMPLATE, networkOf } from './exchange.ts'
import type { RouteTable } from './route-table.ts'
import { splitPath } from './target.ts'

/** Leaves no record for what is public, outside FHIR, or turned away for lack of room: that is counted. Throws nothing. */
export async function recordEarlyRefusal(exchange: Exchange, error: FhirError, table: RouteTable): Promise<void> {
  if (exchange.isHandedOver || !exchange.isFhir) return
  const reason = error.issues[0]?.code ?? 'unknown'
  if (error.kind === 'transient') return exchange.context.metrics.refusedUnaudited.inc({ reason })
  noteTemplate(exchange, table)
  if (exchange.isPublic) return
  await noteCaller(exchange, error)
  const { route, id } = exchange
  const network = networkOf(exchange.req)
  const facts = {
    route: exchange.template,
    requestId: exchange.requestId,
    at: exchange.at,
    ...(route === undefined ? {} : { interaction: route.interaction }),
    ...(route?.type === undefined ? {} : { type: route.type }),
    ...(route?.operation === undefined ? {} : { operation: route.operation }),
    ...(id === undefined ? {} : { id }),
    ...(network === undefined ? {} : { network }),
  }
  await recordRefusal(facts, exchange.caller, error, exchange.context)
}

/** The template of an address that was refused before it was matched; its id is left out, for it may be what was wrong with it. */
function noteTemplate(exchange: Exchange, table: RouteTable): void {
  if (exchange.template !== NO_TEMPLATE) return
  const match = table.find(splitPath(exchange.req.url ?? '') ?? [NO_TEMPLATE])
  if (match === undefined) return
  exchange.template = match.path.template
  exchange.isPublic = match.path.isPublic
  const route = match.path.byMethod.get(exchange.req.method ?? '')
  if (route !== undefined) exchange.route = route
}

async function noteCaller(exchange: Exchange, error: FhirError): Promise<void> {
  const { req, context } = exchange
  if (exchange.caller !== undefined || error.kind === 'login' || req.headers.authorization === undefined) return
  try {
    exchange.caller = await authenticate(req, exchange.requestId, context)
  } catch {
    // A refusal without a proven caller is recorded as such
  }
}
