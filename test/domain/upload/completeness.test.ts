import { describe, expect, test } from '@jest/globals'
import {
  checkBirthDate,
  checkNumberKept,
  checkNumberKnown,
  checkNumbersAgree,
} from '../../../src/domain/upload/completeness.ts'
import type { FoundPlan } from '../../../src/domain/visibility.ts'
import { plan, TODAY } from '../../support/domain-facts.ts'
import { testNumber } from '../../support/nhs-numbers.ts'

const NUMBER = testNumber('9995973952')
const OTHER = testNumber('9995294524')
const codes = (issues: readonly { readonly code: string }[]): readonly string[] => issues.map((one) => one.code)

describe('R6 the birth date of a filed plan', () => {
  test.each<[FoundPlan, string | undefined, readonly string[], string]>([
    [plan(), '2008-02-01', ['DATE_IMPLAUSIBLE'], '18 on the day it starts'],
    [plan(), '2008-02-02', [], '17 on that day'],
    [plan({ type: 'LAC' }), '1916-06-12', ['DATE_IMPLAUSIBLE'], 'a wrong century'],
    [plan(), '2007', ['DATE_IMPLAUSIBLE'], 'a year: 18 at the latest it could be'],
    [plan(), '2008', [], 'a year in which it could be 17'],
    [plan(), '2008-01', ['DATE_IMPLAUSIBLE'], 'a month: 18 at the latest it could be'],
    [plan({ type: 'UCPP' }), '1990-01-01', [], 'the mother’s'],
    [plan({ withdrawn: true }), '1916-06-12', [], 'a mistake can always be withdrawn'],
    [plan(), undefined, ['BIRTH_DATE_MISSING'], 'unknown'],
    [plan({ type: 'UCPP' }), undefined, [], 'unknown, of the mother'],
    [plan({ withdrawn: true }), undefined, [], 'unknown, withdrawn'],
    [plan({ start: '2020-01-01', end: '2021-01-01' }), undefined, [], 'unknown, and never shown again'],
  ])('%#: %s %j (%s)', (one, birthDate, expected) => {
    expect(codes(checkBirthDate(one, birthDate, TODAY))).toEqual(expected)
  })
})

describe('R8 the number of a filed plan', () => {
  test.each([
    [plan(), undefined, ['NHS_NUMBER_MISSING']],
    [plan(), NUMBER, []],
    [plan({ withdrawn: true }), undefined, []],
  ])('%#: %s %j', (one, number, expected) => {
    expect(codes(checkNumberKnown(one, number, TODAY))).toEqual(expected)
  })
})

describe('R14a no side door', () => {
  test('a plan and its Patient that name different numbers', () => {
    expect(codes(checkNumbersAgree(NUMBER, OTHER))).toEqual(['NUMBERS_DISAGREE'])
    expect(checkNumbersAgree(NUMBER, NUMBER)).toEqual([])
    expect(checkNumbersAgree(undefined, NUMBER)).toEqual([])
    expect(checkNumbersAgree(NUMBER, undefined)).toEqual([])
  })

  const seen = plan({ nhsNumber: NUMBER })
  test.each<[FoundPlan, Parameters<typeof checkNumberKept>[1], readonly string[], string]>([
    [seen, { withdrawn: false }, ['NUMBER_REMOVED'], 'taken off a visible plan'],
    [seen, { withdrawn: true }, [], 'withdrawn instead'],
    [seen, { withdrawn: false, nhsNumber: OTHER }, [], 'put right'],
    [plan(), { withdrawn: false }, [], 'there was none'],
    [
      plan({ nhsNumber: NUMBER, start: '2020-01-01', end: '2021-01-01' }),
      { withdrawn: false },
      [],
      'taken off a hidden plan',
    ],
  ])('%#: %j %j (%s)', (before, after, expected) => {
    expect(codes(checkNumberKept(before, after, TODAY))).toEqual(expected)
  })
})
