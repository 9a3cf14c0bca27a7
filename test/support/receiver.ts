/** A real receiver of notifications on loopback whose behaviour can be switched, and which checks every signature with node:crypto alone. */
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Bundle, Parameters } from '@medplum/fhirtypes'

/** How the receiver answers one request. `reset` ends the connection in the middle of its request with RST; `drip` sends headers and then a byte now and then; `flood` a body of 100 MB. */
export type Behaviour =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
    }
  | { readonly kind: 'hang' }
  | { readonly kind: 'close' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'drip'; readonly status: number }
  | { readonly kind: 'drip-headers' }
  | { readonly kind: 'flood'; readonly status: number }
  | { readonly kind: 'slow'; readonly status: number; readonly afterMs: number }

export interface Received {
  readonly webhookId: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly bundle: Bundle
  /** Status that was answered; undefined when none was. */
  readonly answered: number | undefined
  readonly signatureIsRight: boolean
}

export interface Receiver {
  readonly url: string
  readonly host: string
  /** Every request, in order. */
  readonly received: readonly Received[]
  /** From now on, unless `next` says otherwise. */
  behave(behaviour: Behaviour): void
  /** For the next requests, one each; then as before. */
  next(...behaviours: readonly Behaviour[]): void
  /** Requests of one type, e.g. event-notification. */
  ofType(type: string): readonly Received[]
  /** Event numbers that were taken (2xx), in the order taken. */
  taken(): readonly number[]
  /** Connections ended in the middle of their request. */
  resets(): number
  /** Bytes of answers that were written to connections that have ended. */
  sentBytes(): number
  /** Ends every connection: what hangs fails. */
  drop(): void
  close(): Promise<void>
}

export interface ReceiverOptions {
  /** Ed25519 public (or private) JWKs: one signature of each request must be right under one of them. */
  readonly keys?: readonly JsonWebKey[]
  readonly tls?: { readonly key: string; readonly cert: string }
  /** With tls: takes only callers with a certificate of this authority (PEM). */
  readonly clientAuthority?: string
}

export const ok: Behaviour = { kind: 'answer', status: 200 }

/** An answer of some status. */
export function answer(status: number, headers: Readonly<Record<string, string>> = {}): Behaviour {
  return { kind: 'answer', status, headers }
}

export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const received: Received[] = []
  const queue: Behaviour[] = []
  const sockets = new Set<Socket>()
  let usual: Behaviour = ok
  let resets = 0
  let sentBytes = 0

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const behaviour = queue.shift() ?? usual
    if (behaviour.kind === 'reset') {
      resets += 1
      request.socket.resetAndDestroy()
      return
    }
    const body = await readText(request)
    received.push(describe({ request, body, behaviour, keys: options.keys ?? [] }))
    act(behaviour, request, response)
  }
  const drop = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch(() => response.destroy())
  }
  const server: Server =
    options.tls === undefined ? createServer(listener) : createTlsServer(tlsOptions(options), listener)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => {
      sockets.delete(socket)
      sentBytes += socket.bytesWritten
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const scheme = options.tls === undefined ? 'http' : 'https'
  return {
    url: `${scheme}://127.0.0.1:${port}/hook`,
    host: `127.0.0.1:${port}`,
    received,
    behave(behaviour) {
      usual = behaviour
    },
    next(...behaviours) {
      queue.push(...behaviours)
    },
    ofType: (type) => received.filter((one) => typeOf(one.bundle) === type),
    taken: () =>
      received
        .filter((one) => (one.answered ?? 500) < 300 && (one.answered ?? 0) >= 200)
        .flatMap((one) => numbersOf(one.bundle)),
    resets: () => resets,
    sentBytes: () => sentBytes,
    drop,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      drop()
      await closed
    },
  }
}

/** Value of a part of the status Parameters. */
export function statusOf(bundle: Bundle): Parameters {
  const status = bundle.entry?.[0]?.resource
  if (status?.resourceType !== 'Parameters') throw new Error('The first entry is no Parameters.')
  return status
}

export function typeOf(bundle: Bundle): string | undefined {
  return statusOf(bundle).parameter?.find((one) => one.name === 'type')?.valueCode
}

/** Event numbers in a notification. */
export function numbersOf(bundle: Bundle): readonly number[] {
  const events = statusOf(bundle).parameter?.filter((one) => one.name === 'notification-event') ?? []
  return events.map((event) => Number(event.part?.find((part) => part.name === 'event-number')?.valueString))
}

/** An event as it was told: its number, and the id of the AuditEvent (or plan) that it is about. */
export interface ToldEvent {
  readonly number: number
  readonly focus: string
  readonly webhookId: string
}

/** Events in a notification, in order. */
export function eventsOf({ bundle, webhookId }: Pick<Received, 'bundle' | 'webhookId'>): readonly ToldEvent[] {
  const events = statusOf(bundle).parameter?.filter(({ name }) => name === 'notification-event') ?? []
  return events.map(({ part = [] }) => ({
    number: Number(part.find(({ name }) => name === 'event-number')?.valueString),
    focus:
      part
        .find(({ name }) => name === 'focus')
        ?.valueReference?.reference?.split('/')
        .at(-1) ?? '',
    webhookId,
  }))
}

/** What is wrong with what a receiver was told, in words: a gap, a number of two events or under two webhook-ids, an event under two numbers, a wrong signature. */
export function faultsOf(sent: readonly Received[]): readonly string[] {
  const told = sent.flatMap(eventsOf)
  const last = Math.max(0, ...told.map(({ number }) => number))
  const numbers = new Set(told.map(({ number }) => number))
  const manyOf = (what: string, key: (one: ToldEvent) => unknown, value: (one: ToldEvent) => unknown): string[] =>
    [...Map.groupBy(told, key)].filter(([, same]) => new Set(same.map(value)).size > 1).map(([one]) => `${what} ${one}`)
  return [
    ...Array.from({ length: last }, (_, at) => at + 1)
      .filter((one) => !numbers.has(one))
      .map((one) => `gap at ${one}`),
    ...manyOf(
      'two events under number',
      (one) => one.number,
      (one) => one.focus,
    ),
    ...manyOf(
      'two webhook-ids for number',
      (one) => one.number,
      (one) => one.webhookId,
    ),
    ...manyOf(
      'two numbers for event',
      (one) => one.focus,
      (one) => one.number,
    ),
    ...sent.filter((one) => !one.signatureIsRight).map((one) => `wrong signature of ${one.webhookId}`),
  ]
}

function describe({
  request,
  body,
  behaviour,
  keys,
}: {
  readonly request: IncomingMessage
  readonly body: string
  readonly behaviour: Behaviour
  readonly keys: readonly JsonWebKey[]
}): Received {
  return {
    webhookId: String(request.headers['webhook-id']),
    headers: request.headers,
    body,
    bundle: JSON.parse(body),
    answered: 'status' in behaviour ? behaviour.status : undefined,
    signatureIsRight: verifySignature(request, body, keys),
  }
}

/** Standard Webhooks, asymmetric: any `v1a` signature that is right under any key. */
function verifySignature(request: IncomingMessage, body: string, keys: readonly JsonWebKey[]): boolean {
  const signed = Buffer.from(`${request.headers['webhook-id']}.${request.headers['webhook-timestamp']}.${body}`)
  const signatures = String(request.headers['webhook-signature']).split(' ')
  return signatures.some((one) => {
    const [version, base64 = ''] = one.split(',')
    if (version !== 'v1a') return false
    return keys.some(({ kty = 'OKP', crv = 'Ed25519', x = '' }) =>
      verify(null, signed, createPublicKey({ key: { kty, crv, x }, format: 'jwk' }), Buffer.from(base64, 'base64')),
    )
  })
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function tlsOptions({ tls, clientAuthority }: ReceiverOptions): ServerOptions {
  return clientAuthority === undefined
    ? { ...tls }
    : { ...tls, ca: clientAuthority, requestCert: true, rejectUnauthorized: true }
}

function act(behaviour: Behaviour, request: IncomingMessage, response: ServerResponse): void {
  switch (behaviour.kind) {
    // before its body was read
    case 'reset':
      return
    case 'answer':
      response.writeHead(behaviour.status, behaviour.headers).end(behaviour.body)
      return
    case 'hang':
      return
    case 'close':
      request.socket.destroy()
      return
    case 'drip':
      response.writeHead(behaviour.status)
      dripInto(response, () => response.write('.'))
      return
    case 'drip-headers':
      request.socket.write('HTTP/1.1 200 OK\r\nx-drip: ')
      dripInto(response, () => request.socket.write('.'))
      return
    case 'flood':
      response.writeHead(behaviour.status)
      flood(response, 100)
      return
    case 'slow':
      setTimeout(() => response.writeHead(behaviour.status).end(), behaviour.afterMs)
  }
}

function dripInto(response: ServerResponse, write: () => void): void {
  const timer = setInterval(write, 50)
  response.on('close', () => clearInterval(timer))
}

function flood(response: ServerResponse, megabytes: number): void {
  if (megabytes === 0) {
    response.end()
    return
  }
  response.write(Buffer.alloc(1_000_000), (error) => {
    if (!error) flood(response, megabytes - 1)
  })
}
