/** From an address to the row that serves it; unknown paths are 404, known paths with another method 405 with Allow (RFC 9110 §15.5.6). */
import type { Context } from '../context.ts'
import { FhirError, fhirError } from '../fhir/fhir-error.ts'
import { issue } from '../fhir/outcome.ts'
import { fhirBase } from '../interactions/fhir-base.ts'
import type { Exchange } from './exchange.ts'
import type { Answer } from './fhir-response.ts'
import type { FhirRoute, RoutePath, RouteTable } from './route-table.ts'
import type { Target } from './target.ts'

/** The path in the table, noted in the exchange for log and audit; undefined for an unknown one below the base. Throws NOT_FOUND for one outside. */
export function matchPath(exchange: Exchange, table: RouteTable, target: Target): RoutePath | undefined {
  if (target.segments === undefined) throw fhirError('NOT_FOUND')
  const match = table.find(target.segments)
  if (match === undefined) return undefined
  exchange.template = match.path.template
  exchange.isPublic = match.path.isPublic
  exchange.allow = match.path.allow
  if (match.id !== undefined) exchange.id = match.id
  if (match.versionId !== undefined) exchange.versionId = match.versionId
  const route = match.path.byMethod.get(exchange.req.method ?? '')
  if (route !== undefined) exchange.route = route
  return match.path
}

/** The row for the method. Throws NOT_FOUND without a path, METHOD_NOT_ALLOWED without a row. Pure. */
export function getRoute(exchange: Exchange, path: RoutePath | undefined): FhirRoute {
  if (path === undefined) throw fhirError('NOT_FOUND')
  if (exchange.route !== undefined) return exchange.route
  throw new FhirError([issue('METHOD_NOT_ALLOWED')], { headers: { Allow: path.allow } })
}

/** What a path offers, and where the whole of it is told: the CapabilityStatement. Pure. */
export function answerOptions(path: RoutePath, context: Context): Answer {
  return {
    status: 204,
    headers: { Allow: path.allow, Link: `<${fhirBase(context)}/metadata>; rel="service-desc"` },
  }
}
