import { describe, expect, test } from '@jest/globals'
import type { EpisodeOfCare } from '@medplum/fhirtypes'
import fc from 'fast-check'
import { PLAN_TYPES } from '../../../src/domain/plan.ts'
import type { FilingFacts } from '../../../src/domain/upload/draft.ts'
import { parsePlan } from '../../../src/domain/upload/parse-plan.ts'
import { EXTENSION, SYSTEM } from '../../../src/fhir/canonicals.ts'
import { isError } from '../../../src/fhir/outcome.ts'
import { BASE, DERBYSHIRE, FILING, LEEDS, sentLookedAfter, sentPlan } from '../../support/domain-facts.ts'
import { TEST_NUMBERS } from '../../support/nhs-numbers.ts'

/** `CODE place` of each issue. */
function said(resource: EpisodeOfCare, facts: FilingFacts = FILING): readonly string[] {
  return parsePlan(resource, facts).issues.map((one) => `${one.code} ${one.expression ?? ''}`.trim())
}

/** What is refused has no plan. */
function refusals(resource: EpisodeOfCare, facts: FilingFacts = FILING): readonly string[] {
  const { issues, plan } = parsePlan(resource, facts)
  expect(plan === undefined).toBe(issues.some(isError))
  return issues.filter(isError).map((one) => `${one.code} ${one.expression ?? ''}`.trim())
}

const patientOf = (value: string, system: string = SYSTEM.nhsNumber): Pick<EpisodeOfCare, 'patient'> => ({
  patient: { identifier: { system, value } },
})

describe('R1 the number of a plan', () => {
  test.each(TEST_NUMBERS.filter((one) => !one.valid))('is refused at its place: $use', ({ text }) => {
    expect(refusals(sentPlan(patientOf(text)))).toEqual(['INVALID_NHS_NUMBER EpisodeOfCare.patient.identifier.value'])
  })

  test('of the real range is refused in a sandbox, of the test range in production', () => {
    const place = 'EpisodeOfCare.patient.identifier.value'
    expect(refusals(sentPlan(patientOf('9434765919')))).toEqual([`TEST_NUMBER_REQUIRED ${place}`])
    expect(refusals(sentPlan(), { ...FILING, numberRange: 'real' })).toEqual([`TEST_NUMBER_REQUIRED ${place}`])
  })

  test('in 3-3-4 form is kept without spaces', () => {
    const { plan } = parsePlan(sentPlan(patientOf('999 597 3952')), FILING)
    expect(plan?.nhsNumber).toBe('9995973952')
    expect(plan?.resource.patient).toEqual({
      type: 'Patient',
      identifier: { system: SYSTEM.nhsNumber, value: '9995973952' },
    })
  })
})

describe('R9 the legal basis of a looked-after child', () => {
  test.each(['s20', 's31', 's38'])('%s is taken', (basis) => {
    const { issues, plan } = parsePlan(sentLookedAfter(basis), FILING)
    expect(issues).toEqual([])
    expect(plan?.legalBasis).toBe(basis)
  })

  test.each(['s17', 's47', 'S20', 'section 20'])('%s is out of scope', (basis) => {
    expect(refusals(sentLookedAfter(basis))).toEqual(['OUT_OF_SCOPE EpisodeOfCare.extension[0]'])
  })

  test('missing: taken with a warning', () => {
    const { issues, plan } = parsePlan(sentLookedAfter(), FILING)
    expect(issues.map((one) => one.code)).toEqual(['LEGAL_BASIS_MISSING'])
    expect(plan?.type).toBe('LAC')
  })

  test('no other plan needs one, and a mistake none either', () => {
    expect(said(sentPlan())).toEqual([])
    expect(said({ ...sentLookedAfter(), status: 'entered-in-error' })).toEqual([])
  })
})

type Sent = NonNullable<EpisodeOfCare['managingOrganization']>

describe('R10 another authority named in the body', () => {
  test.each<[Sent, string]>([
    [{ identifier: { system: SYSTEM.gss, value: LEEDS } }, 'by GSS code'],
    [{ identifier: { system: SYSTEM.ods, value: '507' } }, 'by ODS code'],
    [{ identifier: { system: SYSTEM.dfe, value: '383' } }, 'by DfE code'],
    [{ identifier: { value: LEEDS } }, 'by a GSS code without system, which is plain'],
    [{ reference: 'Organization/org-leeds' }, 'by reference'],
    [{ reference: `${BASE}/Organization/org-leeds` }, 'by absolute reference'],
    [{ reference: `Organization?identifier=${SYSTEM.gss}|${LEEDS}` }, 'by condition'],
    [
      { reference: 'Organization/org-derbyshire', identifier: { system: SYSTEM.gss, value: LEEDS } },
      'by identifier beside the own reference',
    ],
  ])('%j is refused: %s', (managingOrganization) => {
    expect(refusals(sentPlan({ managingOrganization }))).toEqual([
      'NOT_YOUR_AUTHORITY EpisodeOfCare.managingOrganization',
    ])
  })

  test('as assigner of the identifier is refused', () => {
    const assigner = { identifier: { system: SYSTEM.gss, value: LEEDS } }
    const identifier = [{ system: 'urn:x', value: '1', assigner }]
    expect(refusals(sentPlan({ identifier }))).toEqual(['NOT_YOUR_AUTHORITY EpisodeOfCare.identifier[0].assigner'])
  })

  test.each<[Sent, string, string]>([
    [{ identifier: { value: '830' } }, 'identifier.system', 'a bare 3-digit code names two councils'],
    [{ identifier: { system: 'urn:other', value: '830' } }, 'identifier.system', 'an unknown system'],
    [{ identifier: { system: SYSTEM.gss } }, 'identifier', 'no value'],
    [{ reference: 'urn:uuid:6a0f8e0e-0000-4000-8000-000000000001' }, '', 'an entry that is not its own'],
    [{ display: 'Leeds' }, '', 'a name is no code'],
  ])('%j cannot be judged: refused at %s (%s)', (managingOrganization, below) => {
    const place = ['EpisodeOfCare.managingOrganization', below].filter((one) => one !== '').join('.')
    expect(refusals(sentPlan({ managingOrganization }))).toEqual([`INVALID_REFERENCE ${place}`])
  })

  test.each<[EpisodeOfCare['managingOrganization'], string]>([
    [undefined, 'absent'],
    [{ identifier: { system: SYSTEM.gss, value: DERBYSHIRE } }, 'GSS code'],
    [{ identifier: { system: SYSTEM.ods, value: '506' } }, 'ODS code'],
    [{ identifier: { system: SYSTEM.dfe, value: '830' } }, 'DfE code'],
    [{ identifier: { value: DERBYSHIRE } }, 'GSS code without system'],
    [{ reference: 'Organization/org-derbyshire' }, 'reference'],
    [{ reference: `${BASE}/Organization/org-derbyshire/_history/3` }, 'absolute reference to a version'],
    [{ reference: 'urn:uuid:own' }, 'entry of its own'],
    [{ display: 'Derbyshire' }, 'its name'],
  ])('%j is its own, and filled in whole: %s', (managingOrganization) => {
    const { managingOrganization: _, ...rest } = sentPlan()
    const sent = managingOrganization === undefined ? rest : { ...rest, managingOrganization }
    const { issues, plan } = parsePlan(sent, { ...FILING, ownReferences: ['urn:uuid:own'] })
    expect(issues).toEqual([])
    expect(plan?.resource.managingOrganization).toEqual({
      reference: 'Organization/org-derbyshire',
      type: 'Organization',
      identifier: { system: SYSTEM.gss, value: DERBYSHIRE },
      display: 'Derbyshire',
    })
  })

  test('the token alone says who files when nothing else is known of it', () => {
    const { plan } = parsePlan(sentPlan(), { authority: DERBYSHIRE, today: FILING.today, numberRange: 'test' })
    expect(plan?.resource.managingOrganization).toEqual({
      type: 'Organization',
      identifier: { system: SYSTEM.gss, value: DERBYSHIRE },
    })
  })
})

describe('R11 what a plan needs', () => {
  test.each<[Partial<EpisodeOfCare>, readonly string[]]>([
    [{ period: { start: '1989-12-31' } }, ['DATE_IMPLAUSIBLE EpisodeOfCare.period.start']],
    [{ period: { start: '2027-05-04' } }, ['DATE_IMPLAUSIBLE EpisodeOfCare.period.start']],
    [{ period: { start: '2026-02-01', end: '2027-05-04' } }, ['DATE_IMPLAUSIBLE EpisodeOfCare.period.end']],
    [{ period: { start: '2026-02-01', end: '2026-01-31' } }, ['END_BEFORE_START EpisodeOfCare.period.end']],
    [{ period: { start: '2026-02-30' } }, ['DATE_IMPLAUSIBLE EpisodeOfCare.period.start']],
    [{ period: { start: '2026-02' } }, ['PROFILE EpisodeOfCare.period.start']],
    [{ period: { start: '2026-02-01', end: '2026' } }, ['PROFILE EpisodeOfCare.period.end']],
    [{ period: { start: '1 February 2026' } }, ['INVALID_RESOURCE EpisodeOfCare.period.start']],
    [{ period: { end: '2026-02-01' } }, ['PROFILE EpisodeOfCare.period.start']],
    [{ identifier: [{ value: 'CPP-1' }] }, ['PROFILE EpisodeOfCare.identifier[0].system']],
    [
      { identifier: [{ system: 'urn:x', value: '1' }, { system: 'urn:x' }] },
      ['PROFILE EpisodeOfCare.identifier[1].value'],
    ],
    [{ type: [{ coding: [{ system: SYSTEM.snomed, code: '1' }] }] }, ['INVALID_CODE EpisodeOfCare.type']],
    [{ type: [{ coding: [{ code: PLAN_TYPES.CPP.code }] }] }, ['INVALID_CODE EpisodeOfCare.type']],
    [{ type: [{ text: 'Child protection plan' }] }, ['INVALID_CODE EpisodeOfCare.type']],
    [
      { type: [{ coding: [PLAN_TYPES.CPP, PLAN_TYPES.LAC].map(({ code }) => ({ system: SYSTEM.snomed, code })) }] },
      ['INVALID_CODE EpisodeOfCare.type'],
    ],
    [{ patient: {} }, ['PROFILE EpisodeOfCare.patient']],
    [{ patient: { display: 'A. Ashdown' } }, ['PROFILE EpisodeOfCare.patient']],
    [{ patient: { identifier: { value: '9995973952' } } }, ['INVALID_REFERENCE EpisodeOfCare.patient.identifier']],
    [{ patient: { reference: 'Practitioner/1' } }, ['INVALID_REFERENCE EpisodeOfCare.patient.reference']],
    [{ patient: { reference: '#child' } }, ['INVALID_REFERENCE EpisodeOfCare.patient.reference']],
    [
      { patient: { reference: 'https://elsewhere.example/Patient/1' } },
      ['INVALID_REFERENCE EpisodeOfCare.patient.reference'],
    ],
  ])('%j is refused: %j', (parts, expected) => {
    expect(refusals(sentPlan(parts))).toEqual(expected)
  })

  test.each(['identifier', 'type', 'patient', 'period'] as const)('a missing %s is refused', (name) => {
    const { [name]: _, ...rest } = sentPlan()
    const place = name === 'period' ? 'period.start' : name
    expect(refusals(rest as EpisodeOfCare)).toEqual([`PROFILE EpisodeOfCare.${place}`])
  })

  test.each([
    ['1990-01-01', undefined],
    ['2027-05-03', undefined],
    ['2026-05-03', '2027-05-03'],
    ['2026-05-03', '2026-05-03'],
    ['1990-01-01', '1999-01-01'],
  ])('%s to %s is taken (R5: however late)', (start, end) => {
    const period = { start, ...(end === undefined ? {} : { end }) }
    const { plan } = parsePlan(sentPlan({ period }), FILING)
    expect(plan).toMatchObject({ ...period, resource: { period } })
  })

  test('a dateTime is reduced to its London day', () => {
    const period = { start: '2026-04-30T23:30:00Z', end: '2026-06-30T22:30:00Z' }
    const { plan } = parsePlan(sentPlan({ period }), FILING)
    expect(plan?.resource.period).toEqual({ start: '2026-05-01', end: '2026-06-30' })
  })

  test('all faults are reported at once', () => {
    const bad = sentPlan({
      status: 'onhold',
      identifier: [{ value: 'CPP-1' }],
      type: [{ coding: [{ system: SYSTEM.snomed, ...PLAN_TYPES.LAC }] }],
      extension: [{ url: EXTENSION.legalBasis, valueCode: 's47' }],
      ...patientOf('9995973953'),
      managingOrganization: { identifier: { system: SYSTEM.gss, value: LEEDS } },
      period: { start: '2026-02-01', end: '2026-01-01' },
    })
    expect(refusals(bad)).toEqual([
      'NOT_YOUR_AUTHORITY EpisodeOfCare.managingOrganization',
      'PROFILE EpisodeOfCare.identifier[0].system',
      'STATUS_NOT_TAKEN EpisodeOfCare.status',
      'INVALID_NHS_NUMBER EpisodeOfCare.patient.identifier.value',
      'END_BEFORE_START EpisodeOfCare.period.end',
      'OUT_OF_SCOPE EpisodeOfCare.extension[0]',
    ])
  })

  test('no issue repeats a value of the child', () => {
    const bad = sentPlan({ ...patientOf('9995973953'), period: { start: '1066-10-14' } })
    expect(JSON.stringify(parsePlan(bad, FILING).issues)).not.toMatch(/9995973953|1066/)
  })

  test.each([[null], ['Patient/1'], [7], [[]]])(
    'a patient that is no object (%j) is of no shape to be kept',
    (patient) => {
      expect(refusals({ ...sentPlan(), patient } as never)).toEqual(['INVALID_RESOURCE EpisodeOfCare'])
    },
  )

  test('whatever shape comes in, nothing is thrown and no plan comes with an error', () => {
    const keys = fc.constantFrom(
      'identifier',
      'status',
      'type',
      'patient',
      'managingOrganization',
      'period',
      'extension',
      'meta',
    )
    const value = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom('start', 'end', 'identifier', 'reference', 'coding'), fc.jsonValue()),
    )
    fc.assert(
      fc.property(fc.dictionary(keys, value), (parts) => {
        refusals({ ...sentPlan(), ...(parts as Partial<EpisodeOfCare>) })
      }),
    )
  })
})

describe('R12 status', () => {
  test.each(['waitlist', 'onhold'] as const)('%s is refused', (status) => {
    expect(refusals(sentPlan({ status }))).toEqual(['STATUS_NOT_TAKEN EpisodeOfCare.status'])
  })

  test.each<[EpisodeOfCare['status'], EpisodeOfCare['period'], EpisodeOfCare['status'], boolean]>([
    ['active', { start: '2026-02-01' }, 'active', false],
    ['planned', { start: '2026-05-04' }, 'planned', false],
    ['finished', { start: '2026-02-01', end: '2026-05-02' }, 'finished', false],
    ['finished', { start: '2026-02-01', end: '2026-05-03' }, 'active', true],
    ['active', { start: '2026-05-04' }, 'planned', true],
    ['planned', { start: '2026-05-03' }, 'active', true],
    ['entered-in-error', { start: '2026-02-01' }, 'entered-in-error', false],
    ['cancelled', { start: '2026-02-01' }, 'entered-in-error', true],
  ])('%s with %j is kept as %s (said: %s)', (status, period, kept, isSaid) => {
    const sent = period === undefined ? sentPlan({ status }) : sentPlan({ status, period })
    const { issues, plan } = parsePlan(sent, FILING)
    expect(issues.map((one) => `${one.code} ${one.expression}`)).toEqual(
      isSaid ? ['STATUS_CORRECTED EpisodeOfCare.status'] : [],
    )
    expect(plan?.resource.status).toBe(kept)
    expect(plan?.withdrawn).toBe(kept === 'entered-in-error')
  })

  test('R15 a withdrawn plan frees its identifier', () => {
    expect(parsePlan(sentPlan(), FILING).plan?.unique).toEqual([
      { system: 'https://derbyshire.example/Id/plan', value: 'CPP-1' },
    ])
    expect(parsePlan(sentPlan({ status: 'cancelled' }), FILING).plan?.unique).toEqual([])
  })
})

describe('whom a plan is about', () => {
  test.each([
    ['Patient/p1', 'Patient/p1'],
    [`${BASE}/Patient/p1`, 'Patient/p1'],
    ['Patient/p1/_history/4', 'Patient/p1'],
    ['urn:uuid:6a0f8e0e-0000-4000-8000-000000000001', 'urn:uuid:6a0f8e0e-0000-4000-8000-000000000001'],
    ['Patient?identifier=urn:x|1', 'Patient?identifier=urn:x|1'],
  ])('%s', (reference, expected) => {
    const { plan } = parsePlan(sentPlan({ patient: { reference, display: 'Avery Ashdown' } }), FILING)
    expect(plan?.patientReference).toBe(expected)
    expect(plan?.resource.patient).toEqual({ reference: expected })
    expect(plan).not.toHaveProperty('nhsNumber')
  })

  test('the authority’s own identifier', () => {
    const { plan } = parsePlan(sentPlan(patientOf('C-1', 'urn:x')), FILING)
    expect(plan?.patientIdentifier).toEqual({ system: 'urn:x', value: 'C-1' })
    expect(plan?.resource.patient).toEqual({ type: 'Patient', identifier: { system: 'urn:x', value: 'C-1' } })
  })
})

describe('R20 the expected date of delivery', () => {
  const sent = (valueDate: string): EpisodeOfCare =>
    sentPlan({ extension: [{ url: EXTENSION.expectedDeliveryDate, valueDate }] })

  test('is taken', () => {
    expect(parsePlan(sent('2026-09-01'), FILING).plan?.expectedDelivery).toBe('2026-09-01')
  })

  test.each([
    ['2026-09', 'PROFILE'],
    ['2026-02-30', 'DATE_IMPLAUSIBLE'],
    ['1926-09-01', 'DATE_IMPLAUSIBLE'],
    ['2062-09-01', 'DATE_IMPLAUSIBLE'],
  ])('%s is refused: %s', (valueDate, code) => {
    expect(refusals(sent(valueDate))).toEqual([`${code} EpisodeOfCare.extension[0].value`])
  })
})

describe('the resource as it is kept', () => {
  test('has no id, meta, text or remark of the server, and everything else as sent', () => {
    const team = [{ identifier: { system: 'urn:team', value: 'T1' } }]
    const { plan } = parsePlan(
      sentPlan({
        id: 'plan-1',
        meta: { versionId: '3', lastUpdated: '2026-05-01T00:00:00Z' },
        text: { status: 'generated', div: '<div/>' },
        extension: [
          { url: EXTENSION.caseStatus, valueCode: 'open' },
          { url: EXTENSION.shownUntil, valueDate: '2026-05-03' },
          { url: EXTENSION.daysWithoutNumber, valueInteger: 3 },
          { url: EXTENSION.expectedDeliveryDate, valueDate: '2026-09-01' },
        ],
        team,
      }),
      FILING,
    )
    expect(plan?.resource).toEqual({
      ...sentPlan(),
      extension: [{ url: EXTENSION.expectedDeliveryDate, valueDate: '2026-09-01' }],
      team,
      patient: { type: 'Patient', identifier: { system: SYSTEM.nhsNumber, value: '9995973952' } },
      managingOrganization: {
        reference: 'Organization/org-derbyshire',
        type: 'Organization',
        identifier: { system: SYSTEM.gss, value: DERBYSHIRE },
        display: 'Derbyshire',
      },
    })
  })

  test('is a fixed point: parsed again it stays the same and says nothing', () => {
    const first = parsePlan(sentPlan({ status: 'planned', period: { start: '2026-04-30T23:30:00Z' } }), FILING).plan
    const again = first === undefined ? undefined : parsePlan(first.resource, FILING)
    expect(again).toEqual({ issues: [], plan: first })
  })
})
