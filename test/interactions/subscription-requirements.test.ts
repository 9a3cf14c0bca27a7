/** "Subscriptions validated whole … masked headers; owner only" (issue 7 item 1; delivery.md "Subscription"), each requirement by its name, over real HTTP. Heartbeat, timeout, max-count and end at work: test/delivery/dispatcher.test.ts and endpoint-behaviours.test.ts. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Bundle, Parameters, Resource } from '@medplum/fhirtypes'
import { planOf } from '../support/plans.ts'
import { answer, ok, type Receiver, startReceiver, statusOf } from '../support/receiver.ts'
import { bundleOf, issuesOf, resourceOf, sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { commitEvents, readStatus, subscribe } from '../support/subscriptions.ts'
import { waitFor } from '../support/wait-for.ts'

const LA = 'la-E10000007'
const OTHER = 'la-E06000015'
const BACKPORT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition'
const SECRET = 'Bearer secret-of-the-council'
const NUMBER = '9998450055'

let server: TestServer
let receiver: Receiver
/** Closed at the end, however a test ends. */
const open: Receiver[] = []
beforeAll(async () => {
  server = await startTestServer()
  receiver = await startReceiver({ keys: server.context.keys.webhooks })
  await server.send({ as: LA, path: 'EpisodeOfCare', body: planOf({ nhsNumber: NUMBER }) })
})
afterAll(async () => {
  await server.close()
  for (const one of [receiver, ...open]) await one.close()
})

async function another(): Promise<Receiver> {
  const one = await startReceiver({ keys: server.context.keys.webhooks })
  open.push(one)
  return one
}

type Json = Readonly<Record<string, unknown>>

interface Change {
  readonly top?: Json
  readonly channel?: Json
  readonly filters?: readonly unknown[]
  readonly extensions?: readonly Json[]
  readonly content?: readonly Json[]
}

/** A right one, and what a test makes wrong of it. */
function subscriptionWith({ top = {}, channel = {}, filters, extensions, content }: Change = {}): Json {
  const payload = content ?? [{ url: `${BACKPORT}/backport-payload-content`, valueCode: 'id-only' }]
  return {
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'Tell the duty desk',
    criteria: 'https://cpis.example/fhir/SubscriptionTopic/child-checked',
    ...(filters === undefined
      ? {}
      : {
          _criteria: {
            extension: filters.map((valueString) => ({ url: `${BACKPORT}/backport-filter-criteria`, valueString })),
          },
        }),
    channel: {
      ...(extensions === undefined ? {} : { extension: extensions }),
      type: 'rest-hook',
      endpoint: receiver.url,
      payload: 'application/fhir+json',
      ...(payload.length === 0 ? {} : { _payload: { extension: payload } }),
      ...channel,
    },
    ...top,
  }
}

const extension = (name: string, value: Json): Json => ({ url: `${BACKPORT}/backport-${name}`, ...value })
const at = (place: string): string => `Subscription.${place}`

describe('validated whole: refused with the place', () => {
  test.each<[string, () => Change, number, string]>([
    [
      'unknown topic',
      () => ({ top: { criteria: 'https://cpis.example/fhir/SubscriptionTopic/gossip' } }),
      422,
      at('criteria'),
    ],
    ['topic of R4 search', () => ({ top: { criteria: 'AuditEvent?patient=1' } }), 422, at('criteria')],
    ['no topic', () => ({ top: { criteria: undefined } }), 400, at('criteria')],
    ['unknown filter', () => ({ filters: ['postcode=DE1'] }), 422, at('criteria.extension[0]')],
    [
      'unknown value of a filter',
      () => ({ filters: ['plan-status=open', 'plan-status=ajar'] }),
      422,
      at('criteria.extension[1]'),
    ],
    ['a count without ge', () => ({ filters: ['incidents-in-six-months=3'] }), 422, at('criteria.extension[0]')],
    ['a filter that is no text', () => ({ filters: [7] }), 400, at('criteria.extension[0].value')],
    ['a channel that is not offered', () => ({ channel: { type: 'websocket' } }), 422, at('channel.type')],
    ['a channel of no kind', () => ({ channel: { type: 'pigeon' } }), 422, at('channel.type')],
    [
      'a payload that is not offered',
      () => ({ channel: { payload: 'application/fhir+xml' } }),
      422,
      at('channel.payload'),
    ],
    ['no payload content', () => ({ content: [] }), 422, at('channel.payload')],
    [
      'an unknown payload content',
      () => ({ content: [extension('payload-content', { valueCode: 'all' })] }),
      422,
      at('channel.payload'),
    ],
    ['no endpoint', () => ({ channel: { endpoint: undefined } }), 422, at('channel.endpoint')],
    ['an endpoint that is no URL', () => ({ channel: { endpoint: 'council' } }), 422, at('channel.endpoint')],
    [
      'an endpoint with a password',
      () => ({ channel: { endpoint: 'https://u:p@127.0.0.1/' } }),
      422,
      at('channel.endpoint'),
    ],
    [
      'an endpoint on nobody’s list',
      () => ({ channel: { endpoint: 'https://elsewhere.example/' } }),
      422,
      at('channel.endpoint'),
    ],
    [
      'an endpoint on a private address',
      () => ({ channel: { endpoint: 'https://10.0.0.1/' } }),
      422,
      at('channel.endpoint'),
    ],
    ['a header that is no line', () => ({ channel: { header: ['Authorization'] } }), 422, at('channel.header[0]')],
    ['a header with a line break', () => ({ channel: { header: ['X-A: b\r\nX-C: d'] } }), 422, at('channel.header[0]')],
    ['a reserved header', () => ({ channel: { header: ['X-A: b', 'Webhook-Id: 1'] } }), 422, at('channel.header[1]')],
    ['a header twice', () => ({ channel: { header: ['X-A: b', 'x-a: c'] } }), 422, at('channel.header[1]')],
    [
      'a mask for a header of which none is held',
      () => ({ channel: { header: ['X-A: ********'] } }),
      422,
      at('channel.header[0]'),
    ],
    [
      'a heartbeat of no time',
      () => ({ extensions: [extension('heartbeat-period', { valueUnsignedInt: 0 })] }),
      422,
      at('channel.extension[0]'),
    ],
    [
      'a timeout of more than a minute',
      () => ({ extensions: [extension('timeout', { valueUnsignedInt: 61 })] }),
      422,
      at('channel.extension[0]'),
    ],
    [
      'a max-count of none',
      () => ({ extensions: [extension('max-count', { valuePositiveInt: 0 })] }),
      400,
      at('channel.extension[0].value'),
    ],
    [
      'an extension of no one',
      () => ({ extensions: [{ url: 'https://example.org/x', valueString: 'y' }] }),
      400,
      at('channel.extension[0]'),
    ],
    ['an end that is no instant', () => ({ top: { end: '2026-05-03' } }), 400, at('end')],
    ['no reason', () => ({ top: { reason: undefined } }), 400, at('reason')],
    ['a status of the register', () => ({ top: { status: 'active' } }), 422, at('status')],
    ['an element of no one', () => ({ top: { urgency: 'high' } }), 400, at('urgency')],
  ])('%s', async (_name, change, status, place) => {
    const refused = await server.send({ as: LA, path: 'Subscription', body: subscriptionWith(change()) })
    expect({ status: refused.status, places: issuesOf(refused).map((one) => one.at) }).toEqual({
      status,
      places: expect.arrayContaining([place]),
    })
  })

  test('all faults are told at once, and a change of a good one is judged the same', async () => {
    const id = await subscribe(server, subscriptionWith({ top: { status: 'requested' } }))
    const body = { ...subscriptionWith({ filters: ['x=y'], channel: { type: 'sms', header: ['Host: a'] } }), id }
    const refused = await server.send({ as: LA, method: 'PUT', path: `Subscription/${id}`, body })
    expect(refused.status).toBe(422)
    expect(issuesOf(refused).map((one) => one.at)).toEqual(
      expect.arrayContaining([at('criteria.extension[0]'), at('channel.type'), at('channel.header[0]')]),
    )
    expect(await readStatus(server, id)).toBe('active')
    await server.send({ as: LA, method: 'DELETE', path: `Subscription/${id}` })
  })
})

describe('payload content', () => {
  test.each([
    ['empty', false, []],
    ['id-only', true, []],
    ['full-resource', true, ['AuditEvent', 'EpisodeOfCare']],
  ])('%s: what a real check is told with', async (content, namesFocus, types) => {
    const target = await another()
    const payload = [extension('payload-content', { valueCode: content })]
    const id = await subscribe(server, subscriptionWith({ content: payload, channel: { endpoint: target.url } }))
    await sendCheck(server, NUMBER)
    const told = await waitFor('the event', () => target.ofType('event-notification')[0])
    const event = statusOf(told.bundle).parameter?.find((one) => one.name === 'notification-event')
    expect(event?.part?.some((one) => one.name === 'focus')).toBe(namesFocus)
    const resources = (told.bundle.entry ?? []).slice(1).flatMap((one) => one.resource?.resourceType ?? [])
    expect(resources.sort()).toEqual(types)
    expect(told.body.includes('R. Khan')).toBe(content === 'full-resource')
    await server.send({ as: LA, method: 'DELETE', path: `Subscription/${id}` })
  })
})

describe('status life cycle', () => {
  test('requested → active → off → requested → active → error → requested → active, each read by its owner', async () => {
    const target = await another()
    const channel = { endpoint: target.url }
    const made = await server.send({ as: LA, path: 'Subscription', body: subscriptionWith({ channel }) })
    const { id = '', status } = resourceOf(made, 'Subscription')
    expect(status).toBe('requested')
    const set = async (wish: string): Promise<number> => {
      const body = { ...subscriptionWith({ channel, top: { status: wish } }), id }
      return (await server.send({ as: LA, method: 'PUT', path: `Subscription/${id}`, body })).status
    }
    const becomes = (wish: string) => waitFor(`status ${wish}`, async () => (await readStatus(server, id)) === wish)
    await becomes('active')
    expect(await set('off')).toBe(200)
    await commitEvents(server, 1)
    expect(await readStatus(server, id)).toBe('off')
    expect(await set('requested')).toBe(200)
    await becomes('active')
    target.behave(answer(410))
    await commitEvents(server, 1)
    await becomes('error')
    const inError = resourceOf(await server.send({ as: LA, path: `Subscription/${id}` }), 'Subscription')
    expect(inError.error).toBe('The endpoint says that it is gone (410).')
    for (const wish of ['active', 'error']) expect(await set(wish)).toBe(422)
    target.behave(ok)
    expect(await set('requested')).toBe(200)
    await becomes('active')
    // what was committed while it was off is not due to it; what was in error is
    await waitFor('what waited', () => target.taken().length === 1)
    const statuses: (string | undefined)[] = []
    for (let version = 1; version <= 8; version += 1) {
      const path = `Subscription/${id}/_history/${version}`
      statuses.push(resourceOf(await server.send({ as: LA, path }), 'Subscription').status)
    }
    expect(statuses).toEqual(['requested', 'active', 'off', 'requested', 'active', 'error', 'requested', 'active'])
    await server.send({ as: LA, method: 'DELETE', path: `Subscription/${id}` })
  })
})

describe('masked headers', () => {
  let id: string
  beforeAll(async () => {
    const channel = { header: [`Authorization: ${SECRET}`, 'X-Desk: MASH'] }
    const made = await server.send({ as: LA, path: 'Subscription', body: subscriptionWith({ channel }) })
    expect(made.text).not.toContain(SECRET)
    id = resourceOf(made, 'Subscription').id ?? ''
    await waitFor('active', async () => (await readStatus(server, id)) === 'active')
  })

  test.each<[string, () => Request]>([
    ['read', () => ({ path: `Subscription/${id}` })],
    ['vread', () => ({ path: `Subscription/${id}/_history/1` })],
    ['search', () => ({ path: 'Subscription' })],
    ['search by POST', () => ({ path: 'Subscription/_search', form: {} })],
    ['search of elements', () => ({ path: 'Subscription?_elements=channel' })],
    ['$status', () => ({ path: `Subscription/${id}/$status` })],
    ['$events', () => ({ path: `Subscription/${id}/$events` })],
    ['a read by the administrator', () => ({ path: `Subscription/${id}`, as: 'administrator' })],
    ['a search by the administrator', () => ({ path: 'Subscription', as: 'administrator' })],
  ])('%s shows names and no values', async (_name, request) => {
    const shown = await server.send({ as: LA, ...request() })
    expect(shown.status).toBe(200)
    expect(shown.text).not.toContain('secret-of-the-council')
    expect(shown.text).not.toContain('MASH')
  })

  test('a mask sent back keeps the value: it is still sent to the endpoint, and never shown', async () => {
    const read = resourceOf(await server.send({ as: LA, path: `Subscription/${id}` }), 'Subscription')
    expect(read.channel.header).toEqual(['Authorization: ********', 'X-Desk: ********'])
    const body = { ...read, status: 'requested', reason: 'The same desk' }
    const before = receiver.received.length
    const put = await server.send({ as: LA, method: 'PUT', path: `Subscription/${id}`, body })
    expect([put.status, put.text.includes('secret-of-the-council')]).toEqual([200, false])
    await waitFor('the handshake', () => receiver.received.length > before)
    expect(receiver.received.at(-1)?.headers['authorization']).toBe(SECRET)
  })
})

interface Request {
  readonly path: string
  readonly as?: string
  readonly form?: Readonly<Record<string, string>>
}

describe('owner only', () => {
  let id: string
  beforeAll(async () => {
    id = await subscribe(server, subscriptionWith())
  })

  test.each<[string, string, string, boolean]>([
    ['read', 'GET', '', false],
    ['vread', 'GET', '/_history/1', false],
    ['update', 'PUT', '', true],
    ['delete', 'DELETE', '', false],
    ['$status', 'GET', '/$status', false],
    ['$events', 'GET', '/$events', false],
    ['$resend', 'POST', '/$resend', false],
  ])('%s of another authority’s is as of one that never was', async (_name, method, path, hasBody) => {
    const ask = async (of: string) => {
      const body = hasBody
        ? { ...subscriptionWith(), id: of }
        : method === 'POST'
          ? { resourceType: 'Parameters' }
          : undefined
      const got = await server.send({
        as: OTHER,
        method,
        path: `Subscription/${of}${path}`,
        ...(body === undefined ? {} : { body }),
      })
      return { status: got.status, codes: issuesOf(got).map((one) => one.code) }
    }
    const [theirs, nobodys] = [await ask(id), await ask('0b7e4a8c-9d3e-4c1f-8b5a-2f6d1c3e5a79')]
    expect(theirs).toEqual(nobodys)
    // an update makes none under an id of the caller's own
    expect(theirs.status).toBe(method === 'PUT' ? 405 : 404)
    expect(await readStatus(server, id)).toBe('active')
  })

  test('it is in no search of another, and what happens is told to no other', async () => {
    const target = await another()
    const others = await subscribe(server, subscriptionWith({ channel: { endpoint: target.url } }), OTHER)
    const own = (bundle: Bundle): readonly (Resource['id'] | undefined)[] =>
      (bundle.entry ?? []).map((one) => one.resource?.id)
    expect(own(bundleOf(await server.send({ as: OTHER, path: 'Subscription' })))).not.toContain(id)
    const before = receiver.ofType('event-notification').length
    await sendCheck(server, NUMBER)
    await waitFor('it to be told to its owner', () => receiver.ofType('event-notification').length > before)
    expect(target.ofType('event-notification')).toEqual([])
    const statuses = bundleOf(await server.send({ as: OTHER, path: 'Subscription/$status' }))
    const named = (statuses.entry ?? []).map(({ resource }) =>
      JSON.stringify((resource as Parameters | undefined)?.parameter),
    )
    expect(named.some((one) => one?.includes(id) === true)).toBe(false)
    expect(named.some((one) => one?.includes(others) === true)).toBe(true)
  })
})
