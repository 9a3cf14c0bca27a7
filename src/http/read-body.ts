/** Reads the bytes of a body within a bound; what is too large is read off first, so that the caller gets to read the answer (interface.md "Errors": TOO_LARGE). */
import type { IncomingMessage } from 'node:http'
import { fhirError } from '../fhir/fhir-error.ts'
import type { Exchange } from './exchange.ts'
import type { Place } from './in-flight.ts'

/** A caller that sends more than this after being found too large is cut off with the answer. */
const MOST_DISCARDED_BYTES = 64 * 1024 * 1024
/** A check or a token request is this small at most: it has SMALL_BODY_MS to arrive, whatever the connection allows. */
const SMALL_BODY_BYTES = 64 * 1024
const SMALL_BODY_MS = 10_000
const EMPTY = Buffer.alloc(0)

/** The caller went away: there is nobody to answer. */
export class CallerGone extends Error {}

/** Whether the request says that it brings a body (RFC 9112 §6). Pure. */
export function hasBody(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
}

/** The whole body. Throws TOO_LARGE, UNAVAILABLE when too many bytes wait already, CallerGone when the caller leaves or is too slow. Network I/O. */
export async function readBody(exchange: Exchange, maxBytes: number, place: Place): Promise<Buffer> {
  const { req, res } = exchange
  if (!hasBody(req)) return EMPTY
  const announced = Number(req.headers['content-length'] ?? 0)
  if (announced > MOST_DISCARDED_BYTES) throw tooLarge(exchange)
  const reserved = Math.min(announced || maxBytes, maxBytes)
  place.takeBytes(reserved)
  try {
    if (req.headers.expect !== undefined) res.writeContinue()
    return await collect(exchange, maxBytes)
  } finally {
    place.giveBytes(reserved)
  }
}

function tooLarge(exchange: Exchange): Error {
  exchange.mustClose = true
  return fhirError('TOO_LARGE')
}

function collect(exchange: Exchange, maxBytes: number): Promise<Buffer> {
  const { req } = exchange
  return new Promise((resolve, reject) => {
    const isSmall = Number(req.headers['content-length'] ?? Number.POSITIVE_INFINITY) <= SMALL_BODY_BYTES
    const cut = isSmall ? setTimeout(() => req.destroy(), SMALL_BODY_MS) : undefined
    let chunks: Buffer[] = []
    let length = 0
    req.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= maxBytes) chunks.push(chunk)
      else chunks = []
      if (length > MOST_DISCARDED_BYTES) {
        req.pause()
        reject(tooLarge(exchange))
      }
    })
    req.on('end', () => {
      clearTimeout(cut)
      if (length > maxBytes) return reject(fhirError('TOO_LARGE'))
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, length))
    })
    // Every request closes in the end: only one that is not whole has lost its caller
    const leave = (): void => {
      clearTimeout(cut)
      if (!req.readableEnded) reject(new CallerGone())
    }
    req.on('error', leave)
    req.on('close', leave)
  })
}
