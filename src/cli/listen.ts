/** `cpis listen`: a small receiver for integrators that prints one readable line for each access (delivery.md "Recovery"). */
import { type Alert, alertLine, readAlert } from './alert.ts'
import { buildTokenSource, fetchToken } from './bearer.ts'
import { EXIT, type Io, say, sayJson, styled, untilStopped } from './io.ts'
import type { NotificationEvent } from './notification.ts'
import { type Receiver, type ReceiverEvents, startReceiver } from './receiver.ts'
import { sendFhir, serverOrigin } from './server-client.ts'
import { readServerClock } from './server-clock.ts'
import { requestSubscription, waitUntilActive } from './subscription.ts'

export interface ListenOptions {
  readonly authority: string
  readonly port: number
  readonly topic: string
  readonly json?: boolean
}

/** Listens until it is asked to stop. On a free port the Subscription goes with it; on a fixed one it stays, and what waits comes next time. */
export async function runListen(options: ListenOptions, io: Io): Promise<number> {
  const origin = serverOrigin(io.env)
  const listener = await startListener({ ...options, origin }, io)
  io.err(`Listening for ${options.topic} of ${options.authority} at ${listener.receiver.url} (Ctrl-C ends)\n`)
  await untilStopped(io)
  await listener.close({ keepSubscription: options.port !== 0 })
  return EXIT.ok
}

export interface Listener {
  readonly receiver: Receiver
  readonly subscriptionId: string
  close(options: { readonly keepSubscription: boolean }): Promise<void>
}

interface ListenerOptions extends ListenOptions {
  readonly origin: string
  /** Told of each alert after its line is printed. */
  readonly onAlert?: (alert: Alert, message: { readonly id: string }) => void
}

/** Starts the receiver, has the authority subscribed and waits for the handshake. */
export async function startListener(options: ListenerOptions, io: Io): Promise<Listener> {
  const { origin, topic } = options
  const clock = await readServerClock(origin)
  const token = buildTokenSource(origin, `receiver-${options.authority}`, io)
  const events = buildEvents(options, io, (event) => readAlert(event, { origin, token }))
  const receiver = await startReceiver({ origin, clock, port: options.port, events })
  try {
    const request = { origin, token: await token(), endpoint: receiver.url, topic }
    const { id = '' } = await requestSubscription(request)
    await waitUntilActive(request, id)
    return { receiver, subscriptionId: id, close: ({ keepSubscription }) => closeListener(keepSubscription, id) }
  } catch (error) {
    await receiver.close()
    throw error
  }

  async function closeListener(keepSubscription: boolean, id: string): Promise<void> {
    if (!keepSubscription) {
      const { token: own } = await fetchToken(origin, `receiver-${options.authority}`, io)
      await sendFhir(origin, { method: 'DELETE', path: `/Subscription/${id}`, token: own })
    }
    await receiver.close()
  }
}

function buildEvents(
  options: ListenerOptions,
  io: Io,
  read: (event: NotificationEvent) => Promise<Alert>,
): ReceiverEvents {
  const warn = (line: string): void => io.err(`${styled(io, 'yellow', line)}\n`)
  const print = (alert: Alert, event: NotificationEvent, message: { readonly id: string }): void => {
    if (options.json) sayJson(io, { event: event.number, id: message.id, line: alertLine(alert), ...alert })
    else say(io, alertLine(alert))
    options.onAlert?.(alert, message)
  }
  /** One after the other, so that lines stand in the order of events. */
  let last = Promise.resolve()
  return {
    onHandshake: () => io.err('Handshake answered.\n'),
    onRefused: (why) => warn(`A request was refused: ${why}.`),
    onGap: ({ from, to }) => warn(`Events ${from === to ? from : `${from} to ${to}`} never came: look for them.`),
    onEvent: (event, message) => {
      last = last
        .then(() => read(event))
        .then((alert) => print(alert, event, message))
        .catch((error: unknown) =>
          warn(`Event ${event.number} (${event.focus}) cannot be read: ${error instanceof Error ? error.message : ''}`),
        )
    },
  }
}
