import { describe, expect, test } from '@jest/globals'
import type { Patient } from '@medplum/fhirtypes'
import { parsePatient } from '../../../src/domain/upload/parse-patient.ts'
import { SYSTEM } from '../../../src/fhir/canonicals.ts'
import { isError } from '../../../src/fhir/outcome.ts'
import { CHILD, FILING, LEEDS, sentPatient } from '../../support/domain-facts.ts'
import { TEST_NUMBERS } from '../../support/nhs-numbers.ts'

function refusals(resource: Patient): readonly string[] {
  const { issues, patient } = parsePatient(resource, FILING)
  expect(patient === undefined).toBe(issues.some(isError))
  return issues.map((one) => `${one.code} ${one.expression}`)
}

const numbered = (...values: readonly string[]): Patient =>
  sentPatient({ identifier: values.map((value) => ({ system: SYSTEM.nhsNumber, value })) })

describe('a Patient is refused', () => {
  test.each(TEST_NUMBERS.filter((one) => !one.valid))('R1 $use', ({ text }) => {
    expect(refusals(numbered(text))).toEqual(['INVALID_NHS_NUMBER Patient.identifier[0].value'])
  })

  test('R1 with a number of the other range', () => {
    expect(refusals(numbered('9434765919'))).toEqual(['TEST_NUMBER_REQUIRED Patient.identifier[0].value'])
  })

  test('with two NHS numbers', () => {
    expect(refusals(numbered(CHILD, '9995294524'))).toEqual(['PROFILE Patient.identifier[1]'])
  })

  test.each([
    ['2026-05-04', 'DATE_IMPLAUSIBLE'],
    ['2026-06', 'DATE_IMPLAUSIBLE'],
    ['2027', 'DATE_IMPLAUSIBLE'],
    ['1899-12-31', 'DATE_IMPLAUSIBLE'],
    ['2015-02-29', 'DATE_IMPLAUSIBLE'],
    ['2015-13', 'DATE_IMPLAUSIBLE'],
    ['12/06/2016', 'INVALID_RESOURCE'],
    ['2016-06-12T00:00:00Z', 'INVALID_RESOURCE'],
  ])('born %s: %s', (birthDate, code) => {
    expect(refusals(sentPatient({ birthDate }))).toEqual([`${code} Patient.birthDate`])
  })

  test('R10 when it names another authority', () => {
    const managingOrganization = { identifier: { system: SYSTEM.gss, value: LEEDS } }
    expect(refusals(sentPatient({ managingOrganization }))).toEqual(['NOT_YOUR_AUTHORITY Patient.managingOrganization'])
  })

  test('with all faults at once', () => {
    expect(refusals({ ...numbered('9995973953'), birthDate: '2030' })).toEqual([
      'INVALID_NHS_NUMBER Patient.identifier[0].value',
      'DATE_IMPLAUSIBLE Patient.birthDate',
    ])
  })
})

describe('a Patient is taken', () => {
  test.each(['2026-05-03', '2026-05', '2026', '1900-01-01', '1900'])('born %s', (birthDate) => {
    expect(parsePatient(sentPatient({ birthDate }), FILING).patient?.birthDate).toBe(birthDate)
  })

  test('with its facts, and the number without spaces', () => {
    const sent = sentPatient({ id: 'p1', meta: { versionId: '2' }, active: true })
    const identifier = [{ system: SYSTEM.nhsNumber, value: '999 597 3952' }, ...(sent.identifier ?? []).slice(1)]
    const { resourceType, name, birthDate } = sent
    const tokens = sentPatient().identifier
    expect(parsePatient({ ...sent, identifier }, FILING)).toEqual({
      issues: [],
      patient: {
        resource: { resourceType, identifier: tokens, name, birthDate },
        nhsNumber: CHILD,
        birthDate,
        identifiers: tokens,
        unique: [{ system: SYSTEM.nhsNumber, value: CHILD }],
      },
    })
  })

  test('R8 without a number or a birth date', () => {
    expect(parsePatient({ resourceType: 'Patient' }, FILING)).toEqual({
      issues: [],
      patient: { resource: { resourceType: 'Patient' }, identifiers: [], unique: [] },
    })
  })
})
