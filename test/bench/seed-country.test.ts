import { expect, test } from '@jest/globals'
import { buildRandom } from '../../bench/random.ts'
import { buildOutsideNumbers } from '../../bench/seed-country.ts'

test('numbers outside the range of the sandbox never come twice, so that a million children can be seeded', () => {
  const next = buildOutsideNumbers(buildRandom(20260503))
  const numbers = Array.from({ length: 1_000_000 }, next)
  expect(new Set(numbers).size).toBe(1_000_000)
  expect(numbers.filter((one) => !/^9\d{9}$/.test(one) || one.startsWith('999'))).toEqual([])
})
