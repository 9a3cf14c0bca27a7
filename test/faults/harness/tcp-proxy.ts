/**
 * A proxy between the server and a mongod, or between members: passes on, delays, throttles, cuts, stays silent, half-closes, or swallows
 * the reply to a commit. Of the protocol it reads only the lengths of messages and the names of commands (wire-message.ts).
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildWireReader, type WireMessage } from './wire-message.ts'

/** What happens to what passes. `silent` keeps connections open and passes nothing; `refuse` ends them and takes no new ones. */
export type Treatment =
  | { readonly kind: 'pass' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  | { readonly kind: 'silent' }
  | { readonly kind: 'refuse' }

/** Who opened a connection: a member of the set by its place, else somebody else, such as the server. */
export type Source = number | 'outside'

export interface TcpProxy {
  readonly port: number
  /** Treats what comes from a source so, in connections that are open and that come, until told otherwise. */
  treat(rule: (source: Source) => Treatment): void
  /** Ends open connections of these sources at once; how many. */
  cut(isOf?: (source: Source) => boolean): number
  /** Says to both sides of every connection that nothing more comes, and passes on what does. */
  halfClose(): number
  /** Commits from outside pass to mongod; their replies are dropped and the connections cut, also when they are repeated. Resolves when that has happened once. */
  swallowCommits(): Promise<void>
  /** Lets commits be answered again; how many replies were swallowed. */
  stopSwallowing(): number
  close(): Promise<void>
}

export interface ProxyOptions {
  /** 0 or absent: a free one. */
  readonly port?: number
  /** Where mongod listens. */
  readonly targetPort: number
  /** Who is at this port of 127.0.0.1; everybody is outside when absent. */
  readonly sourceOf?: (port: number) => Source
}

interface Link {
  readonly source: Source
  readonly client: Socket
  readonly target: Socket
  /** requestId of a commit whose reply is to be swallowed. */
  swallowed: number | undefined
}

const PASS: Treatment = { kind: 'pass' }

/** Listens on 127.0.0.1. */
export async function startTcpProxy({ port = 0, targetPort, sourceOf }: ProxyOptions): Promise<TcpProxy> {
  const links = new Set<Link>()
  let rule: (source: Source) => Treatment = () => PASS
  let swallowing: { readonly first: () => void; count: number } | undefined

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const source = sourceOf?.(client.remotePort ?? 0) ?? 'outside'
    client.on('error', () => client.destroy())
    if (rule(source).kind === 'refuse') return client.destroy()
    const target = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    const link: Link = { source, client, target, swallowed: undefined }
    links.add(link)
    join(link)
  })

  function join(link: Link): void {
    const { client, target } = link
    const end = (): void => {
      links.delete(link)
      client.destroy()
      target.destroy()
    }
    for (const socket of [client, target]) {
      socket.on('error', end)
      socket.on('close', end)
    }
    carry({ link, from: client, to: target, end }, (message) => {
      if (swallowing !== undefined && link.source === 'outside' && message.command === 'commitTransaction') {
        link.swallowed = message.requestId
      }
      return true
    })
    carry({ link, from: target, to: client, end }, (message) => {
      if (link.swallowed === undefined || message.responseTo !== link.swallowed) return true
      end()
      if (swallowing === undefined) return false
      swallowing.count += 1
      swallowing.first()
      return false
    })
  }

  /** Passes on in order whatever the treatment is; what it waits for holds up what follows. */
  function carry({ link, from, to, end }: Carried, mayPass: (message: WireMessage) => boolean): void {
    const reader = buildWireReader()
    let before = Promise.resolve()
    from.on('data', (chunk: Buffer) => {
      before = before.then(async () => {
        for (const message of reader.push(chunk)) {
          await hold(
            message,
            () => rule(link.source),
            () => !to.destroyed,
          )
          if (to.destroyed || !mayPass(message)) return
          to.write(message.bytes)
        }
      })
      before.catch(end)
    })
    from.on('end', () => {
      before.then(() => to.end()).catch(end)
    })
  }

  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.')
  const cut: TcpProxy['cut'] = (isOf = () => true) => {
    const hit = [...links].filter((one) => isOf(one.source))
    for (const { client, target } of hit) {
      client.resetAndDestroy()
      target.resetAndDestroy()
    }
    return hit.length
  }
  return {
    port: address.port,
    treat(next) {
      rule = next
      cut((source) => next(source).kind === 'refuse')
    },
    cut,
    halfClose() {
      for (const { client, target } of links) {
        client.end()
        target.end()
      }
      return links.size
    },
    swallowCommits: () =>
      new Promise((resolve) => {
        swallowing = { first: resolve, count: 0 }
      }),
    stopSwallowing() {
      const count = swallowing?.count ?? 0
      swallowing = undefined
      return count
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
}

interface Carried {
  readonly link: Link
  readonly from: Socket
  readonly to: Socket
  readonly end: () => void
}

const LOOK_MS = 20

/** Waits as the treatment of now says; silence lasts until the treatment is another. */
async function hold(message: WireMessage, treatment: () => Treatment, isOpen: () => boolean): Promise<void> {
  while (treatment().kind === 'silent' && isOpen()) await sleep(LOOK_MS)
  const now = treatment()
  if (now.kind === 'delay') await sleep(now.ms)
  if (now.kind === 'throttle') await sleep((message.bytes.length / now.bytesPerSecond) * 1000)
}
