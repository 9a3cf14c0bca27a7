/** Headers that must come at most once, since readers along the way may disagree on which one counts (RFC 9110 §5.3; RFC 9112 §3.2 for Host). */
import type { IncomingMessage } from 'node:http'
import { fhirError } from '../fhir/fhir-error.ts'

const SINGLE = new Set(['host', 'authorization', 'content-type', 'x-request-id', 'x-correlation-id'])

/** Throws INVALID_HEADER when one of them was sent twice, or Host not at all in HTTP/1.1; the name is ours, the values are never said. Pure. */
export function checkSingleHeaders(req: IncomingMessage): void {
  const seen = new Set<string>()
  for (let i = 0; i < req.rawHeaders.length; i += 2) {
    const name = req.rawHeaders[i]?.toLowerCase() ?? ''
    if (!SINGLE.has(name)) continue
    if (seen.has(name)) throw fhirError('INVALID_HEADER', undefined, `The header ${name} must be sent once.`)
    seen.add(name)
  }
  if (!seen.has('host') && req.httpVersion === '1.1') throw fhirError('INVALID_HEADER', undefined, 'Host is missing.')
}
