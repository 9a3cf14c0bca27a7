/** Keeps every FHIR answer of a test server for the reference validator, as NDJSON, when CPIS_CAPTURE names a file (docs/conformance.md). */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { gunzipSync } from 'node:zlib'

const CHANNEL = 'http.server.request.start'
const IDS = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|E\d{8}|\d{3,}/g

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Begins for the server on this origin; what it gives ends it. Without CPIS_CAPTURE nothing happens. Writes to the file. */
export function startCapture(origin: string): () => void {
  const file = process.env['CPIS_CAPTURE']
  if (file === undefined) return () => {}
  const port = Number(new URL(origin).port)
  const watch = (message: unknown): void => {
    const { request, response } = message as Exchange
    if (request.socket.localPort === port) keepAnswer({ request, response }, file)
  }
  subscribe(CHANNEL, watch)
  return () => void unsubscribe(CHANNEL, watch)
}

/** The server writes each answer at once: a head, then a body. */
function keepAnswer({ request, response }: Exchange, file: string): void {
  const writeHead = response.writeHead.bind(response) as (...parts: readonly unknown[]) => ServerResponse
  const end = response.end.bind(response) as (...parts: readonly unknown[]) => ServerResponse
  let head = new Headers()
  response.writeHead = ((status: number, headers: Record<string, string>) => {
    head = new Headers(headers)
    return writeHead(status, headers)
  }) as typeof response.writeHead
  response.end = ((...parts: readonly unknown[]) => {
    const isFhir = head.get('content-type')?.startsWith('application/fhir+json') === true
    if (isFhir && request.method !== 'HEAD') appendFileSync(file, lineOf({ request, response }, head, parts[0]))
    return end(...parts)
  }) as typeof response.end
}

function lineOf({ request, response }: Exchange, head: Headers, body: unknown): string {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(String(body))
  const text = head.get('content-encoding') === 'gzip' ? gunzipSync(bytes) : bytes
  const [path = ''] = (request.url ?? '').split('?', 1)
  const name = `${request.method} ${path.replace(IDS, '[id]')} ${response.statusCode}`
  return `${JSON.stringify({ name, resource: JSON.parse(text.toString('utf8')) })}\n`
}
