/** The listening socket (RFC 9112): bound before there is an app, bounds for slow clients, an answer for garbage, a drain at the end. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../context.ts'
import { fhirError } from '../fhir/fhir-error.ts'
import { buildOutcome, issue } from '../fhir/outcome.ts'
import { FHIR_JSON } from './negotiation.ts'

type Listener = (req: IncomingMessage, res: ServerResponse) => void

export interface HttpServer {
  /** The port as bound. */
  readonly port: number
  /** From now on requests go to the app; before, they are told 503. */
  serve(app: Listener): void
  /** Takes no more connections, lets requests in flight end for at most drainMs, then cuts. */
  close(drainMs?: number): Promise<void>
}

/** How long a client may take: for the headers, for the whole request, between requests, and in silence. */
const TIMES = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 30_000,
  connectionsCheckingInterval: 2000,
}
const SILENCE_MS = 60_000
const MAX_HEADER_BYTES = 16 * 1024
const DRAIN_MS = 10_000
const SWEEP_MS = 20

export interface Listening {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly clock: Clock
  /** Other bounds than the usual ones, in milliseconds. */
  readonly times?: Partial<typeof TIMES>
}

/** Binds the port. Rejects when it cannot be bound. Network I/O. */
export async function listenHttp({ host, port, clock, times }: Listening): Promise<HttpServer> {
  let app: Listener = (_req, res) => answerNotReady(res, clock)
  const pass: Listener = (req, res) => app(req, res)
  const server = createServer({ ...TIMES, ...times, maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false }, pass)
  server.setTimeout(SILENCE_MS)
  // The app says 100 Continue when it wants the body: a refused caller need not send it
  server.on('checkContinue', pass)
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => answerGarbage(error, socket, clock))
  await bind(server, host, port)
  return {
    port: (server.address() as AddressInfo).port,
    serve: (next) => {
      app = next
    },
    close: (drainMs = DRAIN_MS) => drain(server, drainMs),
  }
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** A connection kept alive is idle only once its answer is out: idle ones are closed again and again until none is left. */
function drain(server: Server, drainMs: number): Promise<void> {
  return new Promise((resolve) => {
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS)
    const cut = setTimeout(() => server.closeAllConnections(), drainMs)
    server.close(() => {
      clearInterval(sweep)
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
  })
}

function answerNotReady(res: ServerResponse, clock: Clock): void {
  const error = fhirError('UNAVAILABLE')
  const headers = { 'Content-Type': FHIR_JSON, 'Retry-After': '2', Date: clock().toUTCString(), Connection: 'close' }
  res.writeHead(error.status, headers).end(JSON.stringify(buildOutcome(error.issues)))
}

/** What is no HTTP gets an answer only when nothing else was being said on that connection. */
function answerGarbage(error: NodeJS.ErrnoException, socket: Duplex, clock: Clock): void {
  const isAnswering = '_httpMessage' in socket && socket._httpMessage !== null
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering) return void socket.destroy()
  const [status, reason, words] = describeGarbage(error.code)
  const body = JSON.stringify(buildOutcome([issue('INVALID_HEADER', undefined, words)]))
  const lines = [
    `HTTP/1.1 ${status} ${reason}`,
    `Date: ${clock().toUTCString()}`,
    `Content-Type: ${FHIR_JSON}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ]
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
}

function describeGarbage(code: string | undefined): readonly [status: number, reason: string, words: string] {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return [431, 'Request Header Fields Too Large', 'Address and headers are too long: 16 kB together.']
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return [408, 'Request Timeout', 'The request did not arrive in time.']
  return [400, 'Bad Request', 'The request is not well-formed HTTP.']
}
