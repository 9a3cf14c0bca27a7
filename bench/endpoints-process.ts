/** The other end of notifications, in a process of its own: endpoints on ports of their own that note when each notification had arrived (delivery.md "From check to endpoint"). Driven by messages of endpoints.ts. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answered, Asked, Receipt, Sample } from './endpoints.ts'
import { monotonicMs } from './monotonic.ts'

const servers: Server[] = []
const ports: number[] = []
const delays: number[] = []
let receipts: Receipt[] = []
let count = 0
let handshakes = 0
let sample: Sample | undefined

async function receive(endpoint: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const at = monotonicMs()
  const body = Buffer.concat(chunks).toString('utf8')
  note(endpoint, at, body)
  if (sample === undefined && body.includes('"event-notification"')) sample = { headers: headersOf(request), body }
  const delay = delays[endpoint] ?? 0
  if (delay > 0) await sleep(delay)
  response.writeHead(200).end()
}

/** By pattern: parsing every body would make this process the bottleneck. */
function note(endpoint: number, at: number, body: string): void {
  if (body.includes('"handshake"')) handshakes += 1
  for (const [, number = ''] of body.matchAll(/"event-number","valueString":"(\d+)"/g)) {
    count += 1
    const audit = /AuditEvent\/([0-9a-f-]{36})/.exec(body)?.[1] ?? ''
    receipts.push([endpoint, Number(number), audit, at])
  }
}

function headersOf(request: IncomingMessage): Record<string, string> {
  const kept = Object.entries(request.headers).filter(
    ([name]) => name.startsWith('webhook-') || name === 'content-type',
  )
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]))
}

async function open(endpoint: number): Promise<void> {
  const server = createServer((request, response) => {
    receive(endpoint, request, response).catch(() => response.destroy())
  })
  servers[endpoint] = server
  await new Promise<void>((resolve) => server.listen(ports[endpoint] ?? 0, '127.0.0.1', resolve))
  ports[endpoint] = (server.address() as AddressInfo).port
}

async function answer(asked: Asked): Promise<Answered> {
  switch (asked.ask) {
    case 'open':
      for (let endpoint = 0; endpoint < asked.count; endpoint += 1) await open(endpoint)
      return { ports }
    case 'delay':
      delays[asked.endpoint] = asked.ms
      return {}
    case 'kill':
      servers[asked.endpoint]?.closeAllConnections()
      servers[asked.endpoint]?.close()
      return {}
    case 'revive':
      await open(asked.endpoint)
      return {}
    case 'count':
      return { count, handshakes }
    case 'take': {
      const taken = receipts
      receipts = []
      return { receipts: taken }
    }
    case 'sample':
      return sample === undefined ? {} : { sample }
  }
}

process.on('message', (asked: Asked) => {
  answer(asked).then((answered) => process.send?.(answered))
})
process.on('disconnect', () => process.exit())
