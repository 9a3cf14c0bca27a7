import { describe, expect, test } from '@jest/globals'
import type { Subscription } from '@medplum/fhirtypes'
import type { AuthorityCode, ResourceId } from '../../src/domain/brands.ts'
import type { RegisterEvent } from '../../src/domain/events.ts'
import {
  buildSubscriptionIndex,
  matchesFilters,
  parseStoredSubscription,
  parseSubscription,
} from '../../src/domain/subscription.ts'
import { BACKPORT_EXTENSION } from '../../src/domain/subscription-channel.ts'
import { MASK, maskHeaders, restoreHeaders } from '../../src/domain/subscription-header.ts'
import { canonical } from '../../src/fhir/canonicals.ts'

const AUTHORITY = 'E10000007' as AuthorityCode
const sandbox = { authority: AUTHORITY, mode: 'sandbox', allowedHosts: ['la.example', 'la.example:8443'] } as const
const production = { ...sandbox, mode: 'production' } as const

type Json = Record<string, unknown>

/** A good Subscription with parts changed; a channel part of undefined is left out. */
function subscription(parts: Json = {}, channelParts: Json = {}): Subscription {
  const channel: Json = {
    type: 'rest-hook',
    endpoint: 'https://la.example/hook',
    payload: 'application/fhir+json',
    _payload: { extension: [{ url: BACKPORT_EXTENSION.content, valueCode: 'id-only' }] },
    ...channelParts,
  }
  const whole = {
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'Alerts for the duty desk',
    criteria: canonical('SubscriptionTopic', 'child-checked'),
    channel: Object.fromEntries(Object.entries(channel).filter(([, value]) => value !== undefined)),
    ...parts,
  }
  return whole as unknown as Subscription
}

function faults(sent: Subscription, facts: Parameters<typeof parseSubscription>[1] = sandbox): string[] {
  const { issues, draft } = parseSubscription(sent, facts)
  if (issues.length > 0) expect(draft).toBeUndefined()
  return issues.map((one) => `${one.code} ${one.expression}`)
}

const filter = (valueString: unknown, url: string = BACKPORT_EXTENSION.filter) => ({
  _criteria: { extension: [{ url, valueString }] },
})

describe('a Subscription that is not taken, each fault at its place', () => {
  test.each<[string, Json, string]>([
    ['no topic of ours', { criteria: 'http://example.org/SubscriptionTopic/x' }, 'Subscription.criteria'],
    ['an R4 search', { criteria: 'AuditEvent?outcome=0' }, 'Subscription.criteria'],
    ['a topic by its bare name', { criteria: 'child-checked' }, 'Subscription.criteria'],
    ['an unknown filter', filter('postcode=S1'), 'Subscription.criteria.extension[0]'],
    ['a filter without a value', filter('plan-status'), 'Subscription.criteria.extension[0]'],
    ['an unknown plan status', filter('plan-status=ended'), 'Subscription.criteria.extension[0]'],
    ['an unknown plan type', filter('plan-type=XYZ'), 'Subscription.criteria.extension[0]'],
    ['an unknown setting', filter('setting=pub'), 'Subscription.criteria.extension[0]'],
    ['one bad value of several', filter('setting=ambulance,pub'), 'Subscription.criteria.extension[0]'],
    ['a count without ge', filter('incidents-in-six-months=3'), 'Subscription.criteria.extension[0]'],
    ['a count with le', filter('incidents-in-six-months=le3'), 'Subscription.criteria.extension[0]'],
    ['a count of nothing', filter('incidents-in-six-months=ge0'), 'Subscription.criteria.extension[0]'],
    ['a filter that is no text', filter(3), 'Subscription.criteria.extension[0]'],
    ['an unknown extension', filter('plan-status=open', 'http://example.org/x'), 'Subscription.criteria.extension[0]'],
    ['no reason', { reason: ' ' }, 'Subscription.reason'],
    ['an end without a zone', { end: '2027-01-01T00:00:00' }, 'Subscription.end'],
    ['an end that is a day', { end: '2027-01-01' }, 'Subscription.end'],
    ['status active', { status: 'active' }, 'Subscription.status'],
    ['status error', { status: 'error' }, 'Subscription.status'],
  ])('%s', (_, parts, place) => {
    expect(faults(subscription(parts))).toEqual([`SUBSCRIPTION_NOT_TAKEN ${place}`])
  })

  const number = (name: 'heartbeat' | 'timeout' | 'maxCount', value: Json) => ({
    extension: [{ url: BACKPORT_EXTENSION[name], ...value }],
  })
  const content = (...codes: readonly string[]) => ({
    _payload: { extension: codes.map((valueCode) => ({ url: BACKPORT_EXTENSION.content, valueCode })) },
  })
  test.each<[string, Json, string]>([
    ['channel sms', { type: 'sms' }, 'Subscription.channel.type'],
    ['no endpoint', { endpoint: undefined }, 'Subscription.channel.endpoint'],
    ['XML', { payload: 'application/fhir+xml' }, 'Subscription.channel.payload'],
    ['another version', { payload: 'application/fhir+json; fhirVersion=5.0' }, 'Subscription.channel.payload'],
    ['a line break in the payload', { payload: 'application/fhir+json\r\nx: y' }, 'Subscription.channel.payload'],
    ['no payload', { payload: undefined }, 'Subscription.channel.payload'],
    ['no payload content', { _payload: undefined }, 'Subscription.channel.payload'],
    ['an unknown payload content', content('everything'), 'Subscription.channel.payload'],
    ['two payload contents', content('empty', 'id-only'), 'Subscription.channel.payload'],
    [
      'an unknown payload extension',
      { _payload: { extension: [{ url: 'http://example.org/x', valueCode: 'empty' }] } },
      'Subscription.channel.payload.extension[0]',
    ],
    ['a heartbeat of 0', number('heartbeat', { valueUnsignedInt: 0 }), 'Subscription.channel.extension[0]'],
    ['a timeout over a minute', number('timeout', { valueUnsignedInt: 61 }), 'Subscription.channel.extension[0]'],
    ['a max-count of 0', number('maxCount', { valuePositiveInt: 0 }), 'Subscription.channel.extension[0]'],
    ['a max-count of 1.5', number('maxCount', { valuePositiveInt: 1.5 }), 'Subscription.channel.extension[0]'],
    ['a max-count of the wrong type', number('maxCount', { valueString: '5' }), 'Subscription.channel.extension[0]'],
    [
      'an unknown channel extension',
      { extension: [{ url: 'http://example.org/x' }] },
      'Subscription.channel.extension[0]',
    ],
    ['a header that is no header', { header: ['nonsense'] }, 'Subscription.channel.header[0]'],
    ['a header with CR LF', { header: ['A: b', 'X: y\r\nHost: evil'] }, 'Subscription.channel.header[1]'],
    ['a header with LF', { header: ['X: y\nHost: evil'] }, 'Subscription.channel.header[0]'],
    ['a header beyond ASCII', { header: ['X: é'] }, 'Subscription.channel.header[0]'],
    ['a header name with a space', { header: ['X Y: z'] }, 'Subscription.channel.header[0]'],
    ['the same header twice', { header: ['X: 1', 'x: 2'] }, 'Subscription.channel.header[1]'],
    ['an endpoint that is no URL', { endpoint: 'la.example/hook' }, 'Subscription.channel.endpoint'],
    ['an endpoint of another scheme', { endpoint: 'ftp://la.example/hook' }, 'Subscription.channel.endpoint'],
    ['a user in the endpoint', { endpoint: 'https://a:b@la.example/hook' }, 'Subscription.channel.endpoint'],
    ['a line break in the endpoint', { endpoint: 'https://la.example/\nhook' }, 'Subscription.channel.endpoint'],
  ])('%s', (_, parts, place) => {
    expect(faults(subscription({}, parts))).toEqual([`SUBSCRIPTION_NOT_TAKEN ${place}`])
  })

  test.each([
    'Host',
    'Connection',
    'Content-Type',
    'content-length',
    'Transfer-Encoding',
    'Webhook-Id',
    'WEBHOOK-SIGNATURE',
    'webhook-anything',
    'Proxy-Authorization',
    'Upgrade',
    'Expect',
  ])('the reserved header %s', (name) => {
    expect(faults(subscription({}, { header: [`${name}: x`] }))).toEqual([
      'SUBSCRIPTION_NOT_TAKEN Subscription.channel.header[0]',
    ])
  })

  test.each([
    ['a host that is not listed', 'https://other.example/hook', sandbox],
    ['a port that is not listed', 'https://la.example:444/hook', sandbox],
    ['a name below a listed one', 'https://x.la.example/hook', sandbox],
    ['plain http', 'http://la.example/hook', sandbox],
    ['a private address', 'https://10.0.0.1/hook', sandbox],
    ['loopback in production', 'https://127.0.0.1/hook', production],
    ['plain loopback in production', 'http://localhost:9000/hook', production],
  ])('an endpoint that is not allowed: %s', (_, endpoint, facts) => {
    expect(faults(subscription({}, { endpoint }), facts)).toEqual([
      'ENDPOINT_NOT_ALLOWED Subscription.channel.endpoint',
    ])
  })

  test('filters on a topic that has none', () => {
    const parts = { criteria: canonical('SubscriptionTopic', 'baby-born'), ...filter('plan-status=open') }
    expect(faults(subscription(parts))).toEqual(['SUBSCRIPTION_NOT_TAKEN Subscription.criteria.extension[0]'])
  })

  test('all faults are told at once', () => {
    const sent = subscription(
      { status: 'active', reason: '' },
      { type: 'sms', _payload: undefined, header: ['Host: x'] },
    )
    expect(faults(sent)).toHaveLength(5)
  })

  test('something without a channel', () => {
    expect(faults(subscription({ channel: undefined }))).toContain('SUBSCRIPTION_NOT_TAKEN Subscription.channel.type')
  })

  test('parts of a wrong shape are left to base validation and break nothing', () => {
    const sent = subscription({ _criteria: { extension: 'x' } }, { header: 'A: b', extension: {} })
    expect(faults(sent)).toEqual([])
    expect(faults(subscription({}, { header: [7] }))).toEqual(['SUBSCRIPTION_NOT_TAKEN Subscription.channel.header[0]'])
  })

  test('no issue repeats what was sent', () => {
    const sent = subscription({ criteria: 'secret-1' }, { endpoint: 'secret-2', header: ['Host: secret-3'] })
    expect(JSON.stringify(parseSubscription(sent, sandbox).issues)).not.toContain('secret')
  })
})

describe('a Subscription that is taken', () => {
  test('with everything said', () => {
    const sent = subscription(
      {
        end: '2027-01-01T01:00:00+01:00',
        _criteria: {
          extension: [
            'plan-status=open',
            'plan-type=CPP,764841000000100',
            'setting=ambulance',
            'incidents-in-six-months=ge3',
          ].map((valueString) => ({ url: BACKPORT_EXTENSION.filter, valueString })),
        },
      },
      {
        payload: 'application/fhir+json;fhirVersion=4.0',
        header: ['Authorization: Bearer abc', 'X-Desk: MASH'],
        extension: [
          { url: BACKPORT_EXTENSION.heartbeat, valueUnsignedInt: 86_400 },
          { url: BACKPORT_EXTENSION.timeout, valueUnsignedInt: 60 },
          { url: BACKPORT_EXTENSION.maxCount, valuePositiveInt: 20 },
        ],
      },
    )
    const { issues, draft } = parseSubscription(sent, production)
    expect(issues).toEqual([])
    expect(draft).toEqual({
      topic: 'child-checked',
      criteria: canonical('SubscriptionTopic', 'child-checked'),
      status: 'requested',
      filters: [
        { kind: 'plan-status', anyOf: ['open'] },
        { kind: 'plan-type', anyOf: ['CPP', 'LAC'] },
        { kind: 'setting', anyOf: ['ambulance'] },
        { kind: 'incidents-in-six-months', atLeast: 3 },
      ],
      channel: 'rest-hook',
      endpoint: 'https://la.example/hook',
      headers: [
        { name: 'Authorization', value: 'Bearer abc' },
        { name: 'X-Desk', value: 'MASH' },
      ],
      contentType: 'application/fhir+json;fhirVersion=4.0',
      content: 'id-only',
      timeoutSeconds: 60,
      heartbeatSeconds: 86_400,
      maxCount: 20,
      end: '2027-01-01T00:00:00.000Z',
    })
    expect(draft && buildSubscriptionIndex(draft)).toEqual({
      identifiers: [],
      unique: [],
      status: 'requested',
      topic: canonical('SubscriptionTopic', 'child-checked'),
      url: 'https://la.example/hook',
      end: '2027-01-01T00:00:00.000Z',
    })
  })

  test.each(['child-checked', 'incident-opened', 'nhs-number-superseded', 'nhs-number-missing', 'baby-born'])(
    'on topic %s',
    (topic) => {
      expect(faults(subscription({ criteria: canonical('SubscriptionTopic', topic) }))).toEqual([])
    },
  )

  test.each(['empty', 'id-only', 'full-resource'])('with payload content %s', (valueCode) => {
    const parts = { _payload: { extension: [{ url: BACKPORT_EXTENSION.content, valueCode }] } }
    expect(faults(subscription({}, parts))).toEqual([])
  })

  test.each([
    'http://127.0.0.1:9000/hook',
    'http://localhost:9000/hook',
    'https://127.0.0.1/hook',
    'http://[::1]:9000/hook',
    'https://la.example:8443/hook',
    'https://LA.example/hook',
  ])('at %s in a sandbox', (endpoint) => {
    expect(faults(subscription({}, { endpoint }))).toEqual([])
  })

  test('absent max-count means one', () => {
    expect(parseSubscription(subscription(), sandbox).draft?.maxCount).toBe(1)
  })

  test('stored, it is understood in every status', () => {
    for (const status of ['requested', 'active', 'error', 'off']) {
      expect(parseStoredSubscription(subscription({ status }))?.status).toBe(status)
    }
  })
})

describe('matching an event', () => {
  const event: RegisterEvent = {
    id: 'e1',
    at: '2026-05-03T09:00:00.000Z',
    topic: 'child-checked',
    authority: AUTHORITY,
    plans: [
      { id: 'p1' as ResourceId, version: 1, type: 'LAC' },
      { id: 'p2' as ResourceId, version: 1, type: 'CPP' },
    ],
    caseStatus: 'open',
    setting: 'ambulance',
    incident: { id: 'i1', leg: 2, inSixMonths: 3 },
    auditId: 'a1',
  }
  const wants = (filters: readonly string[], changed: Partial<RegisterEvent> = {}): boolean => {
    const extension = filters.map((valueString) => ({ url: BACKPORT_EXTENSION.filter, valueString }))
    const draft = parseStoredSubscription(subscription({ _criteria: { extension } }))
    if (draft === undefined) throw new Error('not understood')
    return matchesFilters(draft, { ...event, ...changed })
  }

  test.each<[readonly string[], boolean]>([
    [[], true],
    [['plan-status=open'], true],
    [['plan-status=closed'], false],
    [['plan-status=open,closed'], true],
    [['plan-type=CPP'], true],
    [['plan-type=UCPP'], false],
    [['plan-type=http://snomed.info/sct|764841000000100'], true],
    [['setting=ambulance,nhs-111'], true],
    [['setting=nhs-111'], false],
    [['incidents-in-six-months=ge3'], true],
    [['incidents-in-six-months=ge4'], false],
    [['plan-status=open', 'setting=nhs-111'], false],
    [['plan-status=open', 'plan-type=LAC', 'setting=ambulance', 'incidents-in-six-months=ge1'], true],
  ])('%j is %s', (filters, expected) => {
    expect(wants(filters)).toBe(expected)
  })

  test('another topic is not wanted', () => {
    expect(wants([], { topic: 'incident-opened' })).toBe(false)
  })
})

describe('header values', () => {
  const stored = subscription({}, { header: ['Authorization: Bearer abc', 'X-Desk: MASH'] })

  test('are masked on reading, the rest is as it was', () => {
    const masked = maskHeaders(stored)
    expect(masked.channel.header).toEqual([`Authorization: ${MASK}`, `X-Desk: ${MASK}`])
    expect(JSON.stringify(masked)).not.toContain('abc')
    expect({ ...masked, channel: { ...masked.channel, header: stored.channel.header } }).toEqual(stored)
    expect(maskHeaders(subscription())).toEqual(subscription())
  })

  test('a mask sent back keeps the stored value, in any order and case', () => {
    const sent = subscription({}, { header: [`x-desk: ${MASK}`, 'Authorization: Bearer new'] })
    const { subscription: restored, issues } = restoreHeaders(sent, stored)
    expect(issues).toEqual([])
    expect(restored.channel.header).toEqual(['X-Desk: MASH', 'Authorization: Bearer new'])
  })

  test.each([
    ['on create', undefined],
    ['of a name that holds none', stored],
  ])('a mask %s is refused', (_, held) => {
    const sent = subscription({}, { header: [`X-Other: ${MASK}`] })
    expect(restoreHeaders(sent, held).issues).toMatchObject([
      { code: 'SUBSCRIPTION_NOT_TAKEN', expression: 'Subscription.channel.header[0]' },
    ])
  })
})
