import { describe, expect, test } from '@jest/globals'
import { pino } from 'pino'
import { freshnessMs, RemoteKeySets } from '../../src/auth/remote-key-sets.ts'
import type { OutgoingReply, OutgoingRequest } from '../../src/delivery/guarded-fetch.ts'

const URL_OF_KEYS = 'https://supplier.example/keys'
const WANTED = { kid: 'k1', alg: 'ES384' }

function keySet(...kids: string[]): string {
  return JSON.stringify({ keys: kids.map((kid) => ({ kty: 'EC', crv: 'P-384', x: 'x', y: 'y', kid })) })
}

/** A host whose answer and time can be set, and that counts how often it was asked. */
function host(cacheControl = 'max-age=120') {
  const state = {
    nowMs: 1_000_000_000,
    asked: [] as OutgoingRequest[],
    reply: async (): Promise<OutgoingReply> => ({
      status: 200,
      headers: { 'cache-control': cacheControl },
      body: keySet('k1'),
    }),
  }
  const reach = {
    clock: () => new Date(state.nowMs),
    log: pino({ level: 'silent' }),
    fetch: (request: OutgoingRequest) => {
      state.asked.push(request)
      return state.reply()
    },
  }
  return { state, reach }
}

describe('RemoteKeySets', () => {
  test.each([
    ['an answer other than 200', async () => ({ status: 404, headers: {}, body: keySet('k1') })],
    ['a redirect', async () => ({ status: 302, headers: { location: URL_OF_KEYS }, body: '' })],
    ['no JSON', async () => ({ status: 200, headers: {}, body: '<html>' })],
    ['no key set', async () => ({ status: 200, headers: {}, body: '[]' })],
    ['a private key', async () => ({ status: 200, headers: {}, body: '{"keys":[{"kty":"EC","d":"x","kid":"k1"}]}' })],
    ['a host that is not reached', () => Promise.reject(new Error('refused'))],
  ])('finds no key after %s, and asks again only after 30 s', async (_name, reply) => {
    const { state, reach } = host()
    const good = state.reply
    state.reply = reply
    const sets = new RemoteKeySets()
    for (let step = 0; step < 30; step += 1) {
      expect(await sets.find(URL_OF_KEYS, WANTED, reach)).toBeUndefined()
      state.nowMs += 999
    }
    expect(state.asked).toHaveLength(1)
    state.nowMs += 31
    state.reply = good
    expect(await sets.find(URL_OF_KEYS, WANTED, reach)).toMatchObject({ kid: 'k1' })
    expect(state.asked).toHaveLength(2)
  })

  test('a flood of unknown kids causes one fetch per 30 s', async () => {
    const { state, reach } = host()
    const sets = new RemoteKeySets()
    for (let step = 0; step < 600; step += 1) {
      await sets.find(URL_OF_KEYS, { kid: `unknown-${step}`, alg: 'ES384' }, reach)
      state.nowMs += 100
    }
    expect(state.asked).toHaveLength(2)
  })

  test('many that ask at once share one fetch', async () => {
    const { state, reach } = host()
    const sets = new RemoteKeySets()
    const found = await Promise.all(Array.from({ length: 50 }, () => sets.find(URL_OF_KEYS, WANTED, reach)))
    expect(found.every((key) => key?.kid === 'k1')).toBe(true)
    expect(state.asked).toHaveLength(1)
  })

  test('a key that the sender has added is found by one refetch, without waiting for max-age', async () => {
    const { state, reach } = host('max-age=86400')
    const sets = new RemoteKeySets()
    await sets.find(URL_OF_KEYS, WANTED, reach)
    state.reply = async () => ({ status: 200, headers: {}, body: keySet('k1', 'k2') })
    state.nowMs += 30_000
    expect(await sets.find(URL_OF_KEYS, { kid: 'k2', alg: 'ES384' }, reach)).toMatchObject({ kid: 'k2' })
  })

  test('a key that the sender has taken away is not found after max-age', async () => {
    const { state, reach } = host('public, max-age=120')
    const sets = new RemoteKeySets()
    await sets.find(URL_OF_KEYS, WANTED, reach)
    state.reply = async () => ({ status: 200, headers: {}, body: keySet('k2') })
    state.nowMs += 119_999
    expect(await sets.find(URL_OF_KEYS, WANTED, reach)).toBeDefined()
    state.nowMs += 1
    expect(await sets.find(URL_OF_KEYS, WANTED, reach)).toBeUndefined()
  })

  test('a stale set is not used while its host is away', async () => {
    const { state, reach } = host('max-age=60')
    const sets = new RemoteKeySets()
    await sets.find(URL_OF_KEYS, WANTED, reach)
    state.reply = () => Promise.reject(new Error('away'))
    state.nowMs += 60_000
    expect(await sets.find(URL_OF_KEYS, WANTED, reach)).toBeUndefined()
  })

  test('asks only the registered host, for a bounded answer in a bounded time', async () => {
    const { state, reach } = host()
    await new RemoteKeySets().find(URL_OF_KEYS, WANTED, reach)
    expect(state.asked[0]).toMatchObject({ url: URL_OF_KEYS, method: 'GET', timeoutMs: 5000, maxBytes: 262_144 })
    expect(state.asked[0]?.allowedHosts).toContain('supplier.example')
  })
})

describe('freshnessMs', () => {
  test.each([
    [undefined, 300_000],
    ['max-age=600', 600_000],
    ['public, MAX-AGE=600, immutable', 600_000],
    ['max-age="90"', 90_000],
    ['max-age=0', 30_000],
    ['max-age=-5', 300_000],
    ['no-store', 30_000],
    ['max-age=600, no-cache', 30_000],
    ['max-age=9999999999', 86_400_000],
    ['s-maxage=5', 300_000],
  ])('of %p is %d', (header, expected) => {
    expect(freshnessMs(header)).toBe(expected)
  })
})
