/** NHS numbers of the never-issued range by their place in it: for runs through numbers, and for many at once. */
import type { NhsNumber } from '../../src/domain/brands.ts'
import { testNumber } from './nhs-numbers.ts'

/** The valid number that begins with these nine digits; undefined when no check digit is right. */
export function numberAt(position: number): NhsNumber | undefined {
  const nine = String(position)
  const sum = [...nine].reduce((so, digit, place) => so + Number(digit) * (10 - place), 0)
  const check = (11 - (sum % 11)) % 11
  return check === 10 ? undefined : testNumber(`${nine}${check}`)
}

/** The first `count` valid numbers from a place on, in steps of `step` places. */
export function numbersFrom(position: number, count: number, step = 1): readonly NhsNumber[] {
  const found: NhsNumber[] = []
  for (let at = position; found.length < count; at += step) {
    const number = numberAt(at)
    if (number !== undefined) found.push(number)
  }
  return found
}

/** `count` valid numbers all over the range, in no order and at no equal distance: children who have nothing to do with each other. */
export function unrelatedNumbers(count: number): readonly NhsNumber[] {
  const found = new Set<NhsNumber>()
  for (let at = 1; found.size < count; at += 1) {
    const number = numberAt(999_000_001 + ((at * at * 7919) % 900_007))
    if (number !== undefined) found.add(number)
  }
  return [...found]
}
