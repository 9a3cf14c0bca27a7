import { describe, expect, test } from '@jest/globals'
import type { Flag } from '@medplum/fhirtypes'
import type { ResourceId } from '../../../src/domain/brands.ts'
import { PLAN_TYPES } from '../../../src/domain/plan.ts'
import { buildFlag } from '../../../src/domain/upload/build-flag.ts'
import { checkFlag, type PlanOfFlag } from '../../../src/domain/upload/check-flag.ts'
import { authorityReference } from '../../../src/domain/upload/own-authority.ts'
import { parseFlag } from '../../../src/domain/upload/parse-flag.ts'
import { EXTENSION, NHS_FLAG_CODE, SYSTEM } from '../../../src/fhir/canonicals.ts'
import { BASE, CHILD, DERBYSHIRE, day, FILING, LEEDS, plan, sentFlag, TODAY } from '../../support/domain-facts.ts'

const PLAN: PlanOfFlag = {
  ...plan(),
  references: ['EpisodeOfCare/plan-1', 'urn:uuid:plan'],
  identifiers: [{ system: 'urn:plan', value: 'CPP-1' }],
  patientReferences: ['Patient/p1', 'urn:uuid:child'],
  patientIdentifiers: [
    { system: SYSTEM.nhsNumber, value: CHILD },
    { system: 'urn:child', value: 'C-1' },
  ],
}

function parsed(parts: Partial<Flag> = {}): readonly string[] {
  return parseFlag(sentFlag(parts), FILING).issues.map((one) => `${one.code} ${one.expression}`)
}

function differences(parts: Partial<Flag>, of: PlanOfFlag = PLAN): readonly string[] {
  const { flag } = parseFlag(sentFlag(parts), FILING)
  expect(flag).toBeDefined()
  return (flag === undefined ? [] : checkFlag(flag.resource, of, TODAY)).map((one) => `${one.code} ${one.expression}`)
}

const detail = (valueReference: object): Partial<Flag> => ({
  extension: [{ url: EXTENSION.flagDetail, valueReference }],
})

describe('R14 a Flag by itself', () => {
  test.each<[Partial<Flag>, readonly string[]]>([
    [{ extension: [] }, ['PROFILE Flag.extension']],
    [detail({}), ['PROFILE Flag.extension[0].value']],
    [detail({ reference: 'Patient/1' }), ['INVALID_REFERENCE Flag.extension[0].value']],
    [{ author: { identifier: { system: SYSTEM.gss, value: LEEDS } } }, ['NOT_YOUR_AUTHORITY Flag.author']],
    [
      { subject: { identifier: { system: SYSTEM.nhsNumber, value: '9995973953' } } },
      ['INVALID_NHS_NUMBER Flag.subject.identifier.value'],
    ],
    [{ subject: { reference: 'Location/1' } }, ['INVALID_REFERENCE Flag.subject.reference']],
    [{ period: { start: '2026-02' } }, ['PROFILE Flag.period.start']],
    [{ period: { start: '2026-02-01', end: '2026-02-30' } }, ['DATE_IMPLAUSIBLE Flag.period.end']],
  ])('%j is refused: %j', (parts, expected) => {
    expect(parsed(parts)).toEqual(expected)
    expect(parseFlag(sentFlag(parts), FILING).flag).toBeUndefined()
  })

  test.each([
    [{ reference: `${BASE}/EpisodeOfCare/plan-1` }, { planReference: 'EpisodeOfCare/plan-1' }],
    [{ reference: 'urn:uuid:plan' }, { planReference: 'urn:uuid:plan' }],
    [
      { reference: 'EpisodeOfCare?identifier=urn:plan|CPP-1' },
      { planReference: 'EpisodeOfCare?identifier=urn:plan|CPP-1' },
    ],
    [
      { identifier: { system: 'urn:plan', value: 'CPP-1' } },
      { planIdentifier: { system: 'urn:plan', value: 'CPP-1' } },
    ],
  ])('names its plan: %j', (reference, target) => {
    expect(parseFlag(sentFlag(detail(reference)), FILING).flag).toMatchObject(target)
  })
})

describe('R14 a Flag must agree with its plan', () => {
  const lac = { coding: [{ system: SYSTEM.snomed, ...PLAN_TYPES.LAC }] }
  test.each<[Partial<Flag>, readonly string[]]>([
    [{ code: lac }, ['FLAG_DISAGREES Flag.code']],
    [{ code: { coding: [{ system: SYSTEM.nhsFlag, code: NHS_FLAG_CODE }] } }, ['FLAG_DISAGREES Flag.code']],
    [{ subject: { identifier: { system: SYSTEM.nhsNumber, value: '9995294524' } } }, ['FLAG_DISAGREES Flag.subject']],
    [{ subject: { reference: 'Patient/other' } }, ['FLAG_DISAGREES Flag.subject']],
    [
      { subject: { reference: 'Patient/p1', identifier: { system: SYSTEM.nhsNumber, value: '9995294524' } } },
      ['FLAG_DISAGREES Flag.subject'],
    ],
    [{ period: { start: '2026-02-02' } }, ['FLAG_DISAGREES Flag.period.start']],
    [{ period: { start: '2026-02-01', end: '2026-03-01' } }, ['FLAG_DISAGREES Flag.period.end']],
    [detail({ reference: 'EpisodeOfCare/other' }), ['FLAG_DISAGREES Flag.extension']],
    [detail({ identifier: { system: 'urn:plan', value: 'other' } }), ['FLAG_DISAGREES Flag.extension']],
    [{ status: 'entered-in-error' }, ['FLAG_DISAGREES Flag.status']],
    [
      {
        code: lac,
        status: 'entered-in-error',
        subject: { reference: 'Patient/other' },
        period: { start: '2026-02-02' },
      },
      [
        'FLAG_DISAGREES Flag.code',
        'FLAG_DISAGREES Flag.subject',
        'FLAG_DISAGREES Flag.period.start',
        'FLAG_DISAGREES Flag.status',
      ],
    ],
  ])('%j: %j', (parts, expected) => {
    expect(differences(parts)).toEqual(expected)
  })

  test('an end that the Flag leaves out disagrees', () => {
    expect(differences({}, { ...PLAN, end: day('2026-06-01') })).toEqual(['FLAG_DISAGREES Flag.period.end'])
  })

  test.each<[Partial<Flag>, string]>([
    [{}, 'by the number'],
    [{ subject: { reference: 'Patient/p1' } }, 'by reference'],
    [{ subject: { reference: 'urn:uuid:child' } }, 'by the entry of the child'],
    [{ subject: { identifier: { system: 'urn:child', value: 'C-1' } } }, 'by the authority’s own identifier'],
    [{ subject: { reference: 'Patient/p1', identifier: { system: SYSTEM.nhsNumber, value: CHILD } } }, 'by both'],
    [detail({ reference: 'urn:uuid:plan' }), 'the plan by its entry'],
    [detail({ identifier: { system: 'urn:plan', value: 'CPP-1' } }), 'the plan by identifier'],
    [{ period: { start: '2026-01-31T23:00:00-01:00' } }, 'the start as dateTime'],
    [{ code: { coding: [{ system: SYSTEM.snomed, code: PLAN_TYPES.CPP.code }] } }, 'without the NHS flag code'],
  ])('%j agrees: %s', (parts) => {
    expect(differences(parts)).toEqual([])
  })

  test('what is absent is filled in', () => {
    const { period: _period, author: _author, ...rest } = sentFlag()
    const { flag } = parseFlag(rest, FILING)
    expect(flag === undefined ? undefined : checkFlag(flag.resource, PLAN, TODAY)).toEqual([])
  })

  test('a status that the days contradict is corrected', () => {
    expect(differences({ status: 'inactive' })).toEqual(['STATUS_CORRECTED Flag.status'])
    expect(differences({}, { ...PLAN, withdrawn: true })).toEqual(['STATUS_CORRECTED Flag.status'])
    expect(differences({ status: 'entered-in-error' }, { ...PLAN, withdrawn: true })).toEqual([])
  })
})

describe('R14 the Flag that the server keeps', () => {
  const patient = { type: 'Patient', identifier: { system: SYSTEM.nhsNumber, value: CHILD } } as const
  const facts = {
    plan: plan({ end: '2026-06-01' }),
    planId: 'plan-1' as ResourceId,
    flagId: 'flag-1' as ResourceId,
    patient,
    authority: authorityReference(FILING),
  }

  test('says what the plan says', () => {
    expect(buildFlag(facts, TODAY)).toEqual({
      resourceType: 'Flag',
      id: 'flag-1',
      extension: [
        { url: EXTENSION.flagDetail, valueReference: { reference: 'EpisodeOfCare/plan-1', type: 'EpisodeOfCare' } },
      ],
      status: 'active',
      category: [{ coding: [{ system: SYSTEM.flagCategory, code: 'safety', display: 'Safety' }] }],
      code: {
        coding: [
          { system: SYSTEM.snomed, ...PLAN_TYPES.CPP },
          { system: SYSTEM.nhsFlag, code: NHS_FLAG_CODE },
        ],
      },
      subject: patient,
      period: { start: '2026-02-01', end: '2026-06-01' },
      author: {
        reference: 'Organization/org-derbyshire',
        type: 'Organization',
        identifier: { system: SYSTEM.gss, value: DERBYSHIRE },
        display: 'Derbyshire',
      },
    })
  })

  test('keeps identifiers that the authority sent', () => {
    const sentIdentifiers = [{ system: 'urn:flag', value: 'F-1' }]
    expect(buildFlag({ ...facts, sentIdentifiers }, TODAY).identifier).toEqual(sentIdentifiers)
  })

  test.each([
    ['2026-01-31', 'inactive'],
    ['2026-02-01', 'active'],
    ['2027-06-01', 'active'],
    ['2027-06-02', 'inactive'],
  ])('is on %s %s', (on, status) => {
    expect(buildFlag(facts, day(on)).status).toBe(status)
  })

  test('agrees with its own plan when it is sent back', () => {
    const { issues, flag } = parseFlag(buildFlag(facts, TODAY), FILING)
    expect(issues).toEqual([])
    expect(
      flag === undefined ? undefined : checkFlag(flag.resource, { ...PLAN, end: day('2026-06-01') }, TODAY),
    ).toEqual([])
  })
})
