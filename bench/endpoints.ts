/** Endpoints of Subscriptions in a process of their own, so that receiving costs the bench's own clock nothing. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Endpoint, event number, the AuditEvent it is about, and when its whole body had arrived (monotonic ms). */
export type Receipt = readonly [endpoint: number, number: number, audit: string, at: number]

/** A notification as it came, for sending the same once more without the register. */
export interface Sample {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type Asked =
  | { readonly ask: 'open'; readonly count: number }
  | { readonly ask: 'delay'; readonly endpoint: number; readonly ms: number }
  | { readonly ask: 'kill' | 'revive'; readonly endpoint: number }
  | { readonly ask: 'count' | 'take' | 'sample' }

export interface Answered {
  readonly ports?: readonly number[]
  readonly count?: number
  readonly handshakes?: number
  readonly receipts?: readonly Receipt[]
  readonly sample?: Sample
}

export interface Endpoints {
  readonly pid: number
  readonly origins: readonly string[]
  /** From now on it answers after this long. */
  delay(endpoint: number, ms: number): Promise<void>
  /** Refuses connections, until it is revived. */
  kill(endpoint: number): Promise<void>
  revive(endpoint: number): Promise<void>
  /** Events received since the start, repeats among them, and handshakes. */
  count(): Promise<{ readonly events: number; readonly handshakes: number }>
  /** What came since it was last taken. */
  take(): Promise<readonly Receipt[]>
  /** The first notification of events that came. */
  sample(): Promise<Sample>
  close(): Promise<void>
}

/** Starts the process with so many endpoints, each on a port of its own on loopback. */
export async function openEndpoints(count: number): Promise<Endpoints> {
  const child = fork(fileURLToPath(new URL('./endpoints-process.ts', import.meta.url)), { serialization: 'advanced' })
  const ask = buildAsk(child)
  const { ports = [] } = await ask({ ask: 'open', count })
  return {
    pid: child.pid ?? 0,
    origins: ports.map((port) => `http://127.0.0.1:${port}`),
    delay: async (endpoint, ms) => void (await ask({ ask: 'delay', endpoint, ms })),
    kill: async (endpoint) => void (await ask({ ask: 'kill', endpoint })),
    revive: async (endpoint) => void (await ask({ ask: 'revive', endpoint })),
    async count() {
      const { count: events = 0, handshakes = 0 } = await ask({ ask: 'count' })
      return { events, handshakes }
    },
    take: async () => (await ask({ ask: 'take' })).receipts ?? [],
    async sample() {
      const { sample } = await ask({ ask: 'sample' })
      if (sample === undefined) throw new Error('No notification has come yet.')
      return sample
    },
    async close() {
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

/** One question at a time, answered in order. */
function buildAsk(child: ChildProcess): (asked: Asked) => Promise<Answered> {
  let last: Promise<unknown> = Promise.resolve()
  return (asked) => {
    const mine = last.then(async () => {
      const answered = once(child, 'message')
      child.send(asked)
      const [message] = await answered
      return message as Answered
    })
    last = mine
    return mine
  }
}
