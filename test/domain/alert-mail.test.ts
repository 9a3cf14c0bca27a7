import { describe, expect, test } from '@jest/globals'
import { type AlertMailFacts, buildAlertMail } from '../../src/domain/alert-mail.ts'
import type { Topic } from '../../src/domain/events.ts'

const TOPICS: readonly Topic[] = [
  'child-checked',
  'incident-opened',
  'nhs-number-superseded',
  'nhs-number-missing',
  'baby-born',
]
const WORKLIST = 'https://cpis.example/worklist'
const FACTS: AlertMailFacts = {
  type: 'event-notification',
  topic: 'child-checked',
  numbers: [12],
  worklist: WORKLIST,
  links: [],
}

describe.each(TOPICS)('a mail about %s', (topic) => {
  test.each(['handshake', 'event-notification'] as const)('as %s is short plain ASCII with one link', (type) => {
    const { subject, text } = buildAlertMail({ ...FACTS, type, topic })
    expect(subject).toMatch(/^CP-IS: [ -~]{5,60}$/)
    expect(text).toMatch(/^[\n -~]+$/)
    expect(text.split('\n').filter((line) => line.length > 90)).toEqual([])
    expect(text.match(/https?:\S+/g)).toEqual([WORKLIST])
  })
})

test.each([
  [[12], 'CP-IS: 1 new alert', 'Alert 12 of'],
  [[12, 13], 'CP-IS: 2 new alerts', 'Alerts 12 to 13 of'],
  [[1, 2, 3, 4, 5], 'CP-IS: 5 new alerts', 'Alerts 1 to 5 of'],
])('%p are counted and numbered', (numbers, subject, words) => {
  const mail = buildAlertMail({ ...FACTS, numbers })
  expect(mail.subject).toBe(subject)
  expect(mail.text).toContain(words)
})

test('links stand in their order, after the worklist', () => {
  const links = ['https://cpis.example/FHIR/R4/AuditEvent/a', 'https://cpis.example/FHIR/R4/AuditEvent/b']
  expect(buildAlertMail({ ...FACTS, numbers: [1, 2], links }).text.match(/https?:\S+/g)).toEqual([WORKLIST, ...links])
})
