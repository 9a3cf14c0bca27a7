/** Formats of R4's primitive types (datatypes.html). */
import { describe, expect, test } from '@jest/globals'
import { isFhirDate, isFhirDateTime, isPrimitiveValue } from '../../src/fhir/primitive.ts'

describe('dates', () => {
  test.each(['2026', '2026-05', '2026-05-03', '2024-02-29', '0001-01-01'])('%s is a date', (text) => {
    expect(isFhirDate(text)).toBe(true)
  })

  test.each([
    '',
    '26',
    '2026-5-3',
    '2026-13',
    '2026-00',
    '2026-02-29',
    '2026-04-31',
    '2026-05-32',
    '0000',
    '2026-05-03 ',
    '03/05/2026',
    '2026-05-03T00:00:00Z',
  ])('"%s" is no date', (text) => {
    expect(isFhirDate(text)).toBe(false)
  })

  test.each(['2026-05-03', '2026-05-03T09:30:00Z', '2026-05-03T09:30:00.123456789+01:00', '2026-06-30T23:59:60Z'])(
    '%s is a dateTime',
    (text) => {
      expect(isFhirDateTime(text)).toBe(true)
    },
  )

  test.each([
    '2026-05-03T09:30Z',
    '2026-05-03T09:30:00',
    '2026-05-03T24:00:00Z',
    '2026-05T09:30:00Z',
    '2026-02-30T09:30:00Z',
    '2026-05-03T09:30:00+15:00',
    '2026-05-03 09:30:00Z',
  ])('%s is no dateTime', (text) => {
    expect(isFhirDateTime(text)).toBe(false)
  })
})

describe('other types', () => {
  test.each<[string, unknown]>([
    ['boolean', false],
    ['integer', -5],
    ['unsignedInt', 0],
    ['positiveInt', 1],
    ['decimal', 0.5],
    ['string', 'Ünïcode\nand lines'],
    ['code', 'two words'],
    ['id', 'a-B.9'],
    ['uri', 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0'],
    ['instant', '2026-05-03T09:30:00Z'],
    ['base64Binary', 'AAAA'],
    ['uuid', 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0'],
    ['oid', 'urn:oid:1.2.3'],
    ['time', '09:30:00'],
  ])('%s takes %j', (type, value) => {
    expect(isPrimitiveValue(type, value)).toBe(true)
  })

  test.each<[string, unknown]>([
    ['boolean', 'false'],
    ['integer', 1.5],
    ['integer', 2_147_483_648],
    ['unsignedInt', -1],
    ['positiveInt', 0],
    ['decimal', '0.5'],
    ['string', ''],
    ['string', '  '],
    ['string', 'a\u0000b'],
    ['string', 5],
    ['string', 'x'.repeat(1_048_577)],
    ['code', ' a'],
    ['code', 'a  b'],
    ['id', 'a_b'],
    ['id', 'a'.repeat(65)],
    ['uri', 'with space'],
    ['instant', '2026-05-03'],
    ['base64Binary', 'AAA'],
    ['time', '9:30:00'],
    ['date', { $ne: '' }],
    ['unknownType', 'x'],
  ])('%s refuses %j', (type, value) => {
    expect(isPrimitiveValue(type, value)).toBe(false)
  })
})
