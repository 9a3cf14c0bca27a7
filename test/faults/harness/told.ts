/** The councils' receivers: real endpoints that fail now and then, and what their Subscriptions were told. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../../bench/random.ts'
import type { Keys } from '../../../src/keys.ts'
import {
  answer,
  type Behaviour,
  numbersOf,
  type Received,
  type Receiver,
  startReceiver,
  statusOf,
} from '../../support/receiver.ts'
import { subscriptionOf } from '../../support/subscriptions.ts'
import { waitFor } from '../../support/wait-for.ts'
import { type Caller, isRecord } from './caller.ts'
import type { Told, ToldSubscription } from './operation.ts'

const START_MS = 30_000
/** Of a receiver, at times. */
const TROUBLES: readonly Behaviour[] = [
  answer(503),
  answer(500),
  { kind: 'close' },
  { kind: 'slow', status: 200, afterMs: 300 },
]
const MOST_CALM_MS = 4_000

export interface Listening {
  readonly authority: string
  readonly topic: string
  readonly id: string
  readonly receiver: Receiver
}

/** A receiver of its own for each of these, subscribed and active. */
export async function startListening(
  wishes: readonly { readonly authority: string; readonly topic: string }[],
  server: { readonly dataDir: string; readonly caller: Caller },
): Promise<readonly Listening[]> {
  const keys = JSON.parse(readFileSync(join(server.dataDir, 'keys.json'), 'utf8')) as Keys
  const listening: Listening[] = []
  for (const { authority, topic } of wishes) {
    const receiver = await startReceiver({ keys: keys.webhooks })
    const sent = { as: `la-${authority}`, method: 'POST', path: 'Subscription', requestId: randomUUID() } as const
    const { status, body } = await server.caller.send({ ...sent, body: subscriptionOf(receiver.url, topic) })
    if (status !== 201 || !isRecord(body)) throw new Error(`No Subscription: ${status} ${JSON.stringify(body)}`)
    listening.push({ authority, topic, id: String(body['id']), receiver })
    await waitFor('the handshake', () => receiver.ofType('handshake').length > 0, START_MS)
  }
  return listening
}

/** Lets receivers fail for one request now and then until the run is over; then all is well. */
export async function troubleReceivers(
  listening: readonly Listening[],
  random: Random,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    const one = listening[random.below(listening.length)]
    one?.receiver.next(TROUBLES[random.below(TROUBLES.length)] ?? answer(503))
    await sleep(random.below(MOST_CALM_MS))
  }
}

/** What a Subscription's receiver got of events. Pure. */
export function toldOf({ id, authority, topic, receiver }: Listening): ToldSubscription {
  return { id, authority, topic, told: receiver.ofType('event-notification').map(toTold) }
}

function toTold({ bundle, webhookId, answered, signatureIsRight }: Received): Told {
  const events = statusOf(bundle).parameter?.filter((one) => one.name === 'notification-event') ?? []
  const auditIds = events.map(
    ({ part = [] }) =>
      part
        .find((one) => one.name === 'focus')
        ?.valueReference?.reference?.split('/')
        .at(-1) ?? '',
  )
  return {
    numbers: numbersOf(bundle),
    auditIds,
    webhookId,
    signatureIsRight,
    ...(answered === undefined ? {} : { answered }),
  }
}
