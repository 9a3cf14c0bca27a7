import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { NhsNumber } from '../../src/domain/brands.ts'
import {
  type Asked,
  CLUSTER,
  countMiss,
  findRun,
  MISS_CHECKS,
  MISS_WINDOW_MS,
  type MissCount,
  MOST_REMEMBERED,
  noteAsked,
  ORDERED_RUN,
  positionOf,
  RUN_WINDOW_MS,
  STRIDE_RUN,
} from '../../src/domain/enumeration.ts'
import { numberAt, numbersFrom, unrelatedNumbers } from '../support/valid-numbers.ts'

const MINUTE_MS = 60_000
const SEED = 20260503

/** Which check of a list, counted from 1, is found to complete a run; undefined when none is. */
function stopsAt(numbers: readonly NhsNumber[], everyMs = 1000): number | undefined {
  let asked: readonly Asked[] = []
  for (const [at, number] of numbers.entries()) {
    asked = noteAsked(asked, { position: positionOf(number), atMs: at * everyMs })
    if (findRun(asked) !== undefined) return at + 1
  }
  return undefined
}

function shuffled<T>(values: readonly T[], seed: number): readonly T[] {
  let state = seed
  const keyed = values.map((value) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return { value, key: state }
  })
  return keyed.sort((a, b) => a.key - b.key).map((one) => one.value)
}

describe('a user who runs through numbers is found', () => {
  const run = numbersFrom(999_200_000, 60)

  test('one after the other, at the eighth', () => {
    expect(stopsAt(run)).toBeLessThanOrEqual(ORDERED_RUN)
  })

  test('backwards', () => {
    expect(stopsAt(run.toReversed())).toBeLessThanOrEqual(ORDERED_RUN)
  })

  test('leaving some out', () => {
    expect(stopsAt(run.filter((_, at) => at % 3 !== 1))).toBeLessThanOrEqual(ORDERED_RUN)
  })

  test('in no order, once there are many neighbours', () => {
    expect(stopsAt(shuffled(run, 7))).toBeLessThanOrEqual(60)
    expect(stopsAt(shuffled(run.slice(0, CLUSTER), 7))).toBe(CLUSTER)
  })

  test.each([11, 100, 1000, 12_345])('in equal steps of %d', (step) => {
    const numbers = []
    for (let at = 999_000_001; numbers.length < STRIDE_RUN && at < 999_990_000; at += step) {
      const number = numberAt(at)
      if (number === undefined) numbers.length = 0
      else numbers.push(number)
    }
    expect(numbers).toHaveLength(STRIDE_RUN)
    expect(stopsAt(numbers)).toBe(STRIDE_RUN)
  })

  test('with other children in between', () => {
    const others = unrelatedNumbers(60)
    const mixed = run.flatMap((number, at) => [number, others[at] ?? number])
    expect(stopsAt(mixed)).toBeLessThanOrEqual(2 * ORDERED_RUN)
  })

  test('slowly, as long as the run fits into the window', () => {
    expect(stopsAt(run, RUN_WINDOW_MS / ORDERED_RUN - 1)).toBeDefined()
    expect(stopsAt(run, RUN_WINDOW_MS / 2)).toBeUndefined()
  })
})

describe('an honest user is not', () => {
  // Without bias: numbers of unrelated children do not gather at the ends of the range
  const position = fc.noBias(fc.integer({ min: 999_000_010, max: 999_999_900 }))
  const child = position
    .map((at) => numberAt(at) ?? numberAt(at - 1) ?? numberAt(at - 2))
    .filter((one) => one !== undefined)

  test('a ward that checks 30 unrelated children, in any order, some of them twice', () => {
    fc.assert(
      fc.property(fc.array(child, { minLength: 30, maxLength: 30 }), fc.integer({ min: 0, max: 29 }), (ward, again) => {
        expect(stopsAt([...ward, ...ward.slice(again)], 10_000)).toBeUndefined()
      }),
      { numRuns: 500, seed: SEED },
    )
  })

  test('a ward with twins and triplets, whose numbers follow each other', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(child, fc.integer({ min: 1, max: 3 })), { minLength: 10, maxLength: 10 }),
        (families) => {
          const ward = families.flatMap(([first, children]) =>
            numbersFrom(Math.min(positionOf(first), 999_999_900), children),
          )
          expect(stopsAt(ward, 10_000)).toBeUndefined()
        },
      ),
      { numRuns: 500, seed: SEED },
    )
  })

  test('one who asks for the same child again and again', () => {
    const [number] = numbersFrom(999_300_000, 1)
    expect(stopsAt(Array.from({ length: 200 }, () => number ?? ('' as NhsNumber)))).toBeUndefined()
  })

  test('a ward of seven neighbours in order', () => {
    expect(stopsAt(numbersFrom(999_300_000, ORDERED_RUN - 1))).toBeUndefined()
  })
})

test('no more is remembered than the bound', () => {
  let asked: readonly Asked[] = []
  for (let at = 0; at < 1000; at += 1) asked = noteAsked(asked, { position: 999_000_000 + at * at, atMs: at })
  expect(asked).toHaveLength(MOST_REMEMBERED)
})

describe('the ratio of checks that find nothing', () => {
  function alertsOf(misses: readonly boolean[], everyMs = 1000): readonly number[] {
    let count: MissCount | undefined
    return misses.flatMap((isMiss, at) => {
      const counted = countMiss(count, { atMs: at * everyMs, isMiss })
      count = counted.count
      return counted.alert ? [at + 1] : []
    })
  }

  test('alerts once in an hour when of very many checks hardly one found something', () => {
    expect(alertsOf(Array.from({ length: 600 }, () => true))).toEqual([MISS_CHECKS])
  })

  test('says nothing of fewer checks', () => {
    expect(alertsOf(Array.from({ length: MISS_CHECKS - 1 }, () => true))).toEqual([])
  })

  test('says nothing when some are known, as among children everywhere', () => {
    expect(alertsOf(Array.from({ length: 600 }, (_, at) => at % 50 !== 0))).toEqual([])
  })

  test('begins anew after an hour', () => {
    expect(
      alertsOf(
        Array.from({ length: 400 }, () => true),
        MISS_WINDOW_MS / 200,
      ),
    ).toEqual([])
    expect(MISS_WINDOW_MS).toBe(60 * MINUTE_MS)
  })
})
