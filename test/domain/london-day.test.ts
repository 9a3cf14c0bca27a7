import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  addCalendarMonths,
  addDays,
  dayInWords,
  daysBetween,
  londonDayOf,
  londonInstant,
  parseDay,
} from '../../src/domain/london-day.ts'
import { day } from '../support/domain-facts.ts'

describe('P5 the London day of an instant', () => {
  test.each([
    ['2026-01-15T23:59:59.999Z', '2026-01-15', 'winter, the last moment'],
    ['2026-01-16T00:00:00.000Z', '2026-01-16', 'winter, midnight'],
    ['2026-06-30T22:59:59.999Z', '2026-06-30', 'summer, the last moment'],
    ['2026-06-30T23:00:00.000Z', '2026-07-01', 'summer, midnight'],
    ['2026-03-28T23:59:59Z', '2026-03-28', 'before the clocks go forward'],
    ['2026-03-29T00:00:00Z', '2026-03-29', 'the night they go forward'],
    ['2026-03-29T22:59:59Z', '2026-03-29', 'the end of the short day'],
    ['2026-03-29T23:00:00Z', '2026-03-30', 'the day after it'],
    ['2026-10-24T23:00:00Z', '2026-10-25', 'the night the clocks go back'],
    ['2026-10-25T23:59:59Z', '2026-10-25', 'the end of the long day'],
    ['2026-10-26T00:00:00Z', '2026-10-26', 'the day after it'],
    ['1970-06-30T23:00:00Z', '1970-07-01', 'the years of summer time all winter'],
  ])('%s is %s (%s)', (instant, expected) => {
    expect(londonDayOf(new Date(instant))).toBe(expected)
  })

  test('is no day for an invalid date', () => {
    expect(() => londonDayOf(new Date('nonsense'))).toThrow(RangeError)
  })

  test('is what the calendar of the platform says, whatever was asked before', () => {
    const calendar = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/London', dateStyle: 'short' })
    const instants = fc.date({ min: new Date('1972-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
    fc.assert(fc.property(instants, (instant) => expect(londonDayOf(instant)).toBe(calendar.format(instant))))
  })
})

describe('arithmetic of days', () => {
  test.each([
    ['2019-01-31', 365, '2020-01-31'],
    ['2019-03-01', 365, '2020-02-29'],
    ['2026-03-28', 2, '2026-03-30'],
    ['2026-10-24', 2, '2026-10-26'],
    ['2026-01-01', -1, '2025-12-31'],
    ['2026-05-03', 0, '2026-05-03'],
  ])('%s + %i days is %s', (from, days, to) => {
    expect(addDays(day(from), days)).toBe(to)
    expect(daysBetween(day(from), day(to))).toBe(days)
  })

  test.each([
    ['2026-08-31', -6, '2026-02-28'],
    ['2024-08-31', -6, '2024-02-29'],
    ['2026-05-03', -6, '2025-11-03'],
    ['2026-01-31', 1, '2026-02-28'],
    ['2026-12-15', 1, '2027-01-15'],
    ['2026-05-03', 12, '2027-05-03'],
    ['2024-02-29', 12, '2025-02-28'],
  ])('%s + %i calendar months is %s', (from, months, to) => {
    expect(addCalendarMonths(day(from), months)).toBe(to)
  })

  test.each([
    ['2026-07-10T08:00:00.000Z', -6, '2026-01-10T09:00:00.000Z', 'summer to winter keeps the hour on the clock'],
    ['2026-01-10T09:00:00.000Z', -6, '2025-07-10T08:00:00.000Z', 'winter to summer too'],
    ['2026-08-30T23:30:00.500Z', -6, '2026-02-28T00:30:00.500Z', 'the London day counts, not the UTC one'],
  ])('%s + %i months is %s: %s', (from, months, to) => {
    expect(addCalendarMonths(new Date(from), months).toISOString()).toBe(to)
  })

  test.each([
    ['2026-01-15', 8, '2026-01-15T08:00:00.000Z'],
    ['2026-07-15', 8, '2026-07-15T07:00:00.000Z'],
    ['2026-03-29', 8, '2026-03-29T07:00:00.000Z'],
    ['2026-10-25', 8, '2026-10-25T08:00:00.000Z'],
    ['2026-03-29', 1, '2026-03-29T01:00:00.000Z'],
    ['2026-10-25', 1, '2026-10-25T00:00:00.000Z'],
    ['2026-07-15', 0, '2026-07-14T23:00:00.000Z'],
  ])('London %s at %i o’clock is %s', (on, hour, instant) => {
    expect(londonInstant(day(on), hour).toISOString()).toBe(instant)
  })

  test('8 o’clock of a day is always of that day', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30_000 }), (days) => {
        const on = addDays(day('1990-01-01'), days)
        expect(londonDayOf(londonInstant(on, 8))).toBe(on)
      }),
    )
  })

  test('a day in words', () => {
    expect(dayInWords(day('2026-05-03'))).toBe('3 May 2026')
  })
})

describe('a day is parsed', () => {
  test.each([
    ['2026-05-03', '2026-05-03'],
    ['2024-02-29', '2024-02-29'],
    ['2026-06-30T23:30:00Z', '2026-07-01'],
    ['2026-07-01T00:15:00+01:00', '2026-07-01'],
    ['2026-05-03T00:30:00.123456+14:00', '2026-05-02'],
    ['2026-12-31T23:59:60Z', '2026-12-31'],
  ])('%s is %s', (text, expected) => {
    expect(parseDay(text)).toBe(expected)
  })

  test.each([
    '2026',
    '2026-05',
    '2026-02-29',
    '2026-04-31',
    '2026-13-01',
    '2026-00-10',
    '0000-01-01',
    '2026-5-3',
    '03/05/2026',
    '2026-05-03T10:00:00',
    '2026-05-03T10:00Z',
    '2026-05-03T24:00:00Z',
    '2026-05-03T10:00:00+15:00',
    '2026-02-30T10:00:00Z',
    ' 2026-05-03',
    '',
    undefined,
    20260503,
  ])('%j is no whole day', (text) => {
    expect(parseDay(text)).toBeUndefined()
  })
})
