import { describe, expect, test } from '@jest/globals'
import type { AuthorityCode, ResourceId } from '../../src/domain/brands.ts'
import type { RegisterEvent } from '../../src/domain/events.ts'
import {
  buildNotification,
  buildStatus,
  describeEvent,
  type NotificationFacts,
  STATUS_PROFILE,
} from '../../src/domain/notification.ts'
import { canonical } from '../../src/fhir/canonicals.ts'
import { numbersOf, statusOf } from '../support/receiver.ts'

const base = 'https://cpis.example/FHIR/R4'
const criteria = canonical('SubscriptionTopic', 'child-checked')
const event: RegisterEvent = {
  id: 'e1',
  at: '2026-05-03T09:00:00.000Z',
  topic: 'child-checked',
  authority: 'E10000007' as AuthorityCode,
  plans: [
    { id: 'p1' as ResourceId, version: 1, type: 'CPP' },
    { id: 'p2' as ResourceId, version: 3, type: 'LAC' },
  ],
  caseStatus: 'open',
  auditId: 'a1',
}

function facts(changed: Partial<NotificationFacts> = {}, content: 'empty' | 'id-only' | 'full-resource' = 'id-only') {
  return {
    id: '3cfcb0e5-7ab5-4b4e-8bd0-3f5f4b6b9c11',
    bundleId: 'b1',
    base,
    type: 'event-notification',
    at: '2026-05-03T09:00:01.000Z',
    subscription: { id: 's1', criteria, status: 'active', content },
    eventsSinceStart: 7,
    events: [describeEvent(7, event)],
    ...changed,
  } as const satisfies NotificationFacts
}

describe('what a payload must not say', () => {
  test('empty names no resource and no topic, and has no further entry', () => {
    const bundle = buildNotification(facts({}, 'empty'))
    expect(bundle.entry).toHaveLength(1)
    const text = JSON.stringify(bundle)
    for (const secret of ['AuditEvent', 'EpisodeOfCare', 'a1', 'child-checked']) expect(text).not.toContain(secret)
    expect(numbersOf(bundle)).toEqual([7])
  })

  test('id-only holds no resource but the status', () => {
    const entries = buildNotification(facts()).entry ?? []
    expect(entries.map((entry) => entry.resource?.resourceType)).toEqual([
      'Parameters',
      undefined,
      undefined,
      undefined,
    ])
  })

  test.each(['handshake', 'heartbeat'] as const)('a %s says no event', (type) => {
    const bundle = buildNotification(facts({ type, events: [] }))
    expect(numbersOf(bundle)).toEqual([])
    expect(bundle.entry).toHaveLength(1)
  })
})

test('id-only, whole', () => {
  const reference = (name: string, target: string) => ({ name, valueReference: { reference: `${base}/${target}` } })
  expect(buildNotification(facts())).toEqual({
    resourceType: 'Bundle',
    id: 'b1',
    meta: {
      profile: [
        'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-notification-r4',
      ],
    },
    type: 'history',
    timestamp: '2026-05-03T09:00:01.000Z',
    entry: [
      {
        fullUrl: 'urn:uuid:3cfcb0e5-7ab5-4b4e-8bd0-3f5f4b6b9c11',
        resource: {
          resourceType: 'Parameters',
          id: '3cfcb0e5-7ab5-4b4e-8bd0-3f5f4b6b9c11',
          meta: { profile: [STATUS_PROFILE] },
          parameter: [
            reference('subscription', 'Subscription/s1'),
            { name: 'topic', valueCanonical: criteria },
            { name: 'status', valueCode: 'active' },
            { name: 'type', valueCode: 'event-notification' },
            { name: 'events-since-subscription-start', valueString: '7' },
            {
              name: 'notification-event',
              part: [
                { name: 'event-number', valueString: '7' },
                { name: 'timestamp', valueInstant: '2026-05-03T09:00:00.000Z' },
                reference('focus', 'AuditEvent/a1'),
                reference('additional-context', 'EpisodeOfCare/p1'),
                reference('additional-context', 'EpisodeOfCare/p2'),
              ],
            },
          ],
        },
        request: { method: 'GET', url: `${base}/Subscription/s1/$status` },
        response: { status: '200' },
      },
      {
        fullUrl: `${base}/AuditEvent/a1`,
        request: { method: 'POST', url: 'AuditEvent' },
        response: { status: '201' },
      },
      {
        fullUrl: `${base}/EpisodeOfCare/p1`,
        request: { method: 'GET', url: 'EpisodeOfCare/p1' },
        response: { status: '200' },
      },
      {
        fullUrl: `${base}/EpisodeOfCare/p2`,
        request: { method: 'GET', url: 'EpisodeOfCare/p2' },
        response: { status: '200' },
      },
    ],
  })
})

test('every entry has request and response, no fullUrl names a version, and none comes twice', () => {
  const events = [describeEvent(1, event), describeEvent(2, { ...event, auditId: 'a2' })]
  const entries = buildNotification(facts({ events })).entry ?? []
  expect(entries.every((entry) => entry.request !== undefined && entry.response !== undefined)).toBe(true)
  const urls = entries.map((entry) => entry.fullUrl)
  expect(urls.join()).not.toContain('_history')
  expect(new Set(urls).size).toBe(urls.length)
  expect(urls).toHaveLength(5)
})

test('full-resource carries what the authority may see, and says of the rest that it is not there', () => {
  const plan = { resourceType: 'EpisodeOfCare', id: 'p1', status: 'active', patient: { display: 'A' } } as const
  const resources = new Map([['EpisodeOfCare/p1', plan]])
  const entries = buildNotification(facts({ resources }, 'full-resource')).entry ?? []
  expect(entries.find((entry) => entry.fullUrl?.endsWith('/p1'))).toMatchObject({
    resource: plan,
    response: { status: '200' },
  })
  expect(entries.find((entry) => entry.fullUrl?.endsWith('/p2'))).toMatchObject({ response: { status: '404' } })
})

test('without an access the plan is the focus', () => {
  const { auditId: _, ...missing } = event
  expect(describeEvent(3, { ...missing, topic: 'nhs-number-missing' })).toEqual({
    number: 3,
    at: event.at,
    focus: 'EpisodeOfCare/p1',
    context: ['EpisodeOfCare/p2'],
  })
})

test('an error is told in words', () => {
  const status = buildStatus(facts({ type: 'query-status', error: 'The endpoint is gone.' }))
  expect(status.parameter?.at(-1)).toEqual({
    name: 'error',
    valueCodeableConcept: { text: 'The endpoint is gone.' },
  })
  expect(statusOf(buildNotification(facts())).parameter?.some((one) => one.name === 'error')).toBe(false)
})
