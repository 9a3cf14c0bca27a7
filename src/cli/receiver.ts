/** A receiver of notifications: an HTTP listener that verifies signatures, answers handshakes, drops repeats and notices gaps (delivery.md "Promise"). */
import type { KeyObject } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Notification, type NotificationEvent, parseNotification } from './notification.ts'
import type { Gap } from './recover-events.ts'
import { send } from './server-client.ts'
import type { ServerClock } from './server-clock.ts'
import { parseWebhookKeys, type SignedMessage, verifyMessage } from './webhook-signature.ts'

/** Most bytes of a notification that are read. */
const MAX_BYTES = 16 * 1024 * 1024
/** How many message ids are remembered against repeats. */
const REMEMBERED_IDS = 1_000
/** An unknown key asks for the server's keys anew, but not more often. */
const REFETCH_KEYS_MS = 30_000

export interface ReceiverEvents {
  onHandshake(notification: Notification): void
  /** Once for each event, in order of arrival. */
  onEvent(event: NotificationEvent, message: { readonly id: string }): void
  /** Event numbers that never came; told before the event that showed it. */
  onGap(gap: Gap): void
  onRefused(why: string): void
}

export interface Receiver {
  /** Where notifications are taken. */
  readonly url: string
  close(): Promise<void>
}

export interface ReceiverOptions {
  readonly origin: string
  readonly clock: ServerClock
  /** 0 takes a free one. */
  readonly port: number
  readonly events: ReceiverEvents
}

/** Listens on loopback and resolves when it does. Answers 200 to what is genuine, 401 to what is not, 400 to what cannot be read. */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  const takes = buildIntake(options)
  const server = createServer((request, response) => {
    takes(request).then(
      (status) => answer(response, status),
      () => answer(response, 400),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, '127.0.0.1', () => resolve())
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  return {
    url: `http://127.0.0.1:${port}/notifications`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-length': '0' })
  response.end()
}

/** What is done with one request; resolves to the status to answer. */
function buildIntake({ origin, clock, events }: ReceiverOptions): (request: IncomingMessage) => Promise<number> {
  const keys = buildKeyCache(origin)
  const seen = new Set<string>()
  let lastNumber: number | undefined
  return async (request) => {
    const body = await readBody(request)
    const message = signedMessage(request, body)
    let verdict = verifyMessage(message, await keys.current(), clock())
    if (!verdict.good) verdict = verifyMessage(message, await keys.refreshed(), clock())
    if (!verdict.good) {
      events.onRefused(verdict.why)
      return 401
    }
    const notification = parseNotification(JSON.parse(body.toString('utf8')))
    if (notification.type === 'handshake') events.onHandshake(notification)
    if (seen.has(verdict.id)) return 200
    remember(seen, verdict.id)
    for (const event of notification.events) {
      if (lastNumber !== undefined && event.number > lastNumber + 1)
        events.onGap({ from: lastNumber + 1, to: event.number - 1, subscription: notification.subscription })
      lastNumber = Math.max(lastNumber ?? 0, event.number)
      events.onEvent(event, { id: verdict.id })
    }
    // a Subscription taken up again may have events waiting: then the first to come is where counting begins
    if (notification.eventsSinceStart === 0) lastNumber ??= 0
    return 200
  }
}

function remember(seen: Set<string>, id: string): void {
  seen.add(id)
  const [oldest] = seen
  if (seen.size > REMEMBERED_IDS && oldest !== undefined) seen.delete(oldest)
}

function signedMessage(request: IncomingMessage, body: Buffer): SignedMessage {
  const header = (name: string): string | undefined => {
    const value = request.headers[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    id: header('webhook-id'),
    timestamp: header('webhook-timestamp'),
    signature: header('webhook-signature'),
    body,
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    const part = Buffer.from(chunk)
    size += part.length
    if (size > MAX_BYTES) throw new RangeError('The notification is too large.')
    chunks.push(part)
  }
  return Buffer.concat(chunks)
}

interface KeyCache {
  current(): Promise<readonly KeyObject[]>
  /** Asks again, unless that was done just now: keys rotate. */
  refreshed(): Promise<readonly KeyObject[]>
}

function buildKeyCache(origin: string): KeyCache {
  let keys: readonly KeyObject[] | undefined
  let fetchedAt = Number.NEGATIVE_INFINITY
  const fetchKeys = async (): Promise<readonly KeyObject[]> => {
    const answer = await send(origin, { method: 'GET', path: '/.well-known/webhook-keys.json' })
    keys = parseWebhookKeys(answer.body)
    fetchedAt = performance.now()
    return keys
  }
  return {
    current: async () => keys ?? fetchKeys(),
    refreshed: async () => (keys !== undefined && performance.now() - fetchedAt < REFETCH_KEYS_MS ? keys : fetchKeys()),
  }
}
