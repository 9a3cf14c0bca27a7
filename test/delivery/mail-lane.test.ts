/** Alerts by mail over a real SMTP server and a real database: in order, at least once under one Message-ID, by the same schedule, gathered where asked, and a mail server that hangs holds up no one else. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Mail } from '../../src/context.ts'
import { latestTry } from '../../src/delivery/schedule.ts'
import { buildSendMail } from '../../src/delivery/send-mail.ts'
import type { ResourceId } from '../../src/domain/brands.ts'
import { type MailServer, startMailServer } from '../support/mail-server.ts'
import { startReceiver } from '../support/receiver.ts'
import { waitFor } from '../support/wait-for.ts'
import {
  change,
  commitEvents,
  DERBYSHIRE,
  eventOf,
  LEEDS,
  openWorld,
  readRow,
  type SubscriptionWish,
  statusOfSubscription,
  subscribe,
  type World,
} from './world.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const WISH: SubscriptionWish = { channel: 'email', endpoint: 'mailto:duty@council.example', content: 'empty' }

let server: MailServer
let world: World
let allowed: readonly string[] = []

const mail: Mail = {
  // Each test has its own server
  send: (one) =>
    buildSendMail({
      mode: 'sandbox',
      from: 'cpis@register.example',
      url: new URL(`smtp://127.0.0.1:${server.port}`),
    })(one),
  allowedMailboxes: () => allowed,
  link: 'https://worklist.example/duty',
}

beforeAll(async () => {
  world = await openWorld({ mail })
})
beforeEach(async () => {
  server = await startMailServer()
})
afterEach(async () => {
  await world.stop()
  await server.close()
  for (const authority of [DERBYSHIRE, LEEDS]) {
    const rows = await world.store.read.of(authority, 'Subscription').search({ criteria: [], limit: 100 })
    for (const { id } of rows) await change(world, id, { endpoint: 'http://127.0.0.1:9/', status: 'off', authority })
  }
})
afterAll(() => world.close())

const laneOf = async (id: ResourceId) => (await world.deliveries.lanes()).find((lane) => lane.id === id)
const subjects = (): (string | undefined)[] => server.taken.map(({ parsed }) => parsed.subject)
const GREETING = 'CP-IS: this address will be told of alerts'

async function active(wish: Partial<SubscriptionWish> = {}): Promise<ResourceId> {
  const id = await subscribe(world, { ...WISH, ...wish })
  world.start()
  await waitFor('active', async () => (await statusOfSubscription(world, id)) === 'active')
  return id
}

/** Lets the time of the next try come. */
async function letTryCome(id: ResourceId): Promise<void> {
  const { retryAt } = await waitFor('a next try', async () => {
    const lane = await laneOf(id)
    return lane?.retryAt === undefined ? undefined : lane
  })
  world.advance((retryAt?.getTime() ?? 0) - world.context.clock().getTime())
  world.wake()
}

const messageId = (lane: string, from: number, through: number): RegExp =>
  new RegExp(`^<${lane}_${from}_${through}_[0-9a-f]{12}@register\\.example>$`)

test('the first mail is the handshake; then each event is a mail, in order, with its number and the link', async () => {
  const id = await active()
  await commitEvents(world, 3)
  await waitFor('all', () => server.taken.length === 4)
  expect(subjects()).toEqual([GREETING, 'CP-IS: 1 new alert', 'CP-IS: 1 new alert', 'CP-IS: 1 new alert'])
  expect(server.taken.map(({ parsed }) => parsed.text?.match(/Alert (\d+)/)?.[1])).toEqual([undefined, '1', '2', '3'])
  expect(server.taken[3]?.parsed.text).toContain('https://worklist.example/duty')
  expect(server.taken.map(({ parsed }) => parsed.messageId)).toEqual([
    expect.stringContaining('_handshake_1@register.example>'),
    ...[1, 2, 3].map((number) => expect.stringMatching(messageId(id, number, number))),
  ])
  await waitFor('the mark', async () => (await laneOf(id))?.deliveredThrough === 3)
  expect(await laneOf(id)).toMatchObject({ deliveredThrough: 3, lastNumber: 3, failures: 0 })
})

test('what waits goes together up to max-count; id-only adds what the events point at', async () => {
  const id = await active({ maxCount: 2, content: 'id-only' })
  await world.stop()
  const events = await commitEvents(world, 3)
  world.start()
  await waitFor('both', () => server.taken.length === 3)
  expect(subjects().slice(1)).toEqual(['CP-IS: 2 new alerts', 'CP-IS: 1 new alert'])
  const [both] = server.taken.slice(1)
  expect(both?.parsed.text?.match(/AuditEvent\/\S+/g)).toEqual(
    events.slice(0, 2).map((one) => `AuditEvent/${one.auditId}`),
  )
  expect(both?.parsed.messageId).toMatch(messageId(id, 1, 2))
})

describe('a mail that is not taken', () => {
  test('is tried again by the schedule, under the same Message-ID, and the order is kept', async () => {
    const id = await active()
    server.behave({ recipient: [451, '4.7.1 Greylisted'] })
    await commitEvents(world, 2)
    for (let failures = 1; failures <= 3; failures += 1) {
      await waitFor(`failure ${failures}`, async () => (await laneOf(id))?.failures === failures)
      if (failures < 3) await letTryCome(id)
    }
    expect(await statusOfSubscription(world, id)).toBe('active')
    server.behave('take')
    await letTryCome(id)
    await waitFor('both', () => server.taken.length === 3)
    expect(server.taken.slice(1).map(({ parsed }) => parsed.messageId)).toEqual([
      expect.stringMatching(messageId(id, 1, 1)),
      expect.stringMatching(messageId(id, 2, 2)),
    ])
    const ids = new Set((await world.deliveries.attempts(id, 20)).map(({ webhookId }) => webhookId))
    expect([...ids].filter((one) => one.includes('_1_1_'))).toHaveLength(1)
    const tries = await world.deliveries.attempts(id, 20)
    expect(tries.filter(({ answer }) => answer === '4xx').map(({ status }) => status)).toEqual([451, 451, 451])
  })

  test('but was: the connection broke before the server said so: it comes once more under the same Message-ID', async () => {
    const id = await active()
    server.behave('take-and-drop')
    await commitEvents(world, 1)
    await waitFor('the failure', async () => (await laneOf(id))?.failures === 1)
    server.behave('take')
    await letTryCome(id)
    await waitFor('the repeat', () => server.taken.length === 3)
    const [first, again] = server.taken.slice(1)
    expect(again?.parsed.messageId).toBe(first?.parsed.messageId)
    expect(again?.parsed.text).toBe(first?.parsed.text)
    expect(await waitFor('delivered', async () => (await laneOf(id))?.deliveredThrough === 1)).toBe(true)
  })

  test('because the mailbox is not there (5.1.1) puts the Subscription in error at once; nothing is dropped', async () => {
    const id = await active()
    server.behave({ recipient: [550, '5.1.1 No such user'] })
    await commitEvents(world, 2)
    await waitFor('error', async () => (await statusOfSubscription(world, id)) === 'error')
    expect((await readRow(world, id)).resource?.error).toBe('The endpoint says that it is gone (550).')
    await waitFor('the halt', async () => (await laneOf(id))?.halted === 'error')
    expect(await laneOf(id)).toMatchObject({ lastNumber: 2, deliveredThrough: 0 })
    server.behave('take')
    await change(world, id, WISH)
    world.wake()
    await waitFor('greeting and both', () => server.taken.length === 4)
    expect(subjects().slice(1)).toEqual([GREETING, 'CP-IS: 1 new alert', 'CP-IS: 1 new alert'])
  })

  test.each([
    ['550 without more, as a filter says', { recipient: [550, 'Blocked'] }, '5xx'],
    ['552, a full mailbox', { data: [552, '5.2.2 Full'] }, '5xx'],
    ['a cut connection', 'drop', 'reset'],
  ] as const)('because of %s is tried again', async (_what, behaviour, answer) => {
    const id = await active()
    server.behave(behaviour)
    await commitEvents(world, 1)
    await waitFor('the failure', async () => (await laneOf(id))?.failures === 1)
    expect((await laneOf(id))?.lastAnswer).toMatchObject({ answer })
    expect(await statusOfSubscription(world, id)).toBe('active')
    server.behave('take')
    await letTryCome(id)
    await waitFor('the alert', () => subjects().at(-1) === 'CP-IS: 1 new alert')
  })

  test('for 72 hours puts the Subscription in error; requested again, everything comes', async () => {
    const id = await active()
    server.behave({ recipient: [450, 'Busy'] })
    await commitEvents(world, 1)
    await waitFor('the failure', async () => (await laneOf(id))?.failures === 1)
    world.advance(72 * 60 * MINUTE)
    world.wake()
    await waitFor('error', async () => (await statusOfSubscription(world, id)) === 'error')
    server.behave('take')
    await change(world, id, WISH)
    world.wake()
    await waitFor('the alert', () => subjects().at(-1) === 'CP-IS: 1 new alert')
  })
})

describe('the handshake', () => {
  /** Put off once by the mail server. */
  async function putOff(): Promise<ResourceId> {
    server.behave({ recipient: [451, '4.7.1 Greylisted'] })
    const id = await subscribe(world, WISH)
    world.start()
    await waitFor('the failure', async () => (await laneOf(id))?.failures === 1)
    return id
  }

  test('comes later when the mail server asks for it or is away, on its schedule, and the Subscription stays requested', async () => {
    const id = await putOff()
    expect(await statusOfSubscription(world, id)).toBe('requested')
    const asked = server.asked.length
    world.wake()
    await commitEvents(world, 1)
    await waitFor('the number', async () => (await laneOf(id))?.lastNumber === 1)
    expect(server.asked).toHaveLength(asked)
    server.behave('take')
    await letTryCome(id)
    await waitFor('the alert', () => subjects().join() === `${GREETING},CP-IS: 1 new alert`)
    expect(await statusOfSubscription(world, id)).toBe('active')
  })

  test('is tried at once when its owner changes the Subscription', async () => {
    const id = await putOff()
    server.behave('take')
    await change(world, id, { ...WISH, endpoint: 'mailto:mash@council.example' })
    world.wake()
    await waitFor('active', async () => (await statusOfSubscription(world, id)) === 'active')
    expect(server.taken[0]?.to).toEqual(['mash@council.example'])
  })

  test('comes at once when the clock has been set back since', async () => {
    const id = await putOff()
    server.behave('take')
    world.advance(-6 * HOUR)
    world.wake()
    await waitFor('active', async () => (await statusOfSubscription(world, id)) === 'active')
    world.advance(6 * HOUR)
  })

  test('that is refused for good is error', async () => {
    server.behave({ recipient: [553, '5.1.3 Bad address'] })
    const id = await subscribe(world, WISH)
    world.start()
    await waitFor('error', async () => (await statusOfSubscription(world, id)) === 'error')
    expect((await readRow(world, id)).resource?.error).toMatch(/handshake \(5xx\)/)
  })

  test('goes nowhere once the administrator has taken the mailbox off the list', async () => {
    const id = await subscribe(world, { ...WISH, endpoint: 'mailto:duty@council.gov.uk' })
    world.start()
    await waitFor('error', async () => (await statusOfSubscription(world, id)) === 'error')
    expect([server.asked, (await readRow(world, id)).resource?.error]).toEqual([
      [],
      'The endpoint did not take the handshake (not-allowed).',
    ])
    allowed = ['council.gov.uk']
    await change(world, id, { ...WISH, endpoint: 'mailto:duty@council.gov.uk' })
    world.wake()
    await waitFor('active', async () => (await statusOfSubscription(world, id)) === 'active')
    allowed = []
  })
})

test('a digest gathers from its first event, then goes as one mail; what comes later begins the next', async () => {
  const id = await active({ digest: 30 })
  await commitEvents(world, 2)
  await waitFor('the postponement', async () => (await laneOf(id))?.retryAt !== undefined)
  world.advance(20 * MINUTE)
  await commitEvents(world, 3)
  await waitFor('the numbers', async () => (await laneOf(id))?.lastNumber === 5)
  world.wake()
  expect(subjects()).toEqual([GREETING])
  world.advance(10 * MINUTE)
  world.wake()
  await waitFor('the digest', () => server.taken.length === 2)
  expect(subjects()[1]).toBe('CP-IS: 5 new alerts')
  await waitFor('its mark', async () => (await laneOf(id))?.deliveredThrough === 5)
  await commitEvents(world, 1)
  await waitFor('the next', async () => (await laneOf(id))?.retryAt !== undefined)
  expect(server.taken).toHaveLength(2)
  expect(await laneOf(id)).toMatchObject({ deliveredThrough: 5, lastNumber: 6, failures: 0 })
})

test('a digest of a day is looked at in between, goes when it is due, and an event of a clock a little ahead does not end it', async () => {
  const id = await active({ digest: 1_440 })
  const begin = world.context.clock().getTime()
  await world.store.transact((unit) => unit.appendEvents([eventOf(world, 30_000)]))
  world.wake()
  const first = await waitFor('the postponement', async () => (await laneOf(id))?.retryAt)
  expect(first).toEqual(latestTry(new Date(begin)))
  world.advance(first.getTime() - begin)
  world.wake()
  await waitFor('the next look', async () => ((await laneOf(id))?.retryAt?.getTime() ?? 0) > first.getTime())
  expect(server.taken).toHaveLength(1)
  world.advance(begin + 24 * HOUR + 30_000 - world.context.clock().getTime())
  world.wake()
  await waitFor('the digest', () => server.taken.length === 2)
})

test('a digest whose events are of a clock that has been set back since goes at once', async () => {
  const id = await active({ digest: 30 })
  await commitEvents(world, 2)
  await waitFor('the postponement', async () => (await laneOf(id))?.retryAt !== undefined)
  world.advance(-6 * HOUR)
  world.wake()
  await waitFor('the digest', () => server.taken.length === 2)
  expect(subjects()[1]).toBe('CP-IS: 2 new alerts')
  world.advance(6 * HOUR)
})

test('a full digest does not wait', async () => {
  await active({ digest: 30, maxCount: 2 })
  await commitEvents(world, 4)
  await waitFor('both', () => server.taken.length === 3)
  expect(subjects().slice(1)).toEqual(['CP-IS: 2 new alerts', 'CP-IS: 2 new alerts'])
})

test('a mail server that hangs holds up no other authority', async () => {
  const receiver = await startReceiver({ keys: world.keys.webhooks })
  try {
    const id = await active({ timeout: 1 })
    const other = await subscribe(world, { endpoint: receiver.url, authority: LEEDS })
    await waitFor('the other', async () => (await statusOfSubscription(world, other, LEEDS)) === 'active')
    server.behave('hang')
    await commitEvents(world, 1)
    await waitFor('the hanging mail', () => server.asked.length === 2)
    await commitEvents(world, 3, LEEDS)
    await waitFor('the others', () => receiver.taken().length === 3)
    expect(await laneOf(id)).toMatchObject({ deliveredThrough: 0 })
  } finally {
    await receiver.close()
  }
})
