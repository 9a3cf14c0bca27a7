import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { holdsNhsNumber, parseNhsNumber } from '../../src/domain/nhs-number.ts'
import { TEST_NUMBERS } from '../support/nhs-numbers.ts'

const refused = TEST_NUMBERS.filter((one) => !one.valid)
const taken = TEST_NUMBERS.filter((one) => one.valid)
/** A well-known number that is not of the test range; its check digit is right. */
const REAL_RANGE = '9434765919'

describe('R1 an NHS number', () => {
  test.each(refused)('is refused: $use', ({ text }) => {
    expect(parseNhsNumber(text, 'test')).toEqual({ code: 'INVALID_NHS_NUMBER' })
    expect(parseNhsNumber(text, 'real')).toEqual({ code: 'INVALID_NHS_NUMBER' })
  })

  test.each([
    ['1111111111', 'ten equal digits with a right check digit'],
    ['999 5973952', 'one space'],
    ['9995 973 952', 'spaces at other places'],
    ['999  597  3952', 'double spaces'],
    ['999-597-3952', 'hyphens'],
    [' 9995973952', 'a leading space'],
    ['9995973952\n', 'a trailing line feed'],
    ['999\u00a0597\u00a03952', 'no-break spaces'],
    ['', 'nothing'],
  ])('is refused: %j (%s)', (text) => {
    expect(parseNhsNumber(text, 'test')).toEqual({ code: 'INVALID_NHS_NUMBER' })
  })

  test.each([[9995973952], [undefined], [null], [['9995973952']], [{ $ne: '' }]])(
    'is refused when it is no text: %j',
    (value) => {
      expect(parseNhsNumber(value, 'test')).toEqual({ code: 'INVALID_NHS_NUMBER' })
    },
  )

  test.each(taken)('is taken, plain and in 3-3-4 form: $use', ({ text }) => {
    expect(parseNhsNumber(text, 'test')).toEqual({ nhsNumber: text })
    const spaced = `${text.slice(0, 3)} ${text.slice(3, 6)} ${text.slice(6)}`
    expect(parseNhsNumber(spaced, 'test')).toEqual({ nhsNumber: text })
  })

  test('of the test range is refused in production', () => {
    expect(parseNhsNumber('9995973952', 'real')).toEqual({ code: 'TEST_NUMBER_REQUIRED' })
  })

  test('of the other range is refused in a sandbox', () => {
    expect(parseNhsNumber(REAL_RANGE, 'test')).toEqual({ code: 'TEST_NUMBER_REQUIRED' })
    expect(parseNhsNumber(REAL_RANGE, 'real')).toEqual({ nhsNumber: REAL_RANGE })
  })

  test('has one right check digit at most for any nine digits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999 }), (number) => {
        const nine = String(number).padStart(9, '0')
        const right = [...'0123456789'].filter(
          (digit) => parseNhsNumber(nine + digit, 'test').code !== 'INVALID_NHS_NUMBER',
        )
        expect(right.length).toBeLessThanOrEqual(1)
      }),
    )
  })
})

describe('a URL holds an NHS number', () => {
  test.each([
    '/FHIR/R4/Patient/9995973952',
    '/FHIR/R4/Patient?identifier=https%3A%2F%2Ffhir.nhs.uk%2FId%2Fnhs-number%7C9995973952',
    '?identifier=https://fhir.nhs.uk/Id/nhs-number|9995973952',
    '?nhs-number=999+597+3952',
    '?nhs-number=999%20597%203952',
    '?nhs-number=999%2B597%2B3952',
    '?nhs-number=999 597 3952',
    '?nhs-number=%39%39%39%35%39%37%33%39%35%32',
    '?nhs-number=%20%209995973952',
    '?a=%2539995973952',
    '?broken=%&nhs-number=%E2%82%AC9995973952%zz',
    '/x/9995973952/_history/1',
    `?real=${REAL_RANGE}`,
    '?one=1234567890&two=9995973952',
  ])('%s', (url) => {
    expect(holdsNhsNumber(url)).toBe(true)
  })

  test.each([
    ['a UUID', '/FHIR/R4/EpisodeOfCare/99959739-9995-4999-8999-999597395299'],
    ['a wrong check digit', '/FHIR/R4/Patient/9995973953'],
    ['eleven digits', '/x/99959739520'],
    ['a part of a word', '/x/A9995973952'],
    ['ten equal digits', '/x/9999999999'],
    ['days', '?date=ge2026-05-03&date=lt2027-05-03'],
    ['other spaces', '?x=9995+973+952'],
    ['stray percent signs', '/x/%%%zz'],
    ['nothing', ''],
  ])('does not: %s', (_, url) => {
    expect(holdsNhsNumber(url)).toBe(false)
  })

  test('never in a UUID', () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => expect(holdsNhsNumber(`/FHIR/R4/Flag/${uuid}?x=urn:uuid:${uuid}`)).toBe(false)),
    )
  })
})
