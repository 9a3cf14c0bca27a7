/** $status, $events and $resend over real HTTP, a real database and a real receiver (delivery.md "Recovery"; Subscriptions R5 Backport 1.1.0): refusals first. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Bundle, Parameters } from '@medplum/fhirtypes'
import { planOf } from '../support/plans.ts'
import { answer, numbersOf, ok, type Receiver, startReceiver, statusOf, typeOf } from '../support/receiver.ts'
import { bundleOf, issuesOf, sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { commitEvents, readStatus, subscribe, subscriptionOf } from '../support/subscriptions.ts'
import { waitFor } from '../support/wait-for.ts'

const LA = 'la-E10000007'
const OTHER = 'la-E06000015'
const NUMBER = '9998450055'

let server: TestServer
let receivers: Receiver[] = []
let first: Receiver
/** Has one event by a check and 104 more. */
let id: string
beforeAll(async () => {
  server = await startTestServer()
  first = await receiver()
  id = await subscribe(server, subscriptionOf(first.url))
  await server.send({ as: LA, path: 'EpisodeOfCare', body: planOf({ nhsNumber: NUMBER }) })
  await sendCheck(server, NUMBER, { site: 'RCUEF' })
  await waitFor('the check to be told', () => first.taken().length === 1)
  await commitEvents(server, 104)
})
afterAll(async () => {
  await server.close()
  for (const one of receivers) await one.close()
})

async function receiver(): Promise<Receiver> {
  const made = await startReceiver({ keys: server.context.keys.webhooks })
  receivers = [...receivers, made]
  return made
}

const parametersOf = (...parameter: object[]): object => ({ resourceType: 'Parameters', parameter })
const text = (name: string, valueString: string): object => ({ name, valueString })
const get = (path: string, as = LA) => server.send({ as, path })
const post = (path: string, body: object, as = LA) => server.send({ as, path, body })
const partIn = (parameters: Parameters | undefined, name: string) =>
  parameters?.parameter?.find((one) => one.name === name)
const statusesIn = (bundle: Bundle): Parameters[] =>
  (bundle.entry ?? []).flatMap(({ resource }) => (resource?.resourceType === 'Parameters' ? [resource] : []))
const countOf = (parameters: Parameters | undefined): string | undefined =>
  partIn(parameters, 'events-since-subscription-start')?.valueString

describe('what is refused', () => {
  const operations: readonly (readonly [string, string])[] = [
    ['GET', '$status'],
    ['POST', '$status'],
    ['GET', '$events'],
    ['POST', '$events'],
    ['POST', '$resend'],
  ]
  test.each(operations)(
    '%s %s of another authority’s Subscription looks like one that never was',
    async (method, name) => {
      const ask = (which: string, as: string) =>
        method === 'GET'
          ? get(`Subscription/${which}/${name}`, as)
          : post(`Subscription/${which}/${name}`, parametersOf(), as)
      const [theirs, absent] = [await ask(id, OTHER), await ask(randomUUID(), OTHER)]
      expect([theirs.status, theirs.text]).toEqual([404, absent.text])
      expect((await ask(id, 'ed-nurse')).status).toBe(403)
      expect((await ask(id, 'administrator')).status).toBe(403)
    },
  )

  const one = 'Parameters.parameter[0].value'
  test.each<readonly [string, string, object, string, string]>([
    ['a number that is none', '$events', text('eventsSinceNumber', 'one'), 'INVALID_PARAMETER', one],
    ['a negative number', '$events', text('eventsUntilNumber', '-1'), 'INVALID_PARAMETER', one],
    ['an integer', '$events', { name: 'eventsSinceNumber', valueInteger: 1 }, 'INVALID_PARAMETER', one],
    ['a content that is not offered', '$events', { name: 'content', valueCode: 'all' }, 'INVALID_PARAMETER', one],
    ['a status that is none', '$status', { name: 'status', valueCode: 'asleep' }, 'INVALID_PARAMETER', one],
    [
      'a parameter of another operation',
      '$resend',
      text('content', 'empty'),
      'UNKNOWN_PARAMETER',
      'Parameters.parameter[0].name',
    ],
  ])('%s', async (_what, name, parameter, code, at) => {
    const answered = await post(`Subscription/${id}/${name}`, parametersOf(parameter))
    expect([answered.status, issuesOf(answered)]).toEqual([400, [{ code, at, severity: 'error' }]])
  })

  test('an end below the start, at its place, in the address as well', async () => {
    const place = { code: 'INVALID_PARAMETER', at: 'Parameters.parameter[1].value', severity: 'error' }
    const asked = await get(`Subscription/${id}/$events?eventsSinceNumber=5&eventsUntilNumber=4`)
    expect([asked.status, issuesOf(asked)]).toEqual([400, [place]])
    const numbers = [text('eventsSinceNumber', '5'), text('eventsUntilNumber', '4')]
    expect(issuesOf(await post(`Subscription/${id}/$resend`, parametersOf(...numbers)))).toEqual([place])
  })

  test('a parameter that is not known, unless it may be left out', async () => {
    const path = `Subscription/${id}/$events?since=3`
    expect(issuesOf(await get(path))[0]?.code).toBe('UNKNOWN_PARAMETER')
    expect((await server.send({ as: LA, path, headers: { Prefer: 'handling=lenient' } })).status).toBe(200)
    expect((await post(`Subscription/${id}/$events?eventsSinceNumber=3`, parametersOf())).status).toBe(400)
  })

  test('$resend by GET, and $events of all Subscriptions', async () => {
    expect((await get(`Subscription/${id}/$resend`)).status).toBe(405)
    expect((await get('Subscription/$events')).status).toBe(404)
  })
})

describe('$status', () => {
  test('says of one Subscription how it stands and how many events it has', async () => {
    for (const answered of [
      await get(`Subscription/${id}/$status`),
      await post(`Subscription/${id}/$status`, parametersOf({ name: 'status', valueCode: 'off' })),
    ]) {
      const bundle = bundleOf(answered)
      expect([bundle.type, bundle.total, bundle.entry?.[0]?.search?.mode]).toEqual(['searchset', 1, 'match'])
      const [status] = statusesIn(bundle)
      expect(status?.meta?.profile?.[0]).toContain('backport-subscription-status-r4')
      expect(partIn(status, 'type')?.valueCode).toBe('query-status')
      expect(partIn(status, 'status')?.valueCode).toBe('active')
      expect(partIn(status, 'subscription')?.valueReference?.reference).toBe(`${server.base}/Subscription/${id}`)
      expect(partIn(status, 'notification-event')).toBeUndefined()
      expect(countOf(status)).toBe('105')
    }
  })

  test('lists those of the token’s authority that fit, and no other', async () => {
    const other = await receiver()
    const theirs = await subscribe(server, subscriptionOf(other.url), OTHER)
    const off = await server.send({
      as: LA,
      path: 'Subscription',
      body: { ...subscriptionOf(other.url), status: 'off' },
    })
    const offId = (off.json as { id: string }).id
    const idsOf = (bundle: Bundle): (string | undefined)[] =>
      statusesIn(bundle).map((one) => partIn(one, 'subscription')?.valueReference?.reference?.split('/').at(-1))
    expect(idsOf(bundleOf(await get('Subscription/$status'))).sort()).toEqual([id, offId].sort())
    expect(idsOf(bundleOf(await get('Subscription/$status?status=active')))).toEqual([id])
    expect(idsOf(bundleOf(await get(`Subscription/$status?id=${offId}&id=${theirs}`)))).toEqual([offId])
    const both = parametersOf({ name: 'id', valueId: id }, { name: 'status', valueCode: 'off' })
    expect(bundleOf(await post('Subscription/$status', both)).total).toBe(0)
    expect(idsOf(bundleOf(await get('Subscription/$status', OTHER)))).toEqual([theirs])
  })
})

describe('$events', () => {
  test('gives events in the shape of a notification, the oldest hundred, and leads to the rest', async () => {
    const page = bundleOf(await get(`Subscription/${id}/$events`))
    expect([page.type, typeOf(page), countOf(statusOf(page))]).toEqual(['history', 'query-event', '105'])
    expect(numbersOf(page)).toEqual(Array.from({ length: 100 }, (_, nth) => nth + 1))
    const next = page.link?.find((one) => one.relation === 'next')?.url ?? ''
    const rest = bundleOf(await get(next.replace(`${server.base}/`, '')))
    expect(numbersOf(rest)).toEqual([101, 102, 103, 104, 105])
    expect(rest.link?.map((one) => one.relation)).toEqual(['self'])
  })

  test('an event is told as it was sent', async () => {
    const sent = first.ofType('event-notification')[0]?.bundle
    const numbers = [text('eventsSinceNumber', '1'), text('eventsUntilNumber', '1')]
    const asked = bundleOf(await post(`Subscription/${id}/$events`, parametersOf(...numbers)))
    expect(numbersOf(asked)).toEqual([1])
    expect(partIn(statusOf(asked), 'notification-event')).toEqual(
      partIn(statusOf(sent as Bundle), 'notification-event'),
    )
    expect(asked.entry?.slice(1)).toEqual(sent?.entry?.slice(1))
  })

  test.each([
    ['empty', 0, []],
    ['id-only', 2, [undefined, undefined]],
    ['full-resource', 2, ['AuditEvent', 'EpisodeOfCare']],
  ])('content=%s', async (content, more, types) => {
    const path = `Subscription/${id}/$events?eventsUntilNumber=1&content=${content}`
    const entries = bundleOf(await get(path)).entry?.slice(1) ?? []
    expect([entries.length, entries.map((one) => one.resource?.resourceType)]).toEqual([more, types])
    expect(JSON.stringify(entries).includes('R. Khan')).toBe(content === 'full-resource')
  })

  test('what is shown is in the audit', async () => {
    await get(`Subscription/${id}/$events?eventsUntilNumber=1&content=full-resource`)
    const [record] = await server.context.store.read
      .audits({ limit: 500 })
      .then((all) => all.filter((one) => one.operation === 'events' && one.entities.length > 1))
    expect(record?.entities.map((one) => one.type)).toEqual(['Subscription', 'AuditEvent', 'EpisodeOfCare'])
  })

  test('numbers that are not given yet are none', async () => {
    const bundle = bundleOf(await get(`Subscription/${id}/$events?eventsSinceNumber=106`))
    expect([numbersOf(bundle), countOf(statusOf(bundle))]).toEqual([[], '105'])
  })
})

/** Whether the lane knows that its try failed: what is due at once must be so after that. */
const hasFailed = async (id: string): Promise<boolean> =>
  (await server.context.deliveries.lanes()).some((lane) => lane.id === id && lane.failures > 0)

describe('$resend', () => {
  const again = async (which: string, ...numbers: object[]): Promise<string> => {
    const answered = await post(`Subscription/${which}/$resend`, parametersOf(...numbers))
    expect([answered.status, issuesOf(answered)[0]?.code]).toEqual([200, 'SUCCESS'])
    return answered.text
  }

  test('sends events once more under their numbers and a webhook-id of their own, before what is new', async () => {
    const target = await receiver()
    const mine = await subscribe(server, subscriptionOf(target.url))
    await commitEvents(server, 3)
    await waitFor('three', () => target.taken().length === 3)
    const words = await again(mine, text('eventsSinceNumber', '2'), text('eventsUntilNumber', '9'))
    expect(words).toContain('Events 2 to 3 are sent once more')
    await waitFor('them again', () => target.taken().length === 5)
    await commitEvents(server, 1)
    await waitFor('what is new', () => target.taken().length === 6)
    expect(target.taken()).toEqual([1, 2, 3, 2, 3, 4])
    const ids = target.ofType('event-notification').map((one) => one.webhookId)
    expect(new Set(ids).size).toBe(6)
    expect(target.received.every((one) => one.signatureIsRight)).toBe(true)
  })

  test('while the endpoint fails, a repeat of what was asked for keeps its webhook-id, and nothing is lost', async () => {
    const target = await receiver()
    const mine = await subscribe(server, subscriptionOf(target.url))
    await commitEvents(server, 1)
    await waitFor('one', () => target.taken().length === 1)
    target.behave(answer(503))
    await again(mine, text('eventsUntilNumber', '1'))
    await commitEvents(server, 1)
    await waitFor('a failed try', () => hasFailed(mine))
    expect(target.ofType('event-notification')).toHaveLength(2)
    target.behave(ok)
    await again(mine)
    await waitFor('both', () => target.taken().length === 3, 25_000)
    expect(target.taken()).toEqual([1, 1, 2])
    const [, failed, taken] = target.ofType('event-notification').map((one) => one.webhookId)
    expect(failed).toBe(taken)
  }, 60_000)

  test('makes a lane that waits for its next try due at once', async () => {
    const target = await receiver()
    const mine = await subscribe(server, subscriptionOf(target.url))
    target.behave(answer(500))
    await commitEvents(server, 2)
    await waitFor('a failed try', () => hasFailed(mine))
    target.behave(ok)
    await again(mine)
    await waitFor('both', () => target.taken().length === 2)
    expect(target.taken()).toEqual([1, 2])
  })

  test.each([
    ['what waits', () => []],
    ['and what was sent before, too', () => [text('eventsUntilNumber', '1')]],
  ])('asked for while a try is under way that then fails, the next one is due at once: %s', async (_what, numbers) => {
    const target = await receiver()
    const mine = await subscribe(server, subscriptionOf(target.url))
    await commitEvents(server, 1)
    await waitFor('one', () => target.taken().length === 1)
    target.behave({ kind: 'hang' })
    await commitEvents(server, 1)
    await waitFor('a try', () => target.ofType('event-notification').length === 2)
    target.behave(ok)
    await again(mine, ...numbers())
    target.drop()
    await waitFor('the rest', () => target.taken().length === 2 + numbers().length)
    expect(target.taken()).toEqual(numbers().length === 0 ? [1, 2] : [1, 1, 2])
  })

  test('of a Subscription in error makes a handshake and then brings everything; one that is off stays off', async () => {
    const target = await receiver()
    const mine = await subscribe(server, subscriptionOf(target.url))
    target.behave(answer(410))
    await commitEvents(server, 2)
    await waitFor('error', async () => (await readStatus(server, mine)) === 'error')
    const [status] = statusesIn(bundleOf(await get(`Subscription/${mine}/$status`)))
    expect(partIn(status, 'error')?.valueCodeableConcept?.text).toContain('410')
    target.behave(ok)
    expect(await again(mine)).toContain('requested again')
    await waitFor('both', () => target.taken().length === 2)
    expect([target.taken(), target.ofType('handshake').length]).toEqual([[1, 2], 2])
    await server.send({
      as: LA,
      method: 'PUT',
      path: `Subscription/${mine}`,
      body: { ...subscriptionOf(target.url), id: mine, status: 'off' },
    })
    expect(await again(mine)).toContain('is off')
    expect(await readStatus(server, mine)).toBe('off')
  })
})

test('events older than 90 days are given no more', async () => {
  server.setNow('2026-08-01T11:00:00.000Z')
  expect(numbersOf(bundleOf(await get(`Subscription/${id}/$events`)))).toHaveLength(100)
  server.setNow('2026-08-02T11:00:00.000Z')
  const bundle = bundleOf(await get(`Subscription/${id}/$events`))
  expect([numbersOf(bundle), Number(countOf(statusOf(bundle)))]).toEqual([[], expect.any(Number)])
})
