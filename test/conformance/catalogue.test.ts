/** Every code that the server can say is provoked by a request of examples/ and by a test through HTTP; what is left out is named here with its reason. */
import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { CATALOGUE, type CatalogueCode } from '../../src/fhir/catalogue.ts'
import { readExample, readExampleRows } from '../support/examples.ts'

const PROJECT = new URL('../../', import.meta.url)
const CODES = Object.keys(CATALOGUE) as CatalogueCode[]

const NO_FHIR = 'the request is no valid FHIR, so no example for anyone'
const BY_HEADER = 'it is about headers or the address, and an example is a body'
const NO_RULE = 'it belongs to no rule: it is about the machine'
const NO_BODY = 'it answers requests without a body'

/** Codes that no example provokes. */
const NOT_IN_EXAMPLES: Partial<Record<CatalogueCode, string>> = {
  INVALID_JSON: NO_FHIR,
  TOO_DEEP: NO_FHIR,
  TOO_MANY_ENTRIES: 'an example of 1,001 entries would help nobody',
  TOO_LARGE: 'an example of 10 MB would help nobody',
  INVALID_RESOURCE: NO_FHIR,
  UNKNOWN_ELEMENT: NO_FHIR,
  INVALID_CODE: NO_FHIR,
  END_BEFORE_START: NO_FHIR,
  OUT_OF_SCOPE: NO_FHIR,
  UNKNOWN_SETTING: NO_FHIR,
  INVALID_PATCH: 'a JSON Patch is no FHIR resource',
  PATCH_FAILED: 'a JSON Patch is no FHIR resource',
  TEST_NUMBER_REQUIRED: 'examples hold only numbers of the range that is never issued',
  ACKNOWLEDGEMENT_NOT_TAKEN: 'a record of no access is a slip, and twenty answers would help nobody',
  INVALID_BUNDLE: 'each of its kinds is a slip of one system; the tests have them',
  UNKNOWN_SITE: 'SITE_NOT_YOURS is in the examples; the code of no site is a slip',
  MISSING_PARAMETER: 'the OperationDefinitions say which parameters are needed',
  NHS_NUMBER_IN_URL: BY_HEADER,
  INVALID_REQUEST_ID: BY_HEADER,
  INVALID_HEADER: BY_HEADER,
  REQUEST_ID_REUSED: BY_HEADER,
  NOT_ACCEPTABLE: BY_HEADER,
  UNSUPPORTED_MEDIA: BY_HEADER,
  ID_MISMATCH: 'the id of the address is made by the server and other each time',
  NOT_FOUND: NO_BODY,
  GONE: NO_BODY,
  NOTHING_TO_SHOW: NO_BODY,
  METHOD_NOT_ALLOWED: NO_BODY,
  RATE_LIMITED: NO_RULE,
  UNAVAILABLE: NO_RULE,
  INTERNAL: NO_RULE,
}

describe('each code of the catalogue', () => {
  const provoked = new Set(
    readExampleRows().flatMap(
      ({ answer }) => JSON.stringify(readExample(answer)).match(/(?<="code":")[A-Z_]{4,}(?=")/g) ?? [],
    ),
  )

  test.each(CODES)('%s is provoked by an example, or left out for a reason', (code) => {
    expect([code, provoked.has(code) ? 'in an example' : NOT_IN_EXAMPLES[code]]).toEqual([code, expect.any(String)])
  })

  test('no reason is given for a code that an example does provoke, or that there is not', () => {
    const named = Object.keys(NOT_IN_EXAMPLES)
    expect(named.filter((code) => provoked.has(code) || !(code in CATALOGUE))).toEqual([])
  })

  test('is named by a test through HTTP', () => {
    const files = ['interactions', 'rules', 'http', 'delivery', 'conformance'].flatMap((folder) =>
      globSync(`test/${folder}/*.test.ts`, { cwd: PROJECT.pathname }),
    )
    const texts = files
      .filter((file) => !file.endsWith('catalogue.test.ts'))
      .map((file) => readFileSync(new URL(file, PROJECT), 'utf8'))
    expect(CODES.filter((code) => !texts.some((text) => new RegExp(`\\b${code}\\b`).test(text)))).toEqual([])
  })
})
