import { describe, expect, test } from '@jest/globals'
import { parseNotification, relativeReference } from '../../src/cli/notification.ts'

const notification = {
  resourceType: 'Bundle',
  type: 'history',
  entry: [
    {
      fullUrl: 'urn:uuid:1',
      resource: {
        resourceType: 'Parameters',
        parameter: [
          { name: 'subscription', valueReference: { reference: 'http://x/FHIR/R4/Subscription/s1' } },
          { name: 'topic', valueCanonical: 'https://cpis.example/fhir/SubscriptionTopic/child-checked' },
          { name: 'status', valueCode: 'active' },
          { name: 'type', valueCode: 'event-notification' },
          { name: 'events-since-subscription-start', valueString: '7' },
          {
            name: 'notification-event',
            part: [
              { name: 'event-number', valueString: '7' },
              { name: 'focus', valueReference: { reference: 'http://x/FHIR/R4/AuditEvent/a1' } },
              { name: 'additional-context', valueReference: { reference: 'http://x/FHIR/R4/EpisodeOfCare/e1' } },
              { name: 'additional-context', valueReference: { reference: 'http://x/FHIR/R4/EpisodeOfCare/e2' } },
            ],
          },
        ],
      },
    },
  ],
}

describe('a notification is read', () => {
  test.each([undefined, 'text', {}, { resourceType: 'Bundle' }, { resourceType: 'Bundle', entry: [{}] }])(
    'refuses %j',
    (body) => {
      expect(() => parseNotification(body)).toThrow('The server answered something that is no')
    },
  )

  test('gives number, focus and every plan of each event', () => {
    expect(parseNotification(notification)).toEqual({
      type: 'event-notification',
      topic: 'https://cpis.example/fhir/SubscriptionTopic/child-checked',
      subscription: 'http://x/FHIR/R4/Subscription/s1',
      eventsSinceStart: 7,
      events: [
        {
          number: 7,
          focus: 'http://x/FHIR/R4/AuditEvent/a1',
          context: ['http://x/FHIR/R4/EpisodeOfCare/e1', 'http://x/FHIR/R4/EpisodeOfCare/e2'],
        },
      ],
    })
  })

  test.each([
    ['http://x/FHIR/R4/AuditEvent/a1', 'AuditEvent/a1'],
    ['AuditEvent/a1', 'AuditEvent/a1'],
    ['https://x/FHIR/R4/EpisodeOfCare/e1/_history/3', 'EpisodeOfCare/e1'],
    ['urn:uuid:1', undefined],
    ['', undefined],
  ])('the reference %s leads to %s', (reference, path) => {
    expect(relativeReference(reference)).toBe(path)
  })
})
