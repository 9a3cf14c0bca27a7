import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Receiver, startReceiver } from '../../src/cli/receiver.ts'

const NOW = new Date('2026-05-03T08:12:00Z')

function notification(type: string, numbers: readonly number[]): string {
  const event = (number: number) => ({
    name: 'notification-event',
    part: [
      { name: 'event-number', valueString: String(number) },
      { name: 'focus', valueReference: { reference: `AuditEvent/a${number}` } },
    ],
  })
  const parameter = [
    { name: 'type', valueCode: type },
    { name: 'events-since-subscription-start', valueString: String(numbers.at(-1) ?? 0) },
    ...numbers.map(event),
  ]
  return JSON.stringify({ resourceType: 'Bundle', entry: [{ resource: { resourceType: 'Parameters', parameter } }] })
}

describe('the receiver of `cpis listen`', () => {
  const first = generateKeyPairSync('ed25519')
  const second = generateKeyPairSync('ed25519')
  const published: KeyObject[] = []
  let keyServer: Server
  let receiver: Receiver
  let seen: string[]

  beforeAll(async () => {
    keyServer = createServer((_request, response) => {
      response.end(JSON.stringify({ keys: published.map((key) => key.export({ format: 'jwk' })) }))
    })
    await new Promise<void>((resolve) => keyServer.listen(0, '127.0.0.1', () => resolve()))
  })

  afterAll(() => new Promise((resolve) => keyServer.close(resolve)))

  beforeEach(async () => {
    published.splice(0, published.length, first.publicKey)
    seen = []
    receiver = await startReceiver({
      origin: `http://127.0.0.1:${(keyServer.address() as AddressInfo).port}`,
      clock: () => NOW,
      port: 0,
      events: {
        onHandshake: () => seen.push('handshake'),
        onEvent: (event) => seen.push(`event ${event.number}`),
        onGap: ({ from, to }) => seen.push(`gap ${from}-${to}`),
        onRefused: () => seen.push('refused'),
      },
    })
  })

  afterEach(() => receiver.close())

  async function post(id: string, body: string, key: KeyObject = first.privateKey): Promise<number> {
    const timestamp = String(NOW.getTime() / 1000)
    const signature = sign(null, Buffer.from(`${id}.${timestamp}.${body}`), key).toString('base64')
    const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1a,${signature}` }
    return (await fetch(receiver.url, { method: 'POST', headers, body })).status
  }

  test('refuses with 401 what another key signed, and reads nothing of it', async () => {
    expect(await post('m1', notification('event-notification', [1]), second.privateKey)).toBe(401)
    expect(seen).toEqual(['refused'])
  })

  test('refuses with 401 a request without headers', async () => {
    expect((await fetch(receiver.url, { method: 'POST', body: '{}' })).status).toBe(401)
  })

  test('refuses with 400 what is rightly signed and no notification', async () => {
    expect(await post('m1', '{"resourceType":"Patient"}')).toBe(400)
    expect(await post('m2', 'no JSON')).toBe(400)
    expect(seen).toEqual([])
  })

  test('answers the handshake', async () => {
    expect(await post('m1', notification('handshake', []))).toBe(200)
    expect(seen).toEqual(['handshake'])
  })

  test('drops a repeat, and says 200 to it', async () => {
    expect(await post('m1', notification('event-notification', [1]))).toBe(200)
    expect(await post('m1', notification('event-notification', [1]))).toBe(200)
    expect(seen).toEqual(['event 1'])
  })

  test('notices numbers that never came', async () => {
    await post('m0', notification('handshake', []))
    await post('m1', notification('event-notification', [1, 2]))
    await post('m2', notification('event-notification', [5]))
    expect(seen).toEqual(['handshake', 'event 1', 'event 2', 'gap 3-4', 'event 5'])
  })

  test('notices that the first event after the handshake is not the first', async () => {
    await post('m0', notification('handshake', []))
    await post('m1', notification('event-notification', [2]))
    expect(seen).toEqual(['handshake', 'gap 1-1', 'event 2'])
  })

  test('takes up a Subscription in the middle, and notices gaps from there', async () => {
    await post('m0', notification('handshake', []).replace('"valueString":"0"', '"valueString":"9"'))
    await post('m1', notification('event-notification', [7]))
    await post('m2', notification('event-notification', [9]))
    expect(seen).toEqual(['handshake', 'event 7', 'gap 8-8', 'event 9'])
  })

  test('asks for the keys again when they rotate', async () => {
    published.push(second.publicKey)
    expect(await post('m1', notification('event-notification', [1]), second.privateKey)).toBe(200)
  })
})
