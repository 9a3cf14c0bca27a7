/** What the Subscriptions R5 Backport guide, 1.1.0 for R4, asks of a server with rest-hook, by the numbers that the requirements have in Inferno's subscriptions test kit; docs/conformance.md lists them all. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type {
  Bundle,
  BundleEntry,
  CapabilityStatement,
  OperationOutcome,
  Parameters,
  ParametersParameter,
  Subscription,
} from '@medplum/fhirtypes'
import { BACKPORT } from '../../src/fhir/canonicals.ts'
import { planOf } from '../support/plans.ts'
import { answer, ok, type Receiver, startReceiver, statusOf } from '../support/receiver.ts'
import { bundleOf, resourceOf, START, sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { unrelatedNumbers } from '../support/valid-numbers.ts'
import { waitFor } from '../support/wait-for.ts'

const SET = 'hl7.fhir.uv.subscriptions_1.1.0'
const AS = 'la-E10000007'
const TOPIC = 'https://cpis.example/fhir/SubscriptionTopic/child-checked'
const [NUMBER = ''] = unrelatedNumbers(1)

let server: TestServer
const open: Receiver[] = []

/** One test for each requirement that this shows. */
function requirement(ids: readonly number[], words: string, show: () => void | Promise<void>): void {
  for (const id of ids) test(`Backport ${SET}@${id} ${words}`, show)
}

interface Wish {
  readonly criteria?: string
  readonly filters?: readonly string[]
  readonly content?: string | null
  readonly channel?: object
  readonly extension?: readonly object[]
}
const seconds = (url: string, valueUnsignedInt: number): object => ({ url, valueUnsignedInt })

function subscriptionOf(endpoint: string, { criteria = TOPIC, filters = [], content = 'id-only', ...more }: Wish = {}) {
  return {
    resourceType: 'Subscription',
    meta: { profile: [BACKPORT.subscription] },
    status: 'requested',
    reason: 'Tell the duty desk',
    criteria,
    ...(filters.length === 0
      ? {}
      : { _criteria: { extension: filters.map((valueString) => ({ url: BACKPORT.filterCriteria, valueString })) } }),
    channel: {
      ...(more.extension === undefined ? {} : { extension: more.extension }),
      type: 'rest-hook',
      endpoint,
      payload: 'application/fhir+json',
      ...(content === null ? {} : { _payload: { extension: [{ url: BACKPORT.payloadContent, valueCode: content }] } }),
      ...more.channel,
    },
  }
}

async function receiver(): Promise<Receiver> {
  const one = await startReceiver({ keys: server.context.keys.webhooks })
  open.push(one)
  return one
}
const create = (body: object) => server.send({ as: AS, path: 'Subscription', body })
const read = async (id: string): Promise<Subscription> =>
  resourceOf(await server.send({ as: AS, path: `Subscription/${id}` }), 'Subscription')

interface Subscribed {
  readonly id: string
  readonly at: Receiver
  readonly created: Subscription
}

async function subscribe(wish: Wish = {}): Promise<Subscribed> {
  const at = await receiver()
  const created = resourceOf(await create(subscriptionOf(at.url, wish)), 'Subscription')
  const { id = '' } = created
  await waitFor('active', async () => (await read(id)).status === 'active')
  return { id, at, created }
}

const parameterIn = (status: Parameters, name: string): ParametersParameter | undefined =>
  status.parameter?.find((one) => one.name === name)
const namesIn = (status: Parameters): (string | undefined)[] => (status.parameter ?? []).map(({ name }) => name)
const eventsIn = (status: Parameters): ParametersParameter[][] =>
  (status.parameter ?? []).filter(({ name }) => name === 'notification-event').map(({ part = [] }) => part)
const counted = (bundle: Bundle): string | undefined =>
  parameterIn(statusOf(bundle), 'events-since-subscription-start')?.valueString
const bundlesOf = ({ at }: Subscribed): Bundle[] => at.ofType('event-notification').map(({ bundle }) => bundle)
const firstOf = (subscribed: Subscribed): Bundle => {
  const [bundle] = bundlesOf(subscribed)
  if (bundle === undefined) throw new Error('no notification came')
  return bundle
}
const othersIn = (bundle: Bundle): readonly BundleEntry[] => bundle.entry?.slice(1) ?? []
const operation = async (path: string): Promise<Bundle> =>
  bundleOf(await server.send({ as: AS, path: `Subscription${path}` }))
const statusesIn = (bundle: Bundle): Parameters[] =>
  (bundle.entry ?? []).flatMap(({ resource }) => (resource?.resourceType === 'Parameters' ? [resource] : []))
const idsIn = (bundle: Bundle): (string | undefined)[] =>
  statusesIn(bundle).map((one) => parameterIn(one, 'subscription')?.valueReference?.reference?.split('/').at(-1))

let empty: Subscribed
let idOnly: Subscribed
let full: Subscribed
let filtered: Subscribed
let statement: CapabilityStatement

beforeAll(async () => {
  server = await startTestServer({
    env: { CPIS_SMTP_URL: 'smtp://127.0.0.1:9', CPIS_MAIL_FROM: 'cpis@register.example' },
  })
  statement = (await server.send({ path: 'metadata' })).json as CapabilityStatement
  empty = await subscribe({ content: 'empty', channel: { header: ['X-Desk: one', 'X-Room: two'] } })
  idOnly = await subscribe({ channel: { payload: 'application/fhir+json; fhirVersion=4.0' } })
  full = await subscribe({ content: 'full-resource' })
  filtered = await subscribe({ filters: ['plan-status=open', 'setting=emergency-department'] })
  const filed = await server.send({ as: AS, path: 'EpisodeOfCare', body: planOf({ nhsNumber: NUMBER }) })
  expect(filed.status).toBe(201)
  await sendCheck(server, NUMBER, { site: 'RCUEF' })
  // Only one of the two filters fits
  await sendCheck(server, NUMBER, { setting: 'minor-injury-unit' })
  await waitFor('what is told to all', () => [empty, idOnly, full].every((one) => one.at.taken().length === 2))
  await waitFor('what is told to the filtered one', () => filtered.at.taken().length === 1)
}, 60_000)
afterAll(async () => {
  await server.close()
  for (const one of open) await one.close()
})

describe('discovery', () => {
  requirement([2, 48], 'topics stand in the CapabilityStatement', () => {
    const found = statement.rest?.[0]?.resource?.find(({ type }) => type === 'Subscription')
    const url = `${BACKPORT.subscription.replace('backport-subscription', 'capabilitystatement-subscriptiontopic-canonical')}`
    expect(found?.extension?.filter((one) => one.url === url).map((one) => one.valueCanonical)).toContain(TOPIC)
  })
  requirement([52, 57, 120], 'the server says that it is one of this guide, and that it takes its profile', () => {
    expect(statement.instantiates).toContain(BACKPORT.server)
    const found = statement.rest?.[0]?.resource?.find(({ type }) => type === 'Subscription')
    expect(found?.supportedProfile).toContain(BACKPORT.subscription)
  })
  requirement([114, 47, 121, 122, 129, 130], 'Subscription, its operations and searches are declared', () => {
    const found = statement.rest?.[0]?.resource?.find(({ type }) => type === 'Subscription')
    expect(found?.operation?.map(({ definition }) => definition)).toEqual(
      expect.arrayContaining([BACKPORT.statusOperation, BACKPORT.eventsOperation]),
    )
    expect(found?.searchParam?.map(({ name }) => name)).toEqual(expect.arrayContaining(['url', 'status']))
  })
})

describe('a request for a Subscription', () => {
  const refused = (ids: readonly number[], words: string, wish: Wish, place: string, endpoint?: string): void =>
    requirement(ids, words, async () => {
      const said = await create(subscriptionOf(endpoint ?? empty.at.url, wish))
      const { issue } = said.json as OperationOutcome
      expect(said.status).toBeGreaterThanOrEqual(400)
      expect(said.status).toBeLessThan(500)
      expect(issue.map(({ expression }) => expression?.[0])).toContain(place)
    })
  refused(
    [8, 75],
    'of a topic that is not implemented is rejected',
    { criteria: `${TOPIC}-not` },
    'Subscription.criteria',
  )
  refused(
    [9, 63],
    'with a filter that the topic has not is rejected',
    { filters: ['mood=good'] },
    'Subscription.criteria.extension[0]',
  )
  refused(
    [10],
    'for a channel that is not known is rejected',
    { channel: { type: 'websocket' } },
    'Subscription.channel.type',
  )
  refused(
    [59, 60],
    'for a channel named by backport-channel-type is rejected: there is none of those',
    {
      channel: {
        _type: {
          extension: [{ url: BACKPORT.channelType, valueCoding: { system: 'http://x.example', code: 'zulip' } }],
        },
      },
    },
    'Subscription.channel.type.extension[0]',
  )
  refused(
    [11],
    'with an endpoint that is no URL of the channel is rejected',
    {},
    'Subscription.channel.endpoint',
    'ftp://x.example',
  )
  refused(
    [12, 66],
    'for a content that is not known is rejected',
    { content: 'everything' },
    'Subscription.channel.payload',
  )
  refused(
    [13, 36],
    'for full resources over a channel that must not have them is rejected',
    {
      content: 'full-resource',
      channel: { type: 'email', endpoint: 'mailto:duty@council.example', payload: 'text/plain' },
    },
    'Subscription.channel.payload',
  )
  refused(
    [32],
    'to an endpoint without TLS is rejected',
    {},
    'Subscription.channel.endpoint',
    'http://council.example/hook',
  )
  refused(
    [90],
    'for another version of FHIR is rejected',
    { channel: { payload: 'application/fhir+json; fhirVersion=5.0' } },
    'Subscription.channel.payload',
  )
  requirement([72, 73, 74], 'names its topic by its canonical in criteria, and is served', async () => {
    expect((await read(idOnly.id)).criteria).toBe(TOPIC)
    expect(bundlesOf(idOnly).length).toBeGreaterThan(0)
  })
  requirement([49, 50, 51, 53, 54, 65], 'is taken for rest-hook with each payload type', async () => {
    const contentOf = async ({ id }: Subscribed): Promise<unknown> =>
      JSON.parse(JSON.stringify((await read(id)).channel))._payload.extension[0].valueCode
    expect(await Promise.all([empty, idOnly, full].map(contentOf))).toEqual(['empty', 'id-only', 'full-resource'])
    for (const one of [empty, idOnly, full]) expect((await read(one.id)).channel.type).toBe('rest-hook')
  })
  requirement([7, 113], 'that is taken means that each event is looked for and told', () => {
    expect(empty.at.taken()).toEqual([1, 2])
  })
})

describe('the handshake', () => {
  requirement([29], 'comes after the status requested', () => {
    expect([empty, idOnly, full].map(({ created }) => created.status)).toEqual(['requested', 'requested', 'requested'])
  })
  requirement([20, 30], 'that is taken makes the Subscription active', async () => {
    expect(empty.at.ofType('handshake')).toHaveLength(1)
    expect((await read(empty.id)).status).toBe('active')
  })
  requirement([21, 31], 'that is not taken makes it error', async () => {
    const at = await receiver()
    at.behave(answer(404))
    const { id = '' } = resourceOf(await create(subscriptionOf(at.url)), 'Subscription')
    await waitFor('error', async () => (await read(id)).status === 'error')
    await server.send({ as: AS, method: 'DELETE', path: `Subscription/${id}` })
  })
})

describe('a notification', () => {
  requirement([25], 'is a Bundle that is posted to the endpoint', () => {
    expect(firstOf(idOnly).resourceType).toBe('Bundle')
  })
  requirement([26], 'has the Content-Type that the payload names', () => {
    expect(idOnly.at.received[0]?.headers['content-type']).toBe('application/fhir+json; fhirVersion=4.0')
    expect(full.at.received[0]?.headers['content-type']).toBe('application/fhir+json')
  })
  requirement([27], 'carries each header of the channel', () => {
    for (const { headers } of empty.at.received) expect([headers['x-desk'], headers['x-room']]).toEqual(['one', 'two'])
  })
  requirement([14, 70], 'is a history Bundle with the status first', () => {
    for (const one of [empty, idOnly, full]) {
      expect(firstOf(one).type).toBe('history')
      expect(firstOf(one).entry?.[0]?.resource?.resourceType).toBe('Parameters')
    }
  })
  requirement([15], 'has a request in each entry: $status for the first, one that makes sense for the others', () => {
    expect(firstOf(full).entry?.map(({ request }) => request?.method)).toEqual(['GET', 'POST', 'GET'])
    expect(firstOf(full).entry?.[0]?.request?.url).toBe(`${server.base}/Subscription/${full.id}/$status`)
  })
  requirement([28, 69, 138, 139], 'claims its profiles and has what they need', () => {
    for (const one of [empty, idOnly, full]) {
      const bundle = firstOf(one)
      expect(bundle.meta?.profile).toEqual([BACKPORT.notification])
      expect(statusOf(bundle).meta?.profile).toEqual([BACKPORT.status])
      expect(namesIn(statusOf(bundle))).toEqual(expect.arrayContaining(['subscription', 'status', 'type']))
      for (const { fullUrl, response } of bundle.entry ?? [])
        expect([fullUrl, response?.status]).not.toContain(undefined)
    }
  })
  requirement([102, 103, 77], 'counts events from 1, this one included; handshakes and heartbeats do not count', () => {
    expect(counted(empty.at.ofType('handshake')[0]?.bundle as Bundle)).toBe('0')
    expect(eventsIn(statusOf(firstOf(idOnly)))[0]?.find(({ name }) => name === 'event-number')?.valueString).toBe('1')
    expect(Number(counted(firstOf(idOnly)))).toBeGreaterThanOrEqual(1)
    expect(counted(bundlesOf(idOnly)[1] as Bundle)).toBe('2')
  })
  requirement([95, 135, 136], 'comes when all filters fit, and only then', () => {
    expect(filtered.at.taken()).toEqual([1])
  })
  requirement([98], 'has at most max-count events', async () => {
    const url = BACKPORT.maxCount
    const one = await subscribe({ extension: [{ url, valuePositiveInt: 2 }] })
    one.at.behave(answer(503))
    for (let nth = 0; nth < 3; nth += 1) await sendCheck(server, NUMBER)
    await waitFor('a failed try', () => bundlesOf(one).length === 1)
    one.at.behave(ok)
    await server.send({ as: AS, path: `Subscription/${one.id}/$resend`, body: { resourceType: 'Parameters' } })
    await waitFor('all', () => one.at.taken().length === 3)
    for (const bundle of bundlesOf(one)) expect(eventsIn(statusOf(bundle)).length).toBeLessThanOrEqual(2)
    await server.send({ as: AS, method: 'DELETE', path: `Subscription/${one.id}` })
  })
  requirement([97], 'that is not answered within the timeout has failed', async () => {
    const one = await subscribe({ extension: [seconds(BACKPORT.timeout, 1)] })
    one.at.behave({ kind: 'hang' })
    await sendCheck(server, NUMBER)
    const last = async () => (await server.context.deliveries.attempts(one.id as never, 1))[0]
    await waitFor('the failed try', async () => (await last())?.answer === 'timeout')
    await server.send({ as: AS, method: 'DELETE', path: `Subscription/${one.id}` })
  })
})

describe('a heartbeat', () => {
  let beating: Subscribed
  beforeAll(async () => {
    beating = await subscribe({ extension: [seconds(BACKPORT.heartbeatPeriod, 60)] })
    server.setNow(new Date(Date.parse(START) + 61_000).toISOString())
    await waitFor('a heartbeat', () => beating.at.ofType('heartbeat').length > 0)
  }, 30_000)
  afterAll(() => server.setNow(START))

  requirement([93], 'is sent when a period is asked for', () => {
    expect(beating.at.ofType('heartbeat').length).toBeGreaterThan(0)
  })
  requirement([94], 'is not sent when none is', () => {
    for (const one of [empty, idOnly, full]) expect(one.at.ofType('heartbeat')).toEqual([])
  })
  requirement([102], 'does not count', () => {
    expect(counted(beating.at.ofType('heartbeat')[0]?.bundle as Bundle)).toBe('0')
  })
})

describe('content', () => {
  requirement([38, 39], 'empty: no focus, no context, no entry but the status', () => {
    for (const bundle of bundlesOf(empty)) {
      expect(bundle.entry).toHaveLength(1)
      const parts = eventsIn(statusOf(bundle)).flat()
      expect(parts.map(({ name }) => name)).not.toContain('focus')
      expect(parts.map(({ name }) => name)).not.toContain('additional-context')
    }
  })
  requirement([99], 'empty: no topic', () => {
    for (const bundle of bundlesOf(empty)) expect(namesIn(statusOf(bundle))).not.toContain('topic')
  })
  requirement([40, 43], 'id-only and full-resource: a focus in each event', () => {
    for (const one of [idOnly, full]) {
      const [parts = []] = eventsIn(statusOf(firstOf(one)))
      expect(parts.find(({ name }) => name === 'focus')?.valueReference?.reference).toMatch(
        /AuditEvent\/[0-9a-f-]{36}$/,
      )
    }
  })
  requirement([42, 35, 67], 'id-only: entries with fullUrl and request, and no resource', () => {
    expect(othersIn(firstOf(idOnly))).toHaveLength(2)
    for (const { fullUrl, request, resource } of othersIn(firstOf(idOnly))) {
      expect(fullUrl).toMatch(new RegExp(`^${server.base}/(AuditEvent|EpisodeOfCare)/`))
      expect([request?.url, resource]).toEqual([expect.any(String), undefined])
    }
  })
  requirement([44, 45, 35, 67], 'full-resource: an entry with the resource for each that matters', () => {
    const types = othersIn(firstOf(full)).map(({ resource }) => resource?.resourceType)
    expect(types).toEqual(['AuditEvent', 'EpisodeOfCare'])
  })
  requirement([101], 'full-resource: the topic', () => {
    expect(parameterIn(statusOf(firstOf(full)), 'topic')?.valueCanonical).toBe(TOPIC)
  })
})

describe('$status', () => {
  requirement([106, 109], 'of one Subscription ignores id and status', async () => {
    const asked = await operation(`/${empty.id}/$status?id=${full.id}&status=off`)
    expect(idsIn(asked)).toEqual([empty.id])
  })
  requirement([107], 'of all joins ids by OR', async () => {
    const asked = await operation(`/$status?id=${empty.id}&id=${full.id}`)
    expect(idsIn(asked).sort()).toEqual([empty.id, full.id].sort())
  })
  requirement([108, 111], 'of all without ids and statuses gives those of the caller', async () => {
    expect(idsIn(await operation('/$status'))).toEqual(
      expect.arrayContaining([empty.id, idOnly.id, full.id, filtered.id]),
    )
    const other = await server.send({ as: 'la-E06000015', path: 'Subscription/$status' })
    expect(idsIn(bundleOf(other))).toEqual([])
  })
  requirement([110], 'of all joins statuses by OR', async () => {
    const { id = '' } = resourceOf(await create({ ...subscriptionOf(empty.at.url), status: 'off' }), 'Subscription')
    const asked = idsIn(await operation('/$status?status=off&status=error'))
    expect(asked).toContain(id)
    expect(asked).not.toContain(empty.id)
    expect(idsIn(await operation('/$status?status=off&status=active'))).toEqual(expect.arrayContaining([id, empty.id]))
  })
  requirement([112], 'is a searchset with one status for each', async () => {
    const asked = await operation(`/$status?id=${empty.id}&id=${full.id}`)
    expect([asked.type, statusesIn(asked).map((one) => one.meta?.profile?.[0])]).toEqual([
      'searchset',
      [BACKPORT.status, BACKPORT.status],
    ])
  })
})

describe('$events', () => {
  requirement([83, 115], 'is a notification Bundle of type history, the status first', async () => {
    const asked = await operation(`/${idOnly.id}/$events`)
    expect([asked.type, asked.meta?.profile]).toEqual(['history', [BACKPORT.notification]])
    expect(parameterIn(statusOf(asked), 'type')?.valueCode).toBe('query-event')
  })
  requirement([118, 119], 'has both bounds within', async () => {
    const numbers = async (query: string): Promise<unknown[]> =>
      eventsIn(statusOf(await operation(`/${idOnly.id}/$events?${query}`))).map(
        (parts) => parts.find(({ name }) => name === 'event-number')?.valueString,
      )
    expect(await numbers('eventsSinceNumber=2&eventsUntilNumber=2')).toEqual(['2'])
    expect(await numbers('eventsSinceNumber=1&eventsUntilNumber=2')).toEqual(['1', '2'])
  })
})

describe('errors', () => {
  let failing: Subscribed
  beforeAll(async () => {
    failing = await subscribe()
    failing.at.behave(answer(410))
    await sendCheck(server, NUMBER)
    await waitFor('error', async () => (await read(failing.id)).status === 'error')
    await sendCheck(server, NUMBER)
  }, 30_000)

  requirement([16, 78], 'are found, and the Subscription says so', async () => {
    expect((await read(failing.id)).error).toContain('410')
  })
  requirement([77], 'do not stop the counting', async () => {
    await waitFor('the second', async () => counted(await operation(`/${failing.id}/$status`)) === '2')
  })
  requirement([79], 'do not stop $status', async () => {
    const [status] = statusesIn(await operation(`/${failing.id}/$status`))
    expect(status === undefined ? undefined : parameterIn(status, 'status')?.valueCode).toBe('error')
  })
})

describe('REST', () => {
  requirement([124, 134, 137], 'a Subscription is read, with all that its profile needs', async () => {
    const found = (await read(empty.id)) as Subscription & { channel: { _payload?: object } }
    expect(found).toMatchObject({ status: 'active', reason: expect.any(String), criteria: TOPIC })
    expect(found.channel).toMatchObject({ type: 'rest-hook', endpoint: empty.at.url, payload: 'application/fhir+json' })
    expect(found.channel._payload).toMatchObject({ extension: [{ url: BACKPORT.payloadContent, valueCode: 'empty' }] })
  })
  requirement([125, 126, 127, 133], 'is created, changed and deleted', async () => {
    const made = await create({ ...subscriptionOf(empty.at.url), status: 'off' })
    const { id = '' } = resourceOf(made, 'Subscription')
    const path = `Subscription/${id}`
    const body = { ...resourceOf(made, 'Subscription'), reason: 'Another desk' }
    const changed = await server.send({ as: AS, method: 'PUT', path, body })
    const deleted = await server.send({ as: AS, method: 'DELETE', path })
    const after = await server.send({ as: AS, path })
    expect([made.status, changed.status, deleted.status, after.status]).toEqual([201, 200, 204, 410])
  })
  requirement([128, 129, 130], 'is found by url and by status', async () => {
    const found = async (query: string): Promise<unknown[]> =>
      (bundleOf(await server.send({ as: AS, path: `Subscription?${query}` })).entry ?? []).map(
        ({ resource }) => resource?.id,
      )
    expect(await found(`url=${encodeURIComponent(full.at.url)}`)).toEqual([full.id])
    expect(await found('status=active')).toEqual(expect.arrayContaining([empty.id, full.id]))
  })
})

describe('docs/conformance.md', () => {
  const text = readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8')
  const rows = [...text.matchAll(/^\| @(\d+)(?:, @(\d+))* \|.*$/gm)].map(([line]) => line)
  const idsOf = (line: string): number[] =>
    [...(line.split('|')[1] ?? '').matchAll(/@(\d+)/g)].map(([, id]) => Number(id))

  test('lists each requirement of the kit once', () => {
    const listed = rows.flatMap(idsOf).sort((a, b) => a - b)
    expect(listed).toEqual(Array.from({ length: 138 }, (_, nth) => nth + 2))
  })

  test('says of those and only those that are shown here that they are tested', () => {
    const own = readFileSync(new URL(import.meta.url), 'utf8')
    const shown = [...own.matchAll(/(?:requirement|refused)\(\s*\[([\d, ]+)\]/g)].flatMap(([, list = '']) =>
      list.split(',').map(Number),
    )
    const tested = rows.filter((line) => line.split('|')[3]?.trim() === 'tested').flatMap(idsOf)
    expect(tested.sort((a, b) => a - b)).toEqual([...new Set(shown)].sort((a, b) => a - b))
  })
})
