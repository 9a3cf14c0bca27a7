/** Each way in which an endpoint can behave (issue 7 item 3): what the answer is called, whether and when it is tried again, that the lane goes on under the same webhook-id, how the Subscription stands, and that nothing leaks. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { pino } from 'pino'
import { isPublicAddress } from '../../src/delivery/address-policy.ts'
import { buildGuardedFetch, type GuardedFetch } from '../../src/delivery/guarded-fetch.ts'
import type { ResourceId } from '../../src/domain/brands.ts'
import {
  answer,
  type Behaviour,
  faultsOf,
  ok,
  type Receiver,
  type ReceiverOptions,
  startReceiver,
} from '../support/receiver.ts'
import {
  clientCertificate,
  expiredCertificate,
  expiredClientCertificate,
  selfSignedCertificate,
  selfSignedClientCertificate,
  testAuthority,
  testCertificate,
} from '../support/tls-files.ts'
import { waitFor } from '../support/wait-for.ts'
import { change, commitEvents, openWorld, readRow, statusOfSubscription, subscribe, type World } from './world.ts'

/** What neither a log line, nor a row, nor a Subscription's error may hold. */
const SECRET_HEADER = 'Bearer secret-of-the-endpoint'
const SECRET_ANSWER = 'secret-words-of-the-endpoint'

let world: World
let logged = ''
/** What the tests of TLS and of names put in place of the server's own. */
let fetchNow: GuardedFetch
const plain = buildGuardedFetch({ mode: 'sandbox' })
const open: Receiver[] = []

beforeAll(async () => {
  fetchNow = plain
  world = await openWorld({
    fetch: (request) => fetchNow(request),
    allowedHosts: () => [...hosts],
    log: pino(
      { level: 'trace' },
      {
        write(line: string) {
          logged += line
        },
      },
    ),
  })
  world.start()
})
afterEach(async () => {
  fetchNow = plain
  hosts.clear()
  for (const one of open.splice(0)) await one.close()
})
afterAll(() => world.close())

/** `host:port` names that the authority may use. */
const hosts = new Set<string>()

async function receiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const one = await startReceiver({ keys: world.keys.webhooks, ...options })
  open.push(one)
  return one
}

async function activeAt(target: Receiver): Promise<ResourceId> {
  const id = await subscribe(world, { endpoint: target.url, timeout: 1, header: [`Authorization: ${SECRET_HEADER}`] })
  world.wake()
  await waitFor('status active', async () => (await statusOfSubscription(world, id)) === 'active')
  return id
}

/** Its owner moved it, and it was active there before the place went bad. */
async function moveTo(id: ResourceId, endpoint: string): Promise<void> {
  await change(world, id, { endpoint, timeout: 1, status: 'active', header: [`Authorization: ${SECRET_HEADER}`] })
}

const laneOf = async (id: ResourceId) => (await world.deliveries.lanes()).find((lane) => lane.id === id)
const lastAttempt = async (id: ResourceId) => (await world.deliveries.attempts(id, 1))[0]

interface Outcome {
  readonly answer: string
  readonly status?: number
  /** Seconds to the next try, at least and at most; none when it was delivered or given up. */
  readonly retry?: readonly [number, number]
  readonly subscription: 'active' | 'error'
}

/** By the schedule: five seconds, give or take a tenth. */
const SCHEDULED = [4.5, 5.5] as const
const exactly = (seconds: number) => [seconds, seconds] as const
const failing = (status: number, retry: readonly [number, number] = SCHEDULED): Outcome => ({
  answer: `${Math.floor(status / 100)}xx`,
  status,
  retry,
  subscription: 'active',
})
const broken = (fault: string): Outcome => ({ answer: fault, retry: SCHEDULED, subscription: 'active' })
const taken = (status: number): Outcome => ({ answer: '2xx', status, subscription: 'active' })

async function expectOutcome(id: ResourceId, wanted: Outcome): Promise<void> {
  await waitFor('the try', async () => (await lastAttempt(id))?.kind === 'events')
  const { answer: said, status, webhookId } = (await lastAttempt(id)) ?? {}
  expect({ answer: said, status }).toEqual({ answer: wanted.answer, status: wanted.status })
  expect(webhookId).toMatch(new RegExp(`^${id}_1_1_[0-9a-f]{12}$`))
  await waitFor('the status', async () => (await statusOfSubscription(world, id)) === wanted.subscription)
  const lane = await waitFor('the lane', async () => {
    const one = await laneOf(id)
    if (wanted.subscription === 'error') return one?.halted === 'error' ? one : undefined
    return wanted.retry === undefined || one?.failures === 1 ? one : undefined
  })
  const seconds =
    lane.retryAt === undefined ? undefined : (lane.retryAt.getTime() - world.context.clock().getTime()) / 1_000
  if (wanted.retry === undefined) expect(seconds).toBeUndefined()
  else {
    expect(seconds).toBeGreaterThanOrEqual(wanted.retry[0])
    expect(seconds).toBeLessThanOrEqual(wanted.retry[1])
  }
}

/** When the endpoint is well again the event and the one behind it come, in order, the first under the id it had. */
async function expectGoesOn(id: ResourceId, target: Receiver, wanted: Outcome): Promise<void> {
  target.behave(ok)
  if (wanted.subscription === 'error') {
    await change(world, id, { endpoint: target.url, status: 'requested' })
  } else world.advance(3_600_000)
  await commitEvents(world, 1)
  await waitFor('both', async () => (await laneOf(id))?.deliveredThrough === 2)
  expect([...new Set(target.taken())]).toEqual([1, 2])
  expect(faultsOf(target.ofType('event-notification'))).toEqual([])
  expect(await statusOfSubscription(world, id)).toBe('active')
}

async function expectNoLeak(id: ResourceId, target: Receiver): Promise<void> {
  const { error } = (await readRow(world, id)).resource ?? {}
  const left = [
    logged,
    JSON.stringify(await world.deliveries.attempts(id, 100)),
    JSON.stringify(await laneOf(id)),
    error,
  ]
  for (const text of left) {
    for (const secret of [SECRET_HEADER, SECRET_ANSWER, target.host, '127.0.0.1', 'PRIVATE KEY']) {
      expect(text ?? '').not.toContain(secret)
    }
  }
}

/** Turns it off, so that the events of the tests behind do not go to it. */
async function turnOff(id: ResourceId): Promise<void> {
  await change(world, id, { endpoint: 'http://127.0.0.1:9/', status: 'off' })
}

const inTenMinutes = (): string => new Date(world.context.clock().getTime() + 600_000).toUTCString()
const past = (): string => new Date(world.context.clock().getTime() - 600_000).toUTCString()
const retryAfter = (status: number, value: string): Behaviour => answer(status, { 'retry-after': value })

const BEHAVIOURS: readonly (readonly [string, () => Behaviour, Outcome])[] = [
  ['200', () => answer(200), taken(200)],
  ['201', () => answer(201), taken(201)],
  ['204', () => answer(204), taken(204)],
  ['400', () => ({ ...answer(400), body: SECRET_ANSWER }) as Behaviour, failing(400)],
  ['401', () => answer(401, { 'www-authenticate': SECRET_ANSWER }), failing(401)],
  ['403', () => answer(403), failing(403)],
  ['404', () => answer(404), failing(404)],
  ['410', () => answer(410), { answer: '4xx', status: 410, subscription: 'error' }],
  ['413', () => answer(413), failing(413)],
  ['429 without Retry-After', () => answer(429), failing(429)],
  ['429 with Retry-After in seconds', () => retryAfter(429, '900'), failing(429, exactly(900))],
  ['429 with Retry-After as a date', () => retryAfter(429, inTenMinutes()), failing(429, exactly(600))],
  ['429 with a date that has passed', () => retryAfter(429, past()), failing(429)],
  ['429 with a negative Retry-After', () => retryAfter(429, '-5'), failing(429)],
  ['429 with a huge Retry-After', () => retryAfter(429, '99999999999999'), failing(429, exactly(3_600))],
  [
    '429 with a Retry-After longer than numbers go',
    () => retryAfter(429, '9'.repeat(400)),
    failing(429, exactly(3_600)),
  ],
  ['429 with words for Retry-After', () => retryAfter(429, 'when it is well again'), failing(429)],
  ['429 that wants it at once', () => retryAfter(429, '0'), failing(429, exactly(5))],
  ['500', () => ({ ...answer(500), body: SECRET_ANSWER }) as Behaviour, failing(500)],
  ['503', () => answer(503), failing(503)],
  ['503 with Retry-After', () => retryAfter(503, '120'), failing(503, exactly(120))],
  ['no answer', () => ({ kind: 'hang' }), broken('timeout')],
  ['headers that drip', () => ({ kind: 'drip-headers' }), broken('timeout')],
  ['a body that drips behind a 200', () => ({ kind: 'drip', status: 200 }), taken(200)],
  ['a body that drips behind a 500', () => ({ kind: 'drip', status: 500 }), failing(500)],
  ['a body of 100 MB behind a 200', () => ({ kind: 'flood', status: 200 }), taken(200)],
  ['a body of 100 MB behind a 500', () => ({ kind: 'flood', status: 500 }), failing(500)],
  ['a reset in the middle of the request', () => ({ kind: 'reset' }), broken('reset')],
  ['a connection closed without an answer', () => ({ kind: 'close' }), broken('reset')],
  ['headers without end', () => answer(200, { 'x-long': 'a'.repeat(40_000) }), broken('too-large')],
]

describe('an endpoint that answers', () => {
  test.each(BEHAVIOURS)('%s', async (_name, behaviour, wanted) => {
    const target = await receiver()
    const id = await activeAt(target)
    target.behave(behaviour())
    const began = performance.now()
    await commitEvents(world, 1)
    await expectOutcome(id, wanted)
    if (wanted.answer === 'timeout') {
      // the Subscription's own second, not the ten that others get
      expect(performance.now() - began).toBeGreaterThan(950)
      expect(performance.now() - began).toBeLessThan(9_500)
    }
    await expectGoesOn(id, target, wanted)
    await expectNoLeak(id, target)
    await turnOff(id)
  })

  test.each([301, 302, 303, 307, 308])('%i to another place: the other place is never called', async (status) => {
    const canary = await receiver()
    const target = await receiver()
    const id = await activeAt(target)
    target.behave(answer(status, { location: canary.url }))
    await commitEvents(world, 1)
    await expectOutcome(id, failing(status))
    await expectGoesOn(id, target, failing(status))
    expect(canary.received).toHaveLength(0)
    await expectNoLeak(id, target)
    await turnOff(id)
  })

  test('of 100 MB little is ever read', async () => {
    const target = await receiver()
    const id = await activeAt(target)
    target.behave({ kind: 'flood', status: 200 })
    await commitEvents(world, 1)
    await expectOutcome(id, taken(200))
    await waitFor('the end of the connection', () => target.sentBytes() > 0)
    expect(target.sentBytes()).toBeLessThan(20_000_000)
    await turnOff(id)
  })
})

describe('an endpoint that cannot be reached as it should', () => {
  /** Active at a good place, then moved; the bad place is tried, and the good one takes what waits. */
  async function expectFault(endpoint: string, fault: string): Promise<void> {
    const good = await receiver()
    const id = await activeAt(good)
    await moveTo(id, endpoint)
    await commitEvents(world, 1)
    await expectOutcome(id, broken(fault))
    await expectNoLeak(id, good)
    await moveTo(id, good.url)
    await expectGoesOn(id, good, broken(fault))
    await turnOff(id)
  }

  test('refused', async () => {
    const gone = await startReceiver()
    await gone.close()
    await expectFault(gone.url, 'refused')
  })

  test.each([
    ['self-signed', selfSignedCertificate],
    ['expired', expiredCertificate],
  ])('a certificate that is %s', async (_name, tls) => {
    fetchNow = buildGuardedFetch({ mode: 'sandbox', ca: testAuthority })
    const target = await receiver({ tls })
    await expectFault(target.url, 'tls')
    expect(target.received).toHaveLength(0)
  })

  test('a certificate of an unknown authority', async () => {
    const target = await receiver({ tls: testCertificate })
    await expectFault(target.url, 'tls')
    expect(target.received).toHaveLength(0)
  })

  test('a certificate for another name', async () => {
    fetchNow = buildGuardedFetch({ mode: 'sandbox', ca: testAuthority })
    const target = await receiver({ tls: testCertificate })
    await expectFault(target.url.replace('127.0.0.1', 'localhost'), 'tls')
    expect(target.received).toHaveLength(0)
  })

  test.each([
    ['none', {}],
    ['one that has expired', expiredClientCertificate],
    ['one of no authority', selfSignedClientCertificate],
  ])('one that wants our certificate, and we have %s', async (_name, own) => {
    fetchNow = buildGuardedFetch({ mode: 'sandbox', ca: testAuthority, ...own })
    const target = await receiver({ tls: testCertificate, clientAuthority: testAuthority })
    // by TLS 1.3 it refuses after the handshake, by ending the connection
    await expectFault(target.url, 'reset')
    expect(target.received).toHaveLength(0)
  })

  test('one that wants our certificate gets it', async () => {
    fetchNow = buildGuardedFetch({ mode: 'sandbox', ca: testAuthority, ...clientCertificate })
    const target = await receiver({ tls: testCertificate, clientAuthority: testAuthority })
    const id = await activeAt(target)
    await commitEvents(world, 1)
    await expectOutcome(id, taken(200))
    await expectGoesOn(id, target, taken(200))
    await expectNoLeak(id, target)
    await turnOff(id)
  })

  test.each([
    ['a private address', '10.0.0.5'],
    ['loopback', '127.0.0.1'],
    ['loopback as IPv6', '::1'],
    ['loopback mapped into IPv6', '::ffff:127.0.0.1'],
    ['the address of a cloud’s secrets', '169.254.169.254'],
  ])('a name that changes to %s between check and connect: nothing is called there', async (_name, rebound) => {
    const canary = await receiver({ tls: testCertificate })
    const host = `la.example:${new URL(canary.url).port}`
    hosts.add(host)
    // the first look-up, at the check of the endpoint, would still have found a public address
    const answers = ['1.1.1.1']
    const check = async () => answers.shift() ?? rebound
    expect(isPublicAddress(await check())).toBe(true)
    const rebinding = buildGuardedFetch({
      mode: 'sandbox',
      ca: testAuthority,
      resolve: async () => {
        const address = await check()
        return [{ address, family: address.includes(':') ? 6 : 4 }]
      },
    })
    fetchNow = (request) => (request.url.includes('la.example') ? rebinding(request) : plain(request))
    await expectFault(`https://${host}/hook`, 'blocked-address')
    expect(canary.received).toHaveLength(0)
  })
})
