/** Writes one answer: one serialisation, our headers, the injected clock's Date, gzip where it is safe (R4 http.html; interface.md "REST"). */
import type { OutgoingHttpHeaders } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Exchange } from './exchange.ts'
import { FHIR_JSON } from './negotiation.ts'
import { buildSecurityHeaders } from './security-headers.ts'

/** An answer before it is text. */
export interface Answer {
  readonly status: number
  /** Serialised when present. */
  readonly body?: unknown
  /** For `body`; application/fhir+json unless told. */
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  /** In place of `body`: what is the same for everyone, made ready once. */
  readonly prepared?: Prepared
}

/** Bytes, and the same in gzip. */
export interface Prepared {
  readonly bytes: Buffer
  readonly packed: Buffer
}

/** Makes content ready to be sent many times. CPU on a thread of its own. */
export async function prepare(bytes: Buffer): Promise<Prepared> {
  return { bytes, packed: await compress(bytes) }
}

const COMPRESS_FROM_BYTES = 1024
const SECURITY_HEADERS = buildSecurityHeaders()
const compress = promisify(gzip)

/** Sends it. Resolves when the answer was handed to the network. */
export async function sendAnswer(exchange: Exchange, answer: Answer): Promise<void> {
  const { req, res } = exchange
  const headers = { ...commonHeaders(exchange), ...answer.headers }
  if (answer.prepared !== undefined) return sendPrepared(exchange, answer, { headers, prepared: answer.prepared })
  if (answer.body === undefined) return void res.writeHead(answer.status, headers).end()
  const text = JSON.stringify(answer.body, null, exchange.isPretty ? 2 : undefined)
  headers['Content-Type'] = answer.contentType ?? FHIR_JSON
  const mayCompress = exchange.route?.uncompressed !== true
  if (mayCompress) headers['Vary'] = 'Accept-Encoding'
  const takesPacked = mayCompress && text.length >= COMPRESS_FROM_BYTES && takesGzip(req.headers['accept-encoding'])
  const packed = takesPacked ? await compress(text) : undefined
  if (packed !== undefined) headers['Content-Encoding'] = 'gzip'
  headers['Content-Length'] = packed?.length ?? Buffer.byteLength(text)
  res.writeHead(answer.status, headers).end(packed ?? text)
}

function sendPrepared(
  { req, res }: Exchange,
  { status, contentType }: Answer,
  { headers, prepared }: { readonly headers: OutgoingHttpHeaders; readonly prepared: Prepared },
): void {
  const takesPacked = takesGzip(req.headers['accept-encoding'])
  const bytes = takesPacked ? prepared.packed : prepared.bytes
  res.writeHead(status, {
    ...headers,
    'Content-Type': contentType ?? FHIR_JSON,
    'Content-Length': bytes.length,
    Vary: 'Accept-Encoding',
    ...(takesPacked ? { 'Content-Encoding': 'gzip' } : {}),
  })
  res.end(bytes)
}

function commonHeaders(exchange: Exchange): OutgoingHttpHeaders {
  return {
    ...SECURITY_HEADERS,
    Date: exchange.at.toUTCString(),
    'X-Request-ID': exchange.requestId,
    'Cache-Control': 'no-store',
    ...(exchange.correlationId === undefined ? {} : { 'X-Correlation-ID': exchange.correlationId }),
    ...(exchange.mustClose ? { Connection: 'close' } : {}),
  }
}

function takesGzip(header: string | string[] | undefined): boolean {
  if (header === undefined) return false
  return String(header)
    .split(',')
    .some((one) => /^\s*(gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(one))
}
