/** Media types taken and given: JSON of R4 only. */
import { describe, expect, test } from '@jest/globals'
import { FhirError } from '../../src/fhir/fhir-error.ts'
import { parsePrefer } from '../../src/http/fhir-request.ts'
import { checkAccept, checkContentType, wantsPretty, withoutFormat } from '../../src/http/negotiation.ts'

function codeOf(work: () => unknown): string | undefined {
  try {
    work()
  } catch (error) {
    if (error instanceof FhirError) return error.issues[0]?.code
    throw error
  }
  return undefined
}

describe('a body is refused with UNSUPPORTED_MEDIA', () => {
  test.each([
    [undefined],
    [''],
    ['application/fhir+xml'],
    ['application/xml'],
    ['text/plain'],
    ['multipart/form-data; boundary=x'],
    ['application/x-www-form-urlencoded'],
    ['application/json-patch+json'],
    ['application/fhir+json; charset=iso-8859-1'],
    ['application/fhir+json; charset=utf-16'],
    ['application/fhir+json; fhirVersion=3.0'],
    ['application/fhir+json; fhirVersion=5.0'],
    ['application/fhir+json, application/json'],
  ])('as a resource, when it is sent as %p', (type) => {
    expect(codeOf(() => checkContentType('resource', type))).toBe('UNSUPPORTED_MEDIA')
  })

  test.each(['gzip', 'br', 'deflate', 'gzip, identity'])('when it is encoded as %s', (encoding) => {
    expect(codeOf(() => checkContentType('resource', 'application/fhir+json', encoding))).toBe('UNSUPPORTED_MEDIA')
  })

  test('as a form or a patch, when it is sent as a resource', () => {
    expect(codeOf(() => checkContentType('form', 'application/fhir+json'))).toBe('UNSUPPORTED_MEDIA')
    expect(codeOf(() => checkContentType('patch', 'application/fhir+json'))).toBe('UNSUPPORTED_MEDIA')
  })
})

test.each([
  'application/fhir+json',
  'application/json',
  'text/json',
  'Application/FHIR+JSON',
  'application/fhir+json; charset=utf-8',
  'application/fhir+json;charset="UTF-8"; fhirVersion=4.0',
  'application/fhir+json; fhirVersion=4.0.1',
])('a resource is taken as %s', (type) => {
  expect(codeOf(() => checkContentType('bundle', type, 'identity'))).toBeUndefined()
})

describe('Accept and _format', () => {
  test.each([
    ['application/fhir+xml'],
    ['application/xml, text/html'],
    ['application/fhir+json; fhirVersion=3.0'],
    ['application/fhir+json;q=0'],
    ['image/*'],
    ['text/html, */*;q=0.0'],
  ])('%s is not acceptable', (accept) => {
    expect(codeOf(() => checkAccept(accept, []))).toBe('NOT_ACCEPTABLE')
  })

  test.each([
    [undefined],
    ['*/*'],
    ['application/*'],
    ['application/json'],
    ['application/fhir+xml;q=0.9, application/fhir+json;q=0.1'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
    ['application/fhir+json; fhirVersion=4.0; charset=utf-8'],
  ])('%p is answered in JSON', (accept) => {
    expect(codeOf(() => checkAccept(accept, []))).toBeUndefined()
  })

  test.each(['xml', 'application/fhir+xml', 'ttl', 'html', ''])(
    '_format=%s stands above Accept: not acceptable',
    (format) => {
      expect(codeOf(() => checkAccept('application/fhir+json', [['_format', format]]))).toBe('NOT_ACCEPTABLE')
    },
  )

  test.each(['json', 'application/json', 'text/json', 'application/fhir+json', 'application/fhir json'])(
    '_format=%s stands above Accept: JSON',
    (format) => {
      expect(codeOf(() => checkAccept('application/fhir+xml', [['_format', format]]))).toBeUndefined()
    },
  )

  test('_pretty is a boolean', () => {
    expect(wantsPretty([['_pretty', 'true']])).toBe(true)
    expect(wantsPretty([['_pretty', 'false']])).toBe(false)
    expect(wantsPretty([])).toBe(false)
    expect(codeOf(() => wantsPretty([['_pretty', 'yes']]))).toBe('INVALID_PARAMETER')
  })

  test('handlers see neither of them', () => {
    expect(
      withoutFormat([
        ['_format', 'json'],
        ['name', 'x'],
        ['_pretty', 'true'],
      ]),
    ).toEqual([['name', 'x']])
  })
})

describe('Prefer', () => {
  test.each([
    [undefined, 'representation', 'strict'],
    ['', 'representation', 'strict'],
    ['return=minimal', 'minimal', 'strict'],
    ['return="OperationOutcome"', 'OperationOutcome', 'strict'],
    ['handling=lenient, return=minimal', 'minimal', 'lenient'],
    ['handling=lenient; return=representation', 'representation', 'lenient'],
    ['return=everything, handling=sloppy, respond-async', 'representation', 'strict'],
  ])('%p', (header, returned, handling) => {
    expect(parsePrefer(header)).toEqual({ return: returned, handling })
  })
})
