import { describe, expect, test } from '@jest/globals'
import type { EpisodeOfCare, Flag, Organization, Patient } from '@medplum/fhirtypes'
import fc from 'fast-check'
import { dropNotHeld } from '../../../src/domain/upload/not-held.ts'
import { EXTENSION, PROFILE, SYSTEM } from '../../../src/fhir/canonicals.ts'
import { CHILD, DERBYSHIRE_ORGANIZATION, sentFlag, sentPatient, sentPlan } from '../../support/domain-facts.ts'

const text = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">A child</div>' } as const

function places(resource: EpisodeOfCare | Patient | Flag | Organization): readonly string[] {
  const { issues } = dropNotHeld(resource)
  expect(issues.every((one) => one.code === 'NOT_HELD')).toBe(true)
  return issues.map((one) => one.expression ?? '')
}

describe('what UK Core senders add is dropped, and said', () => {
  const verified = {
    system: SYSTEM.nhsNumber,
    value: CHILD,
    extension: [
      {
        url: 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus',
        valueCode: '01',
      },
    ],
  }
  const patient = sentPatient({
    text,
    active: true,
    gender: 'female',
    meta: { profile: ['https://fhir.hl7.org.uk/StructureDefinition/UKCore-Patient', PROFILE.patient] },
    identifier: [{ system: 'urn:x', value: '1' }, verified],
    name: [{ use: 'official', prefix: ['Miss'], family: 'Ashdown', given: ['Avery'] }],
  })

  test('with its places', () => {
    expect(places(patient)).toEqual([
      'Patient.meta.profile[0]',
      'Patient.text',
      'Patient.active',
      'Patient.gender',
      'Patient.name[0].use',
      'Patient.name[0].prefix',
      'Patient.identifier[1].extension[0]',
    ])
  })

  test('and the rest stays', () => {
    expect(dropNotHeld(patient).resource).toEqual({
      ...sentPatient(),
      meta: { profile: [PROFILE.patient] },
      identifier: [
        { system: 'urn:x', value: '1' },
        { system: SYSTEM.nhsNumber, value: CHILD },
      ],
    })
  })

  test('without changing what was sent', () => {
    const before = structuredClone(patient)
    dropNotHeld(patient)
    expect(patient).toEqual(before)
  })

  test('on each type', () => {
    expect(places({ ...DERBYSHIRE_ORGANIZATION, active: true, text })).toEqual([
      'Organization.text',
      'Organization.active',
    ])
    expect(places(sentPlan({ text, patient: { reference: 'Patient/1', display: 'Avery Ashdown' } }))).toEqual([
      'EpisodeOfCare.text',
      'EpisodeOfCare.patient.display',
    ])
    expect(places(sentFlag({ text, subject: { reference: 'Patient/1', display: 'Avery Ashdown' } }))).toEqual([
      'Flag.text',
      'Flag.subject.display',
    ])
  })
})

describe('what the server had put there is dropped silently', () => {
  test('and the id stays', () => {
    const sent = sentPlan({
      id: 'plan-1',
      meta: { versionId: '3', lastUpdated: '2026-05-01T00:00:00Z' },
      extension: [
        EXTENSION.caseStatus,
        EXTENSION.shownUntil,
        EXTENSION.daysWithoutNumber,
        EXTENSION.newNumber,
        EXTENSION.babyNumber,
      ].map((url) => ({ url })),
    })
    expect(dropNotHeld(sent)).toEqual({ resource: { ...sentPlan(), id: 'plan-1' }, issues: [] })
  })

  test('but what only a client can have put there stays for the profile check', () => {
    const sent = sentPlan({
      meta: { tag: [{ code: 'x' }], source: 'urn:x' },
      extension: [{ url: 'urn:other' }, { url: EXTENSION.legalBasis, valueCode: 's20' }],
    })
    expect(dropNotHeld(sent)).toEqual({ resource: sent, issues: [] })
    const address = sentPatient({ address: [{ city: 'Derby' }] })
    expect(dropNotHeld(address)).toEqual({ resource: address, issues: [] })
  })
})

test('whatever shape comes in, nothing is thrown', () => {
  const keys = fc.constantFrom('meta', 'text', 'name', 'identifier', 'extension', 'active')
  fc.assert(
    fc.property(fc.dictionary(keys, fc.jsonValue()), (parts) => {
      dropNotHeld({ resourceType: 'Patient', ...(parts as Partial<Patient>) })
    }),
  )
})
