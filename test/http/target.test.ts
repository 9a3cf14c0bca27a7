/** Addresses taken apart: what is refused before anything remembers it, and what is decoded. */
import { describe, expect, test } from '@jest/globals'
import { FhirError } from '../../src/fhir/fhir-error.ts'
import { parseForm, parsePairs, parseTarget, splitPath } from '../../src/http/target.ts'

/** Of the never-issued range, with a right check digit. */
const NUMBER = '9995973952'

function refusal(work: () => unknown): { readonly code: string | undefined; readonly text: string } {
  try {
    work()
  } catch (error) {
    if (error instanceof FhirError) return { code: error.issues[0]?.code, text: JSON.stringify(error.issues) }
    throw error
  }
  return { code: undefined, text: '' }
}

describe('an NHS number in an address is refused and not repeated', () => {
  test.each([
    ['in the query', `/FHIR/R4/Patient?identifier=${NUMBER}`],
    ['behind its system', `/FHIR/R4/Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|${NUMBER}`],
    ['behind an encoded pipe', `/FHIR/R4/Patient?identifier=https%3A%2F%2Ffhir.nhs.uk%2FId%2Fnhs-number%7C${NUMBER}`],
    ['in the path', `/FHIR/R4/Patient/${NUMBER}`],
    ['outside the FHIR base', `/health/${NUMBER}`],
    ['with encoded digits', `/FHIR/R4/Patient/%39%39%39${NUMBER.slice(3)}`],
    ['encoded twice', `/FHIR/R4/Patient/%2539%2539%2539${NUMBER.slice(3)}`],
    ['in 3-3-4 form', '/FHIR/R4/Patient?nhs-number=999+597+3952'],
    ['in 3-3-4 form, encoded', '/FHIR/R4/Patient?nhs-number=999%20597%203952'],
    ['as a name of a parameter', `/FHIR/R4/Patient?${NUMBER}`],
    ['of the real range too', '/FHIR/R4/Patient?identifier=9434765919'],
  ])('%s', (_where, url) => {
    const { code, text } = refusal(() => parseTarget(url, false))
    expect(code).toBe('NHS_NUMBER_IN_URL')
    expect(text).not.toMatch(/\d{10}/)
  })

  test.each([
    ['a UUID', '/FHIR/R4/EpisodeOfCare/99959739-5299-4973-9524-999597395299'],
    ['ten digits with a wrong check digit', '/FHIR/R4/Patient?identifier=9995973953'],
    ['eleven digits', '/FHIR/R4/Patient?identifier=99959739520'],
    ['digits inside a word', `/FHIR/R4/Patient?identifier=A${NUMBER}`],
    ['a date', '/FHIR/R4/AuditEvent?date=ge2026-05-03T11:00:00Z'],
  ])('but not %s', (_what, url) => {
    expect(refusal(() => parseTarget(url, false)).code).toBeUndefined()
  })

  test('unless local tools are allowed to', () => {
    expect(parseTarget(`/FHIR/R4/Patient/${NUMBER}`, true).segments).toEqual(['Patient', NUMBER])
  })
})

describe('an address that is not well-formed is refused', () => {
  test.each(['/FHIR/R4/Patient/%', '/FHIR/R4/Patient/%zz', '/FHIR/R4/Patient/%ff', '/FHIR/R4/Patient?name=%C3%28'])(
    '%s',
    (url) => {
      const { code, text } = refusal(() => parseTarget(url, false))
      expect(code).toBe('INVALID_PARAMETER')
      expect(text).not.toContain('%C3')
    },
  )

  test('more than 1,000 parameters are refused', () => {
    expect(refusal(() => parsePairs('a=1&'.repeat(1001))).code).toBe('INVALID_PARAMETER')
    expect(parsePairs('a=1&'.repeat(1000))).toHaveLength(1000)
  })

  test('a form that is not UTF-8 is refused', () => {
    expect(refusal(() => parseForm(Buffer.from([0x61, 0x3d, 0xff]))).code).toBe('INVALID_PARAMETER')
  })
})

describe('what an address says', () => {
  test.each([
    ['/FHIR/R4', []],
    ['/FHIR/R4/', []],
    ['/FHIR/R4?_format=json', []],
    ['/FHIR/R4/metadata', ['metadata']],
    ['/FHIR/R4/Patient/', ['Patient']],
    ['/FHIR/R4/Patient/%24cpis-check', ['Patient', '$cpis-check']],
    ['/FHIR/R4/Patient/a%2Fb', ['Patient', 'a/b']],
    ['/FHIR/R4/Patient//x', ['Patient', '', 'x']],
    ['/FHIR/R5/Patient', undefined],
    ['/FHIR/R44', undefined],
    ['/', undefined],
    ['*', undefined],
  ])('%s', (url, segments) => {
    expect(parseTarget(url, false).segments).toEqual(segments)
  })

  test('splitPath decodes nothing and never throws', () => {
    expect(splitPath('/FHIR/R4/Patient/%zz?x')).toEqual(['Patient', '%zz'])
  })

  test('parameters keep their order, duplicates and empty values', () => {
    expect(parsePairs('b=1&a=x%20y&b=1+2&c&d=&=e&f=g=h')).toEqual([
      ['b', '1'],
      ['a', 'x y'],
      ['b', '1 2'],
      ['c', ''],
      ['d', ''],
      ['', 'e'],
      ['f', 'g=h'],
    ])
  })
})
