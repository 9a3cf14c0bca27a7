import { describe, expect, test } from '@jest/globals'
import type { EpisodeOfCare, Resource } from '@medplum/fhirtypes'
import fc from 'fast-check'
import { parsePlan } from '../../../src/domain/upload/parse-plan.ts'
import { isSameContent } from '../../../src/domain/upload/same-content.ts'
import { EXTENSION, SYSTEM } from '../../../src/fhir/canonicals.ts'
import { CHILD, DERBYSHIRE_ORGANIZATION, FILING, sentPatient, sentPlan } from '../../support/domain-facts.ts'

const byNumber = (value: string): EpisodeOfCare['patient'] => ({ identifier: { system: SYSTEM.nhsNumber, value } })
const otherNumber = '9995294524'

describe('R15 other content', () => {
  test.each<[string, Resource, Resource]>([
    ['a date', sentPlan(), sentPlan({ period: { start: '2026-02-02' } })],
    ['an end', sentPlan(), sentPlan({ period: { start: '2026-02-01', end: '2026-05-01' } })],
    ['another child', sentPlan({ patient: byNumber(CHILD) }), sentPlan({ patient: byNumber(otherNumber) })],
    [
      'another number beside the same reference',
      sentPlan({ patient: { reference: 'Patient/1', ...byNumber(CHILD) } }),
      sentPlan({ patient: { reference: 'Patient/1', ...byNumber(otherNumber) } }),
    ],
    [
      'another Patient beside the same number',
      sentPlan({ patient: { reference: 'Patient/1', ...byNumber(CHILD) } }),
      sentPlan({ patient: { reference: 'Patient/2', ...byNumber(CHILD) } }),
    ],
    [
      'a reference that shares nothing',
      sentPlan({ patient: { reference: 'Patient/1' } }),
      sentPlan({ patient: byNumber(CHILD) }),
    ],
    ['a withdrawal', sentPlan(), sentPlan({ status: 'entered-in-error' })],
    ['a withdrawal, as cancelled', sentPlan(), sentPlan({ status: 'cancelled' })],
    ['a legal basis', sentPlan(), sentPlan({ extension: [{ url: EXTENSION.legalBasis, valueCode: 's20' }] })],
    [
      'another identifier more',
      sentPlan(),
      sentPlan({ identifier: [...(sentPlan().identifier ?? []), { system: 'urn:x', value: '1' }] }),
    ],
    [
      'given names in another order',
      sentPatient({ name: [{ given: ['A', 'B'] }] }),
      sentPatient({ name: [{ given: ['B', 'A'] }] }),
    ],
    ['another type', sentPlan(), sentPatient()],
    [
      'a telephone',
      DERBYSHIRE_ORGANIZATION,
      { ...DERBYSHIRE_ORGANIZATION, contact: (DERBYSHIRE_ORGANIZATION.contact ?? []).slice(1) },
    ],
  ])('%s', (_, a, b) => {
    expect(isSameContent(a, b)).toBe(false)
    expect(isSameContent(b, a)).toBe(false)
  })
})

describe('R15 the same content', () => {
  const two = [
    { system: 'urn:a', value: '1' },
    { system: 'urn:b', value: '2' },
  ]
  test.each<[string, Resource, Resource]>([
    ['as sent', sentPlan(), sentPlan()],
    ['status aside (R12)', sentPlan({ status: 'planned' }), sentPlan({ status: 'finished' })],
    [
      'id, meta and text aside',
      sentPlan(),
      sentPlan({ id: '1', meta: { versionId: '4' }, text: { status: 'generated', div: '' } }),
    ],
    [
      'a reference resolved since',
      sentPlan({ patient: { reference: 'Patient/1', type: 'Patient', ...byNumber(CHILD) } }),
      sentPlan({ patient: byNumber(CHILD) }),
    ],
    [
      'a reference to a version',
      sentPlan({ patient: { reference: 'Patient/1' } }),
      sentPlan({ patient: { reference: 'Patient/1/_history/2' } }),
    ],
    ['withdrawn both, by either word', sentPlan({ status: 'cancelled' }), sentPlan({ status: 'entered-in-error' })],
    ['identifiers in another order', sentPlan({ identifier: two }), sentPlan({ identifier: [...two].reverse() })],
    [
      'contacts in another order',
      DERBYSHIRE_ORGANIZATION,
      { ...DERBYSHIRE_ORGANIZATION, contact: [...(DERBYSHIRE_ORGANIZATION.contact ?? [])].reverse() },
    ],
  ])('%s', (_, a, b) => {
    expect(isSameContent(a, b)).toBe(true)
    expect(isSameContent(b, a)).toBe(true)
  })

  test('is what a plan has with the same plan parsed on any later day', () => {
    fc.assert(
      fc.property(fc.constantFrom('2026-05-03', '2026-05-04', '2027-01-01', '2029-12-31'), (on) => {
        const sent = sentPlan({ status: 'active', period: { start: '2026-05-04', end: '2026-12-31' } })
        const before = parsePlan(sent, FILING).plan?.resource
        const after = parsePlan(sent, { ...FILING, today: on as typeof FILING.today }).plan?.resource
        expect(before !== undefined && after !== undefined && isSameContent(before, after)).toBe(true)
      }),
    )
  })
})
