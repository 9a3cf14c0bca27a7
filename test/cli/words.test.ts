import { describe, expect, test } from '@jest/globals'
import { sayCount, sayDay, sayInstant, sayNumber, sayTime, shortName } from '../../src/cli/words.ts'

describe('words of the command line', () => {
  test.each([
    ['2026-05-03', undefined, '3 May 2026'],
    ['2026-05-03', '2026-12-31', '3 May'],
    ['2025-05-03', '2026-12-31', '3 May 2025'],
    ['2026-05', undefined, '2026-05'],
    ['', undefined, ''],
  ])('the day %s beside %s is said as %s', (day, beside, words) => {
    expect(sayDay(day, beside)).toBe(words)
  })

  test.each([
    ['2026-05-03T08:12:00Z', '09:12'],
    ['2026-01-03T08:12:00Z', '08:12'],
    ['2026-10-25T00:30:00Z', '01:30'],
  ])('%s is %s in London', (instant, words) => {
    expect(sayTime(new Date(instant))).toBe(words)
  })

  test.each([
    ['9995973952', '999 597 3952'],
    ['999 597 3952', '999 597 3952'],
    ['999597395', '999597395'],
  ])('the number %s is printed as %s', (number, words) => {
    expect(sayNumber(number)).toBe(words)
  })

  test.each([
    ['Ravi Khan', 'R. Khan'],
    ['R. Khan', 'R. Khan'],
    ['KHAN, Ravi', 'R. Khan'],
    ["Mary-Ann O'Neill", "M. O'Neill"],
    ['Alma Beth Sample', 'A. Sample'],
    ['Cher', 'Cher'],
  ])('%s is shortened to %s', (name, words) => {
    expect(shortName(name)).toBe(words)
  })

  test('one is singular', () => {
    expect([sayCount(1, 'plan'), sayCount(0, 'plan'), sayCount(2, 'plan')]).toEqual(['1 plan', '0 plans', '2 plans'])
  })
})

test('P5 an instant is told by the day and the time in London, an hour before midnight UTC too', () => {
  expect(sayInstant('2026-05-02T23:30:00.000Z')).toBe('3 May 2026 00:30')
  expect(sayInstant('2026-11-24T23:30:00.000Z')).toBe('24 November 2026 23:30')
})
