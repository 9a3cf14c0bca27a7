/** What a Subscription of channel email may ask for (delivery.md "Subscription"). */
import { describe, expect, test } from '@jest/globals'
import type { Subscription } from '@medplum/fhirtypes'
import type { AuthorityCode } from '../../src/domain/brands.ts'
import { parseSubscription, type SubscriptionFacts } from '../../src/domain/subscription.ts'
import { BACKPORT_EXTENSION } from '../../src/domain/subscription-channel.ts'
import { canonical } from '../../src/fhir/canonicals.ts'

const FACTS: SubscriptionFacts = {
  authority: 'E10000007' as AuthorityCode,
  mode: 'production',
  allowedHosts: [],
  allowedMailboxes: ['duty@council.gov.uk'],
}
const CONTENT = (code: string): object => ({ extension: [{ url: BACKPORT_EXTENSION.content, valueCode: code }] })

function mailOf(channel: object = {}): Subscription {
  return {
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'Alerts for the duty desk',
    criteria: canonical('SubscriptionTopic', 'child-checked'),
    channel: {
      type: 'email',
      endpoint: 'mailto:duty@council.gov.uk',
      payload: 'text/plain',
      _payload: CONTENT('empty'),
      ...channel,
    },
  } as Subscription
}

const digest = (value: object): object => ({ extension: [{ url: BACKPORT_EXTENSION.digest, ...value }] })

describe('refused at its place', () => {
  test.each<readonly [string, object, string, string]>([
    ['a query', { endpoint: 'mailto:duty@council.gov.uk?cc=x@y.example' }, 'SUBSCRIPTION_NOT_TAKEN', 'endpoint'],
    ['two mailboxes', { endpoint: 'mailto:duty@council.gov.uk,a@b.example' }, 'SUBSCRIPTION_NOT_TAKEN', 'endpoint'],
    ['an https endpoint', { endpoint: 'https://council.gov.uk' }, 'SUBSCRIPTION_NOT_TAKEN', 'endpoint'],
    ['none', { endpoint: undefined }, 'SUBSCRIPTION_NOT_TAKEN', 'endpoint'],
    ['one not on the list', { endpoint: 'mailto:other@council.gov.uk' }, 'ENDPOINT_NOT_ALLOWED', 'endpoint'],
    ['FHIR in a mail', { payload: 'application/fhir+json' }, 'SUBSCRIPTION_NOT_TAKEN', 'payload'],
    ['HTML', { payload: 'text/html' }, 'SUBSCRIPTION_NOT_TAKEN', 'payload'],
    ['resources', { _payload: CONTENT('full-resource') }, 'SUBSCRIPTION_NOT_TAKEN', 'payload'],
    ['no content said', { _payload: undefined }, 'SUBSCRIPTION_NOT_TAKEN', 'payload'],
    ['a header', { header: ['Bcc: x@y.example'] }, 'SUBSCRIPTION_NOT_TAKEN', 'header'],
    [
      'a heartbeat',
      { extension: [{ url: BACKPORT_EXTENSION.heartbeat, valueUnsignedInt: 60 }] },
      'SUBSCRIPTION_NOT_TAKEN',
      'extension',
    ],
    ['a digest over a day', digest({ valuePositiveInt: 1_441 }), 'SUBSCRIPTION_NOT_TAKEN', 'extension[0]'],
    ['a digest of nothing', digest({ valuePositiveInt: 0 }), 'SUBSCRIPTION_NOT_TAKEN', 'extension[0]'],
    ['a digest of another type', digest({ valueUnsignedInt: 5 }), 'SUBSCRIPTION_NOT_TAKEN', 'extension[0]'],
    ['another channel', { type: 'sms' }, 'SUBSCRIPTION_NOT_TAKEN', 'type'],
  ])('%s', (_what, channel, code, place) => {
    const { issues, draft } = parseSubscription(mailOf(channel), FACTS)
    expect(draft).toBeUndefined()
    expect(issues.map((one) => [one.code, one.expression])).toContainEqual([code, `Subscription.channel.${place}`])
  })

  test('mail where none is sent', () => {
    const { allowedMailboxes: _none, ...facts } = FACTS
    const { issues } = parseSubscription(mailOf(), facts)
    expect(issues.map((one) => [one.code, one.expression])).toEqual([
      ['SUBSCRIPTION_NOT_TAKEN', 'Subscription.channel.type'],
    ])
  })

  test('a digest of a rest-hook', () => {
    const hook = { type: 'rest-hook', endpoint: 'https://x.gov.uk', payload: 'application/fhir+json' }
    const facts = { ...FACTS, allowedHosts: ['x.gov.uk'] }
    const { issues } = parseSubscription(mailOf({ ...hook, ...digest({ valuePositiveInt: 5 }) }), facts)
    expect(issues.map((one) => one.expression)).toEqual(['Subscription.channel.extension'])
    expect(parseSubscription(mailOf(hook), facts).draft).toMatchObject({ channel: 'rest-hook' })
  })
})

describe('taken', () => {
  test.each<readonly [string, object, object]>([
    ['each event a mail', {}, { channel: 'email', content: 'empty', maxCount: 1 }],
    ['with links', { _payload: CONTENT('id-only') }, { content: 'id-only' }],
    [
      'what waits together',
      { extension: [{ url: BACKPORT_EXTENSION.maxCount, valuePositiveInt: 20 }] },
      { maxCount: 20 },
    ],
    ['gathered for an hour', digest({ valuePositiveInt: 60 }), { digestMinutes: 60, maxCount: 100 }],
  ])('%s', (_what, channel, draft) => {
    expect(parseSubscription(mailOf(channel), FACTS)).toMatchObject({ issues: [], draft })
  })
})
