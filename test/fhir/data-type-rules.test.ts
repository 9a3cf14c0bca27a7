/** References, periods, fixed values and required codes, one by one. */
import { describe, expect, test } from '@jest/globals'
import { checkPeriod, checkReference } from '../../src/fhir/data-type-rules.ts'
import { FaultList } from '../../src/fhir/fault-list.ts'
import { isCoded, isSame, matchesPattern } from '../../src/fhir/fixed-and-pattern.ts'

function said(check: (faults: FaultList) => void): string[] {
  const faults = new FaultList()
  check(faults)
  return faults.issues.map((one) => `${one.code} ${one.expression}`)
}

describe('references', () => {
  const check = (value: Record<string, unknown>, targets: string[] = ['Patient']): string[] =>
    said((faults) => checkReference(value, targets, 'Flag.subject', faults))

  test.each(['#p', 'Patient', 'patient/1', '/Patient/1', 'Patient/', 'Patient/1/2', 'just words', 'Patient/a_b'])(
    '"%s" cannot be followed',
    (reference) => {
      expect(check({ reference })).toEqual(['INVALID_RESOURCE Flag.subject.reference'])
    },
  )

  test.each(['Group/1', 'https://other.example/fhir/Group/1', 'Group/1/_history/2', 'Group?identifier=x|1'])(
    '"%s" refers to another type',
    (reference) => {
      expect(check({ reference })).toEqual(['PROFILE Flag.subject.reference'])
    },
  )

  test('a type of another kind is refused beside an identifier too', () => {
    expect(check({ type: 'Group', identifier: { value: '1' } })).toEqual(['PROFILE Flag.subject.type'])
  })

  test.each([
    'Patient/1',
    'Patient/1/_history/2',
    'urn:uuid:x',
    'https://other.example/fhir/Patient/1',
    'Patient?identifier=x|1',
    'https://other.example/elsewhere',
  ])('"%s" is taken', (reference) => {
    expect(check({ reference })).toEqual([])
  })

  test('any type is taken where the profile names none', () => {
    expect(check({ reference: 'Group/1', type: 'Group' }, [])).toEqual([])
  })
})

describe('per-1', () => {
  const check = (start: unknown, end: unknown, at = 'Flag.period'): string[] =>
    said((faults) => checkPeriod({ start, end }, at, faults))

  test.each([
    ['2026-05-03', '2026-05-02'],
    ['2026-05', '2026-04'],
    ['2026-05-03', '2025'],
    ['2026-05-03T10:00:00Z', '2026-05-03T09:59:59Z'],
    ['2026-05-03T10:00:00+01:00', '2026-05-03T08:59:59Z'],
    ['2026-05-03T10:00:00Z', '2026-05-01'],
  ])('from %s to %s ends before it starts', (start, end) => {
    expect(check(start, end)).toEqual(['INVALID_RESOURCE Flag.period'])
  })

  test.each([
    ['2026-05-03', '2026-05-03'],
    ['2026-05-03', '2026-05'],
    ['2026', '2026-01-01'],
    ['2026-05-03T00:30:00+01:00', '2026-05-02'],
    ['2026-05-03T10:00:00+01:00', '2026-05-03T09:00:00Z'],
    ['2026-05-03', undefined],
    [undefined, '2026-05-03'],
    [5, '2026-05-03'],
  ])('from %s to %s may be right', (start, end) => {
    expect(check(start, end)).toEqual([])
  })

  test('of a plan the rule END_BEFORE_START reports it', () => {
    expect(check('2026-05-03', '2026-05-02', 'EpisodeOfCare.period')).toEqual([])
  })
})

describe('fixed values, patterns, codes', () => {
  test('a fixed value is the same in every part, whatever the order of its members', () => {
    expect(isSame({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 })).toBe(true)
    expect(isSame({ a: 1, b: 2 }, { a: 1 })).toBe(false)
    expect(isSame('x', 'y')).toBe(false)
    expect(isSame(undefined, 'y')).toBe(false)
  })

  test('a pattern is held, with more beside it', () => {
    const pattern = { coding: [{ system: 's', code: 'c' }] }
    expect(
      matchesPattern({ coding: [{ code: 'x' }, { system: 's', code: 'c', display: 'd' }], text: 't' }, pattern),
    ).toBe(true)
    expect(matchesPattern({ coding: [{ system: 's' }, { code: 'c' }] }, pattern)).toBe(false)
    expect(matchesPattern({ coding: {} }, pattern)).toBe(false)
    expect(matchesPattern(null, pattern)).toBe(false)
  })

  test('a code is of the list with its system', () => {
    const codes = new Map([['s', new Set(['c'])]])
    expect(isCoded('c', codes)).toBe(true)
    expect(isCoded('d', codes)).toBe(false)
    expect(isCoded({ system: 's', code: 'c' }, codes)).toBe(true)
    expect(isCoded({ code: 'c' }, codes)).toBe(false)
    expect(
      isCoded(
        {
          coding: [
            { system: 'o', code: 'c' },
            { system: 's', code: 'c' },
          ],
        },
        codes,
      ),
    ).toBe(true)
    expect(isCoded({ text: 'c' }, codes)).toBe(false)
  })
})
