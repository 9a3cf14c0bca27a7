/** `cpis listen`: a small receiver for integrators that prints one readable line for each access (delivery.md "Recovery"). */
import { type Alert, type AlertSources, alertLine, readAlert } from './alert.ts'
import { buildTokenSource, getBearer } from './bearer.ts'
import { EXIT, type Io, say, sayJson, styled, untilStopped } from './io.ts'
import type { NotificationEvent } from './notification.ts'
import { isAboutPlan, planAlertLine, readPlanAlert } from './plan-alert.ts'
import { type Receiver, type ReceiverEvents, startReceiver } from './receiver.ts'
import { type Gap, recoverEvents } from './recover-events.ts'
import { sendFhir, serverOrigin } from './server-client.ts'
import { readServerClock } from './server-clock.ts'
import { requestSubscription, waitUntilActive } from './subscription.ts'

export interface ListenOptions {
  readonly authority: string
  readonly port: number
  readonly topic: string
  readonly json?: boolean
  /** Ask for events that never came. */
  readonly recover?: boolean
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
  const events = buildEvents(options, io, { origin, token })
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
      const { token: own } = await getBearer(origin, `receiver-${options.authority}`, io)
      await sendFhir(origin, { method: 'DELETE', path: `/Subscription/${id}`, token: own })
    }
    await receiver.close()
  }
}

function buildEvents(options: ListenerOptions, io: Io, sources: AlertSources): ReceiverEvents {
  const warn = (line: string): void => io.err(`${styled(io, 'yellow', line)}\n`)
  const tell = buildTell(options, io, sources)
  /** One after the other, so that lines stand in the order of events. */
  let last = Promise.resolve()
  const next = (work: () => Promise<void>, failed: string): void => {
    last = last.then(work).catch((error: unknown) => warn(`${failed}: ${error instanceof Error ? error.message : ''}`))
  }
  const tellNext = (event: NotificationEvent, message: Message): void =>
    next(() => tell(event, message), `Event ${event.number} (${event.focus}) cannot be read`)
  return {
    onHandshake: () => io.err('Handshake answered.\n'),
    onRefused: (why) => warn(`A request was refused: ${why}.`),
    onGap: (gap) => {
      const words = `Events ${gap.from === gap.to ? gap.from : `${gap.from} to ${gap.to}`} never came`
      if (options.recover !== true) return warn(`${words}: look for them, or listen with --recover.`)
      warn(`${words}: asking for them.`)
      next(() => recover(gap, sources, { tell, warn }), `${words} and cannot be recovered`)
    },
    onEvent: tellNext,
  }
}

interface Message {
  readonly id: string
  /** It did not come, but was asked for. */
  readonly isRecovered?: true
}
type Tell = (event: NotificationEvent, message: Message) => Promise<void>

/** Reads what an event points at, and prints its line. */
function buildTell(options: ListenerOptions, io: Io, sources: AlertSources): Tell {
  const print = (line: string, event: NotificationEvent, message: Message, alert: object): void => {
    const { id, isRecovered } = message
    const mark = isRecovered ? { recovered: true } : {}
    if (options.json) sayJson(io, { event: event.number, id, ...mark, line, ...alert })
    else say(io, isRecovered ? `${line} (event ${event.number}, recovered)` : line)
  }
  return async (event, message) => {
    if (isAboutPlan(event)) {
      const alert = await readPlanAlert(event, sources)
      print(planAlertLine(alert, options.topic, event.at ?? ''), event, message, alert)
      return
    }
    const alert = await readAlert(event, sources)
    print(alertLine(alert), event, message, alert)
    options.onAlert?.(alert, message)
  }
}

/** Tells the events of a gap in their order, and says which the server has no more. */
async function recover(
  gap: Gap,
  sources: AlertSources,
  { tell, warn }: { readonly tell: Tell; readonly warn: (line: string) => void },
): Promise<void> {
  const events = await recoverEvents(gap, sources)
  for (const event of events) {
    await tell(event, { id: `recovered-${event.number}`, isRecovered: true }).catch((error: unknown) =>
      warn(`Event ${event.number} (${event.focus}) cannot be read: ${error instanceof Error ? error.message : ''}`),
    )
  }
  const missing = gap.to - gap.from + 1 - events.length
  if (missing > 0) warn(`${missing} of them the server does not have: they are older than 90 days.`)
}
