/** The name of a notification: what receivers drop repeats by (delivery.md step 5). */
import { randomUUID } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { messageIdOf } from '../../src/delivery/send-due.ts'
import type { NumberedEvent } from '../../src/store/delivery-store.ts'

const event = (number: number, id: string): NumberedEvent => ({
  number,
  event: {
    id,
    at: '2026-05-03T10:00:00.000Z',
    topic: 'nhs-number-missing',
    authority: 'E10000007',
    plans: [],
    caseStatus: 'open',
  } as unknown as NumberedEvent['event'],
})
const [one, two, other] = [randomUUID(), randomUUID(), randomUUID()]
const named = messageIdOf('lane', [event(7, one), event(8, two)])

test('is the same for the same events', () => {
  expect(messageIdOf('lane', [event(7, one), event(8, two)])).toBe(named)
  expect(named).toMatch(/^lane_7_8_[0-9a-f]{12}$/)
})

test.each([
  ['another first event', [event(7, other), event(8, two)]],
  ['another last event', [event(7, one), event(8, other)]],
  ['fewer events', [event(7, one)]],
  ['the other order', [event(7, two), event(8, one)]],
])('is another for %s under the same numbers: a restore from a backup gives numbers away again', (_words, events) => {
  expect(messageIdOf('lane', events)).not.toBe(named)
})
