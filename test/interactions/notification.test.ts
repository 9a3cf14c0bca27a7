/** From check to endpoint, over real HTTP, a real database and a real receiver (R18, R21, R25; delivery.md). */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AuditEvent, Bundle, Parameters, Subscription } from '@medplum/fhirtypes'
import { planOf } from '../support/plans.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { bundleOf, issuesOf, resourceOf, sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { waitFor } from '../support/wait-for.ts'

const LA = 'la-E10000007'
const OTHER = 'la-E06000015'

let server: TestServer
let receiver: Receiver
beforeAll(async () => {
  server = await startTestServer()
  receiver = await startReceiver({ keys: server.context.keys.webhooks })
})
afterAll(async () => {
  await server.close()
  await receiver.close()
})

function subscriptionOf(endpoint: string, more: object = {}): object {
  return {
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'Tell the duty worker that a child was seen',
    criteria: 'https://cpis.example/fhir/SubscriptionTopic/child-checked',
    channel: {
      type: 'rest-hook',
      endpoint,
      payload: 'application/fhir+json',
      _payload: {
        extension: [
          {
            url: 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content',
            valueCode: 'id-only',
          },
        ],
      },
      header: ['Authorization: Bearer secret-of-the-council'],
    },
    ...more,
  }
}

const partOf = (bundle: Bundle, name: string) =>
  (bundle.entry?.[0]?.resource as Parameters | undefined)?.parameter?.find((one) => one.name === name)

describe('a Subscription that cannot be', () => {
  const cases: readonly [string, object, number, string][] = [
    [
      'an unknown topic',
      { criteria: 'https://cpis.example/fhir/SubscriptionTopic/gossip' },
      422,
      'Subscription.criteria',
    ],
    [
      'no payload content',
      { channel: { type: 'rest-hook', endpoint: 'http://127.0.0.1:9/', payload: 'application/fhir+json' } },
      422,
      'Subscription.channel.payload',
    ],
    [
      'an outside endpoint that nobody allowed',
      { channel: { ...channelOf('https://example.org/hook') } },
      422,
      'Subscription.channel.endpoint',
    ],
    ['a status of the server', { status: 'active' }, 422, 'Subscription.status'],
  ]
  test.each(cases)('%s', async (_name, more, status, place) => {
    const answer = await server.send({
      as: LA,
      path: 'Subscription',
      body: subscriptionOf('http://127.0.0.1:9/', more),
    })
    expect({ status: answer.status, place: issuesOf(answer)[0]?.at }).toEqual({ status, place })
  })

  test('an NHS user may not have one', async () => {
    const answer = await server.send({
      as: 'ed-nurse',
      path: 'Subscription',
      body: subscriptionOf('http://127.0.0.1:9/'),
    })
    expect(answer.status).toBe(403)
  })
})

function channelOf(endpoint: string): object {
  return (subscriptionOf(endpoint) as { channel: object }).channel
}

describe('child-checked', () => {
  test('handshake, then one signed, numbered notification for each access; the authority reads who, where and when', async () => {
    const made = resourceOf(
      await server.send({ as: LA, path: 'Subscription', body: subscriptionOf(`${receiver.url}/hook`) }),
      'Subscription',
    )
    await waitFor('the handshake', () => receiver.ofType('handshake').length > 0)
    const read = async (): Promise<Subscription> =>
      resourceOf(await server.send({ as: LA, path: `Subscription/${made.id}` }), 'Subscription')
    await waitFor('the Subscription to be active', async () => (await read()).status === 'active')
    expect(JSON.stringify(await read())).not.toContain('secret-of-the-council')
    expect((await server.send({ as: OTHER, path: `Subscription/${made.id}` })).status).toBe(404)

    await server.send({ as: LA, path: 'EpisodeOfCare', body: planOf({ nhsNumber: '9998450055' }) })
    const checks = [
      await sendCheck(server, '9998450055', { site: 'RCUEF' }),
      await sendCheck(server, '9998450055', { as: 'dental-nurse', setting: 'dental' }),
      await sendCheck(server, '9998450055'),
    ]
    expect(checks.map((one) => one.status)).toEqual([200, 200, 200])
    await waitFor('two notifications', () => receiver.ofType('event-notification').length >= 2)
    const [first, second] = receiver.ofType('event-notification')
    expect([first?.signatureIsRight, second?.signatureIsRight]).toEqual([true, true])
    expect(receiver.taken()).toEqual([1, 2])
    expect(first?.headers['authorization']).toBe('Bearer secret-of-the-council')
    const focus = partOf(first?.bundle as Bundle, 'notification-event')?.part?.find((one) => one.name === 'focus')
      ?.valueReference?.reference
    const id = bundleOf(checks[0] as never).identifier?.value?.replace('urn:uuid:', '')
    expect(focus).toContain(`AuditEvent/${id}`)
    const audit = resourceOf(await server.send({ as: LA, path: `AuditEvent/${id}` }), 'AuditEvent') as AuditEvent
    const text = JSON.stringify(audit)
    expect(text).toContain('R. Khan')
    expect(text).toContain("Sheffield Children's Hospital")
    expect((await server.send({ as: OTHER, path: `AuditEvent/${id}` })).status).toBe(404)
    for (const one of receiver.received) expect(one.body).not.toContain('9998450055')
  })

  test('R7 every authority with a visible plan has its own event; R25 an authority without one has none', async () => {
    await server.send({ as: OTHER, path: 'Subscription', body: subscriptionOf(`${receiver.url}/other`) })
    await waitFor('the second handshake', () => receiver.ofType('handshake').length > 1)
    const before = receiver.ofType('event-notification').length
    await sendCheck(server, '9998450055')
    await waitFor('the notification', () => receiver.ofType('event-notification').length > before)
    const events = await server.context.store.read.audits({ authority: 'E06000015' as never, limit: 10 })
    expect(events.filter((one) => one.operation === 'cpis-check')).toEqual([])
    expect(receiver.ofType('event-notification')).toHaveLength(before + 1)
  })
})
