import { describe, expect, test } from '@jest/globals'
import { decideNext, GIVE_UP_AFTER_MS, isTryDue, latestTry, retryAfterMs } from '../../src/delivery/schedule.ts'

const now = new Date('2026-05-03T09:00:00Z')
const MIDDLE = 0.5

function waitOf(failures: number, random = MIDDLE): number {
  const next = decideNext({ failures, failingSince: now, now, random })
  if (next.kind === 'spent') throw new Error('spent')
  return (next.at.getTime() - now.getTime()) / 1_000
}

describe('the schedule of delivery.md', () => {
  test.each([
    [1, 5],
    [2, 30],
    [3, 120],
    [4, 600],
    [5, 1_800],
    [6, 3_600],
    [7, 3_600],
    [60, 3_600],
  ])('after failure %i in a row the next try is %i seconds away', (failures, seconds) => {
    expect(waitOf(failures)).toBe(seconds)
  })

  test('jitter moves a try by at most a tenth', () => {
    expect(waitOf(6, 0)).toBe(3_240)
    expect(waitOf(6, 0.999999)).toBeCloseTo(3_960, 0)
  })

  test('gives up 72 hours after the first failure, and not a moment earlier', () => {
    const at = (ms: number) =>
      decideNext({ failures: 80, failingSince: now, now: new Date(now.getTime() + ms), random: MIDDLE })
    expect(at(GIVE_UP_AFTER_MS)).toEqual({ kind: 'spent' })
    expect(at(GIVE_UP_AFTER_MS - 1).kind).toBe('retry')
  })

  test('the last try is at 72 hours exactly', () => {
    const late = new Date(now.getTime() + GIVE_UP_AFTER_MS - 60_000)
    expect(decideNext({ failures: 80, failingSince: now, now: late, random: MIDDLE })).toEqual({
      kind: 'retry',
      at: new Date(now.getTime() + GIVE_UP_AFTER_MS),
    })
  })
})

describe('Retry-After', () => {
  test.each([
    ['120', 120_000],
    ['0', 5_000],
    ['3', 5_000],
    ['3600', 3_600_000],
    ['99999999999999', 3_600_000],
    ['Sun, 03 May 2026 09:10:00 GMT', 600_000],
    ['Sun, 03 May 2037 09:10:00 GMT', 3_600_000],
  ])('%s means %i ms', (text, wait) => {
    expect(retryAfterMs(text, now)).toBe(wait)
  })

  test.each(['', 'soon', '-5', '1e9', 'NaN', 'Sun, 03 May 2026 08:10:00 GMT', '2026-05-03', '12, 13'])(
    '%p says nothing usable',
    (text) => {
      expect(retryAfterMs(text, now)).toBeUndefined()
    },
  )

  test('takes the place of the schedule', () => {
    expect(decideNext({ failures: 1, failingSince: now, now, random: MIDDLE, retryAfter: '900' })).toEqual({
      kind: 'retry',
      at: new Date(now.getTime() + 900_000),
    })
  })
})

describe('a next try that was kept', () => {
  const LONGEST = 3_960_000
  const inMs = (ms: number): Date => new Date(now.getTime() + ms)

  test.each([
    ['a moment ago', -1, true],
    ['now', 0, true],
    ['in a moment', 1, false],
    ['after the longest pause', LONGEST, false],
    ['later than that: by a clock that was ahead', LONGEST + 1, true],
    ['in a year', 31_536_000_000, true],
  ])('for %s', (_when, ms, isDue) => {
    expect(isTryDue(inMs(ms), now)).toBe(isDue)
  })

  test('or not at all is due', () => {
    expect(isTryDue(undefined, now)).toBe(true)
  })

  test.each([
    ['the schedule', {}],
    ['Retry-After', { retryAfter: '99999999' }],
    ['a Retry-After by date', { retryAfter: 'Sun, 03 May 2037 09:10:00 GMT' }],
  ])('%s never asks for more than the longest pause', (_name, more) => {
    const next = decideNext({ failures: 60, failingSince: now, now, random: 1 - 2 ** -32, ...more })
    if (next.kind === 'spent') throw new Error('spent')
    expect(next.at <= latestTry(now)).toBe(true)
    expect(latestTry(now)).toEqual(inMs(LONGEST))
  })
})
