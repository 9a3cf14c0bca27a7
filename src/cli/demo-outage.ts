/** The demo's outage: a receiver that is down misses nothing, as what could not be delivered waits, is seen to wait, and comes in order (delivery.md "Promise"). */
import type { Bundle } from '@medplum/fhirtypes'
import { fetchToken } from './bearer.ts'
import type { Arrived } from './demo-story.ts'
import type { Teller } from './demo-teller.ts'
import { CliError, EXIT, type Io } from './io.ts'
import { laneLines, readLanes } from './lanes.ts'
import type { Listener } from './listen.ts'

/** Longest wait for a failed try to show. */
const SEEN_MS = 20_000

interface Outage {
  readonly listener: Listener
  /** Starts a listener on this port, with the Subscription that is there. */
  readonly restart: (port: number) => Promise<Listener>
  /** The nth notification, once it is there. */
  readonly arrival: (count: number) => Promise<Arrived>
  /** How many came before. */
  readonly before: number
}

/** Stops the receiver, checks twice, starts it again; resolves to the new listener. Throws CliError at the first claim that does not hold. */
export async function surviveOutage(teller: Teller, io: Io, outage: Outage): Promise<Listener> {
  const { listener, arrival, before } = outage
  teller.step('Derbyshire’s receiver goes down, and the nurse checks the first child twice more')
  const port = Number(new URL(listener.receiver.url).port)
  await listener.close({ keepSubscription: true })
  const missed = [await teller.check('check-request.json'), await teller.check('check-request.json')]
  const lanes = await waitingLanes(teller, io, missed.length)
  teller.holds(true, 'both alerts wait, and the administrator sees it')
  teller.show(laneLines(lanes, { ...io, isTerminal: false }))

  teller.step('The receiver is back')
  const again = await outage.restart(port)
  try {
    await arrival(before + missed.length)
    const caught = [await arrival(before + 1), await arrival(before + 2)]
    const came = caught.map(({ alert }) => alert.audit.id)
    teller.holds(came.join() === missed.map(auditIdOf).join(), 'what it missed comes in order, each once')
    return again
  } catch (error) {
    await again.receiver.close()
    throw error
  }
}

/** The lanes once this many alerts wait behind a try that failed. */
async function waitingLanes(teller: Teller, io: Io, count: number): Promise<Awaited<ReturnType<typeof readLanes>>> {
  const { token } = await fetchToken(teller.origin, 'administrator', io)
  const started = performance.now()
  for (;;) {
    const lanes = await readLanes(teller.origin, token)
    if (lanes.some((lane) => lane['waiting'] === count && Number(lane['failures']) > 0)) return lanes
    if (performance.now() - started > SEEN_MS) {
      throw new CliError(EXIT.failed, 'The alerts that could not be delivered are not seen to wait.')
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** The AuditEvent under which an answer was given. Pure. */
export function auditIdOf(answer: Bundle): string | undefined {
  return answer.identifier?.value?.replace('urn:uuid:', '')
}
