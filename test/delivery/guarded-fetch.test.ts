import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import { buildGuardedFetch, FetchFault, type OutgoingRequest } from '../../src/delivery/guarded-fetch.ts'
import { answer, type Receiver, type ReceiverOptions, startReceiver } from '../support/receiver.ts'
import { testAuthority, testCertificate } from '../support/tls-files.ts'

const open: Receiver[] = []
async function receiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const one = await startReceiver(options)
  open.push(one)
  return one
}
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

function request(url: string, extra: Partial<OutgoingRequest> = {}): OutgoingRequest {
  return { url, method: 'POST', body: '{}', timeoutMs: 5_000, maxBytes: 1_000, allowedHosts: [], ...extra }
}

const sandbox = buildGuardedFetch({ mode: 'sandbox' })
const production = buildGuardedFetch({ mode: 'production' })

describe('calls that are refused before anything is connected', () => {
  test.each([
    ['ftp://la.example/'],
    ['file:///etc/passwd'],
    ['not a url'],
    ['http://la.example/'],
    ['https://other.example/'],
    ['https://la.example:8443/'],
    ['https://la.example./'],
    ['https://user:secret@la.example/'],
    ['https://la.example/#part'],
    ['http://10.0.0.1/'],
    ['http://0.0.0.0/'],
    ['http://[::ffff:127.0.0.1]/'],
    ['http://127.0.0.1.nip.example/'],
  ])('%s in either mode', async (url) => {
    await expect(sandbox(request(url, { allowedHosts: ['la.example'] }))).rejects.toThrow('not-allowed')
    await expect(production(request(url, { allowedHosts: ['la.example'] }))).rejects.toThrow('not-allowed')
  })

  test.each([
    'http://127.0.0.1:9/',
    'https://127.0.0.1:9/',
    'https://localhost:9/',
    'https://[::1]:9/',
    'http://2130706433/',
  ])('%s in production, even when listed', async (url) => {
    const allowedHosts = [new URL(url).host]
    await expect(production(request(url, { allowedHosts }))).rejects.toThrow('not-allowed')
  })

  test.each(['10.0.0.1', '169.254.169.254', '[fd00::1]', '[64:ff9b::7f00:1]'])(
    'https to the literal address %s, even when listed',
    async (host) => {
      await expect(production(request(`https://${host}/`, { allowedHosts: [host] }))).rejects.toThrow('blocked-address')
      await expect(sandbox(request(`https://${host}/`, { allowedHosts: [host] }))).rejects.toThrow('blocked-address')
    },
  )
})

describe('addresses are checked when the connection is made', () => {
  const resolvingTo = (...addresses: readonly string[]) =>
    buildGuardedFetch({
      mode: 'sandbox',
      ca: testAuthority,
      resolve: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    })

  test.each([['127.0.0.1'], ['10.0.0.1'], ['::1'], ['::ffff:127.0.0.1'], ['169.254.169.254'], ['fe80::1']])(
    'a listed name that leads to %s is refused, in a sandbox too',
    async (address) => {
      const canary = await receiver({ tls: testCertificate })
      const { port } = new URL(canary.url)
      const host = `la.example:${port}`
      const call = resolvingTo(address)(request(`https://${host}/`, { allowedHosts: [host] }))
      await expect(call).rejects.toThrow('blocked-address')
      expect(canary.received).toHaveLength(0)
    },
  )

  test('one bad address among good ones refuses the name', async () => {
    const call = resolvingTo('1.1.1.1', '127.0.0.1')(request('https://la.example/', { allowedHosts: ['la.example'] }))
    await expect(call).rejects.toThrow('blocked-address')
  })

  test('a name that changes to a private address between two calls (rebinding) is refused at the second', async () => {
    const target = await receiver({ tls: testCertificate })
    const host = `la.example:${new URL(target.url).port}`
    let isRebound = false
    const fetch = buildGuardedFetch({
      mode: 'production',
      ca: testAuthority,
      resolve: async () => [{ address: '127.0.0.1', family: 4 }],
      isPublic: () => !isRebound,
    })
    expect((await fetch(request(`https://${host}/`, { allowedHosts: [host] }))).status).toBe(200)
    isRebound = true
    await target.close()
    const again = await startReceiver({ tls: testCertificate })
    open.push(again)
    const secondHost = `la.example:${new URL(again.url).port}`
    await expect(fetch(request(`https://${secondHost}/`, { allowedHosts: [secondHost] }))).rejects.toThrow(
      'blocked-address',
    )
    expect(again.received).toHaveLength(0)
  })

  test('localhost that leads elsewhere is refused', async () => {
    await expect(resolvingTo('10.0.0.1')(request('http://localhost:9/'))).rejects.toThrow('blocked-address')
  })

  test('a name without an address is unresolved', async () => {
    await expect(resolvingTo()(request('https://la.example/', { allowedHosts: ['la.example'] }))).rejects.toThrow(
      'unresolved',
    )
  })
})

describe('TLS is verified', () => {
  test('a certificate of an unknown authority is refused', async () => {
    const target = await receiver({ tls: testCertificate })
    await expect(sandbox(request(target.url))).rejects.toThrow('tls')
    expect(target.received).toHaveLength(0)
  })

  test('a certificate for another name is refused', async () => {
    const target = await receiver({ tls: testCertificate })
    const host = `other.example:${new URL(target.url).port}`
    const fetch = buildGuardedFetch({
      mode: 'production',
      ca: testAuthority,
      resolve: async () => [{ address: '127.0.0.1', family: 4 }],
      isPublic: () => true,
    })
    await expect(fetch(request(`https://${host}/`, { allowedHosts: [host] }))).rejects.toThrow('tls')
    expect(target.received).toHaveLength(0)
  })

  test('a server that speaks no TLS is a fault of TLS', async () => {
    const target = await receiver()
    await expect(sandbox(request(target.url.replace('http:', 'https:')))).rejects.toThrow('tls')
  })

  test('a right certificate is accepted', async () => {
    const target = await receiver({ tls: testCertificate })
    const fetch = buildGuardedFetch({ mode: 'sandbox', ca: testAuthority })
    expect((await fetch(request(target.url))).status).toBe(200)
  })
})

describe('endpoints that misbehave', () => {
  test('refused', async () => {
    const target = await startReceiver()
    await target.close()
    await expect(sandbox(request(target.url))).rejects.toThrow('refused')
  })

  test.each(['hang', 'drip-headers'] as const)('%s ends with timeout', async (kind) => {
    const target = await receiver()
    target.behave({ kind })
    await expect(sandbox(request(target.url, { timeoutMs: 300 }))).rejects.toThrow('timeout')
  })

  test('a reply that drips ends with timeout when its body is wanted', async () => {
    const target = await receiver()
    target.behave({ kind: 'drip', status: 200 })
    await expect(sandbox(request(target.url, { timeoutMs: 300 }))).rejects.toThrow('timeout')
  })

  test('a reply that drips is a reply when only its status is wanted', async () => {
    const target = await receiver()
    target.behave({ kind: 'drip', status: 200 })
    expect((await sandbox(request(target.url, { timeoutMs: 300, maxBytes: 0 }))).status).toBe(200)
  })

  test.each([0, 1_000])('a reply of 100 MB is cut to %i bytes', async (maxBytes) => {
    const target = await receiver()
    target.behave({ kind: 'flood', status: 200 })
    const reply = await sandbox(request(target.url, { maxBytes }))
    expect(reply.status).toBe(200)
    expect(reply.body).toHaveLength(maxBytes)
  })

  test('a reset', async () => {
    const target = await receiver()
    target.behave({ kind: 'close' })
    await expect(sandbox(request(target.url))).rejects.toThrow('reset')
  })

  test('something that is no HTTP', async () => {
    const server = createServer((socket) => socket.write('SSH-2.0-OpenSSH\r\n', () => socket.destroySoon()))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    await expect(sandbox(request(`http://127.0.0.1:${port}/`))).rejects.toThrow('malformed-reply')
    await new Promise((resolve) => server.close(resolve))
  })

  test('headers without end are too large', async () => {
    const target = await receiver()
    target.behave(answer(200, { 'x-long': 'a'.repeat(40_000) }))
    await expect(sandbox(request(target.url))).rejects.toThrow('too-large')
  })

  test('a redirect is not followed', async () => {
    const canary = await receiver()
    const target = await receiver()
    target.behave(answer(307, { location: canary.url }))
    const reply = await sandbox(request(target.url))
    expect(reply.status).toBe(307)
    expect(canary.received).toHaveLength(0)
  })

  test('what goes wrong says its class and nothing of the address', async () => {
    const failure = await sandbox(request('http://localhost:1/secret-path')).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(FetchFault)
    expect(String(failure)).toBe('FetchFault: refused')
    expect(failure).not.toHaveProperty('cause')
  })
})

test('a reply comes with status, headers and body', async () => {
  const target = await receiver()
  target.behave(answer(429, { 'retry-after': '7' }))
  const reply = await sandbox(request(target.url, { headers: { 'content-type': 'application/fhir+json' } }))
  expect(reply.status).toBe(429)
  expect(reply.headers['retry-after']).toBe('7')
  expect(target.received[0]?.headers['content-type']).toBe('application/fhir+json')
})
