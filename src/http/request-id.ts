/** X-Request-ID and X-Correlation-ID (interface.md "$cpis-check"): UUIDs, mirrored; anything else is refused and not echoed. */
import { fhirError } from '../fhir/fhir-error.ts'
import type { Exchange } from './exchange.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Takes the caller's ids into the exchange. Throws INVALID_REQUEST_ID. */
export function takeRequestIds(exchange: Exchange): void {
  const requestId = uuidOf(exchange.req.headers['x-request-id'])
  const correlationId = uuidOf(exchange.req.headers['x-correlation-id'])
  if (correlationId !== undefined) exchange.correlationId = correlationId
  if (requestId === undefined) return
  exchange.requestId = requestId
  exchange.requestIdGiven = true
}

function uuidOf(header: string | readonly string[] | undefined): string | undefined {
  if (header === undefined) return undefined
  if (typeof header === 'string' && UUID.test(header)) return header
  throw fhirError('INVALID_REQUEST_ID')
}
