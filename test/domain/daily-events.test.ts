import { describe, expect, test } from '@jest/globals'
import {
  daysWithoutNumber,
  hasDailyHourCome,
  isChased,
  isDailyEventDue,
  parkedEventDue,
  supersededEventDue,
} from '../../src/domain/daily-events.ts'
import { day, plan, TODAY } from '../support/domain-facts.ts'
import { testNumber } from '../support/nhs-numbers.ts'

describe('R17 days without a number', () => {
  test.each([
    ['2026-05-03T07:00:00Z', 0],
    ['2026-05-02T22:59:00Z', 1],
    ['2026-05-02T23:00:00Z', 0],
    ['2026-04-03T12:00:00Z', 30],
  ])('filed %s: %i on 3 May', (filedAt, days) => {
    expect(daysWithoutNumber(filedAt, TODAY)).toBe(days)
  })
})

describe('R17 the event of 08:00 London', () => {
  const filed = '2026-05-03T05:00:00Z'
  test.each<[string, string | undefined, string, boolean, string]>([
    [filed, undefined, '2026-05-03T06:59:59Z', false, 'before the hour'],
    [filed, undefined, '2026-05-03T07:00:00Z', true, 'at the hour of the day of filing'],
    [filed, '2026-05-03', '2026-05-03T20:00:00Z', false, 'told today already'],
    [filed, '2026-05-02', '2026-05-03T20:00:00Z', true, 'missed today: made up today'],
    [filed, '2026-05-03', '2026-05-06T10:00:00Z', true, 'missed for days: once, for today'],
    [
      '2026-05-03T09:00:00Z',
      undefined,
      '2026-05-03T12:00:00Z',
      false,
      'filed after the hour: told at once, then tomorrow',
    ],
    ['2026-05-03T09:00:00Z', undefined, '2026-05-04T07:00:00Z', true, 'tomorrow'],
    ['2026-05-03T07:00:00Z', undefined, '2026-05-03T07:00:00Z', false, 'filed on the hour: told at once'],
    ['2026-10-20T09:00:00Z', '2026-10-24', '2026-10-25T07:30:00Z', false, 'the clocks went back: 07:30 is not 08:00'],
    ['2026-10-20T09:00:00Z', '2026-10-24', '2026-10-25T08:00:00Z', true, 'the clocks went back'],
    ['2026-03-20T09:00:00Z', '2026-03-28', '2026-03-29T07:00:00Z', true, 'the clocks went forward'],
  ])('filed %s, told %s, now %s: %s (%s)', (since, lastTold, now, due) => {
    const waiting = { since, ...(lastTold === undefined ? {} : { lastTold: day(lastTold) }) }
    expect(isDailyEventDue(waiting, new Date(now))).toBe(due)
    expect(parkedEventDue(plan(), waiting, new Date(now))).toBe(due)
  })

  test.each([
    [plan(), true, 'without a number'],
    [plan({ start: '2026-09-01' }), true, 'also before its start'],
    [plan({ start: '2025-01-01', end: '2025-05-03' }), true, 'until R2 ends it'],
    [plan({ start: '2025-01-01', end: '2025-05-02' }), false, 'R2 has ended it'],
    [plan({ withdrawn: true }), false, 'withdrawn'],
    [plan({ nhsNumber: testNumber('9995973952') }), false, 'the number arrived'],
  ])('%# chased: %s (%s)', (one, expected) => {
    expect(isChased(one, TODAY)).toBe(expected)
    expect(parkedEventDue(one, { since: '2026-05-01T00:00:00Z' }, new Date('2026-05-03T10:00:00Z'))).toBe(expected)
  })
})

describe('P5 the hour of the daily events', () => {
  test.each([
    ['2026-03-28T07:59:59.999Z', false],
    ['2026-03-28T08:00:00.000Z', true],
    ['2026-03-29T06:59:59.999Z', false],
    ['2026-03-29T07:00:00.000Z', true],
    ['2026-03-28T23:59:59.999Z', true],
    ['2026-03-29T00:00:00.000Z', false],
    ['2026-10-25T07:59:59.999Z', false],
    ['2026-10-25T08:00:00.000Z', true],
  ])('at %s it has come: %s', (now, expected) => {
    expect(hasDailyHourCome(new Date(now))).toBe(expected)
  })
})

describe('R23 the event of 08:00 about a replaced number', () => {
  const waiting = { since: '2026-05-01T00:00:00Z' }
  test.each([
    [plan(), '2026-05-03T07:00:00Z', true, 'visible, and the hour has come'],
    [plan(), '2026-05-03T06:59:59Z', false, 'before the hour'],
    [plan({ start: '2026-05-04' }), '2026-05-03T10:00:00Z', false, 'not begun'],
    [plan({ start: '2025-01-01', end: '2025-05-03' }), '2026-05-03T10:00:00Z', true, 'the last day of R2'],
    [plan({ start: '2025-01-01', end: '2025-05-02' }), '2026-05-03T10:00:00Z', false, 'R2 has ended it'],
    [plan({ birthDate: '2008-05-03' }), '2026-05-03T10:00:00Z', false, 'R6 has ended it'],
    [plan({ withdrawn: true }), '2026-05-03T10:00:00Z', false, 'withdrawn'],
  ])('%# due: %s at %s: %s (%s)', (one, now, expected) => {
    expect(supersededEventDue(one, waiting, new Date(now))).toBe(expected)
  })

  test('once a day', () => {
    const now = new Date('2026-05-03T10:00:00Z')
    expect(supersededEventDue(plan(), { ...waiting, lastTold: day('2026-05-03') }, now)).toBe(false)
    expect(supersededEventDue(plan(), { ...waiting, lastTold: day('2026-05-02') }, now)).toBe(true)
  })
})
