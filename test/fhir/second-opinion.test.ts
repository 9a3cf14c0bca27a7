/** The second engine speaks where ours were silent, and never quotes. */
import { describe, expect, test } from '@jest/globals'
import type { Resource } from '@medplum/fhirtypes'
import { readDefinitions } from '../../src/fhir/definitions.ts'
import { askSecondOpinion, prepareSecondOpinion } from '../../src/fhir/second-opinion.ts'

prepareSecondOpinion(readDefinitions().base)

describe('second opinion', () => {
  test.each<[string, unknown, string]>([
    ['a wrong type', { resourceType: 'Patient', birthDate: 5 }, 'Patient.birthDate'],
    ['an unknown element', { resourceType: 'Patient', Canary: 1 }, 'Patient.Canary'],
    ['a missing element', { resourceType: 'Flag', status: 'active', subject: { reference: 'Patient/1' } }, 'Flag.code'],
  ])('%s is INVALID_RESOURCE at its place, without the words of the engine', (_what, resource, place) => {
    expect(askSecondOpinion(resource as Resource)).toEqual([{ code: 'INVALID_RESOURCE', expression: place }])
  })

  test('a sound resource is sound', () => {
    expect(askSecondOpinion({ resourceType: 'Patient', birthDate: '2017-02-01' })).toEqual([])
  })
})
