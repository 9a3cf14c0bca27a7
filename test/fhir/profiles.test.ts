/** Each profile against one good instance and many bad ones (interface.md "Profiles"). The good ones and the bad ones were judged alike by the reference validator. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { EXTENSION, PROFILE, SYSTEM } from '../../src/fhir/canonicals.ts'
import { buildOutcome } from '../../src/fhir/outcome.ts'
import { compileProfiles } from '../../src/fhir/validate.ts'
import { BAD_INSTANCES } from './bad-instances.ts'

const folder = join(import.meta.dirname, 'instances')
const profiles = compileProfiles()

function read(kind: 'good' | 'bad', name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, kind, name), 'utf8')) as Record<string, unknown>
}

function claimed(resource: Record<string, unknown>): string {
  const { profile } = resource['meta'] as { profile: [string] }
  return profile[0]
}

function faults(resource: unknown, profile: string): string[] {
  return profiles.check(resource, profile).map((one) => `${one.code} ${one.expression}`)
}

const plan = (): Record<string, unknown> => read('good', 'cpis-plan.json')

describe('bad instances are refused with code and place', () => {
  test('every bad instance is in the table', () => {
    expect(readdirSync(join(folder, 'bad')).sort()).toEqual(Object.keys(BAD_INSTANCES).sort())
  })

  test.each(Object.entries(BAD_INSTANCES))('%s', (name, expected) => {
    const resource = read('bad', name)
    expect(faults(resource, claimed(resource)).sort()).toEqual(expected.map((row) => row.join(' ')).sort())
  })
})

describe('shapes that no schema would show', () => {
  test.each([
    ['null', null],
    ['a text', 'EpisodeOfCare'],
    ['an array', []],
    ['an empty object', {}],
    ['another type', { resourceType: 'Patient' }],
  ])('%s is not a plan', (_what, value) => {
    expect(faults(value, PROFILE.plan)).toEqual(['INVALID_RESOURCE EpisodeOfCare'])
  })

  test.each<[string, Record<string, unknown>, string[]]>([
    ['a number for a text', { status: 3 }, ['INVALID_RESOURCE EpisodeOfCare.status']],
    ['an object for a text', { status: { ne: '' } }, ['INVALID_RESOURCE EpisodeOfCare.status']],
    ['a list for a text', { status: ['active'] }, ['INVALID_RESOURCE EpisodeOfCare.status']],
    ['a text for an object', { period: '2026-05-03' }, ['INVALID_RESOURCE EpisodeOfCare.period']],
    ['a text in a list of objects', { team: ['x'] }, ['INVALID_RESOURCE EpisodeOfCare.team[0]']],
    ['a text for a list of extensions', { extension: 'x' }, ['INVALID_RESOURCE EpisodeOfCare.extension']],
    ['null in a list of extensions', { extension: [null] }, ['UNKNOWN_ELEMENT EpisodeOfCare.extension[0]']],
    [
      'resourceType inside',
      { period: { resourceType: 'Period', start: '2026-05-03' } },
      ['UNKNOWN_ELEMENT EpisodeOfCare.period.resourceType'],
    ],
    ['a lone primitive extension', { _status: {}, status: 'active' }, ['UNKNOWN_ELEMENT EpisodeOfCare.status']],
    ['an underscore before an object', { _period: { id: 'x' } }, ['UNKNOWN_ELEMENT EpisodeOfCare.period']],
    ['a blank text', { status: ' ' }, ['INVALID_RESOURCE EpisodeOfCare.status']],
  ])('%s', (_what, change, expected) => {
    expect(faults({ ...plan(), ...change }, PROFILE.plan)).toEqual(expected)
  })

  test('a name that may be a value is not echoed', () => {
    const issues = profiles.check({ ...plan(), '9995973952': 'x', 'Ada Example': 1 }, PROFILE.plan)
    expect(issues).toEqual([{ code: 'UNKNOWN_ELEMENT', expression: 'EpisodeOfCare' }])
  })

  test('a resource made of nothing but faults is answered with 200 of them', () => {
    const identifier = Array.from({ length: 5000 }, () => ({}))
    expect(profiles.check({ ...plan(), identifier }, PROFILE.plan)).toHaveLength(200)
  })

  test('no fault quotes what was sent', () => {
    const secret = 'Canary'
    const bad = {
      ...plan(),
      status: secret,
      address: secret,
      patient: { reference: secret },
      period: { start: secret },
    }
    expect(JSON.stringify(buildOutcome(profiles.check(bad, PROFILE.plan)))).not.toContain(secret)
  })

  test('whatever is put anywhere, the check answers with issues and never throws', () => {
    const names = [
      'status',
      'patient',
      'period',
      'extension',
      'type',
      'team',
      'meta',
      'id',
      '_status',
      'contained',
      'x',
    ]
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 3 }), (name, value) => {
        const issues = profiles.check({ ...plan(), [name]: value }, PROFILE.plan)
        expect(new Set(issues.map((one) => `${one.code} ${one.expression}`)).size).toBe(issues.length)
      }),
    )
  })
})

describe('what rules report is left to them', () => {
  test('an end before the start of a plan is not reported here (END_BEFORE_START)', () => {
    expect(faults({ ...plan(), period: { start: '2026-05-03', end: '2026-05-02' } }, PROFILE.plan)).toEqual([])
  })

  test('R9 a legal basis out of scope is not reported here (OUT_OF_SCOPE)', () => {
    expect(faults({ ...plan(), extension: [{ url: EXTENSION.legalBasis, valueCode: 's17' }] }, PROFILE.plan)).toEqual(
      [],
    )
  })

  test('R12 waitlist and onhold are codes of R4 (STATUS_NOT_TAKEN)', () => {
    expect(faults({ ...plan(), status: 'onhold' }, PROFILE.plan)).toEqual([])
  })
})

describe('good instances fit', () => {
  test.each(readdirSync(join(folder, 'good')))('%s', (name) => {
    const resource = read('good', name)
    expect(profiles.check(resource, claimed(resource))).toEqual([])
  })

  test('every profile has a good instance', () => {
    const shown = new Set(readdirSync(join(folder, 'good')).map((name) => claimed(read('good', name))))
    expect(Object.values(PROFILE).filter((url) => !shown.has(url))).toEqual([])
  })

  test.each<[string, Record<string, unknown>]>([
    ['an instant as start', { period: { start: '2026-05-03T09:30:00+01:00' } }],
    ['a patient by literal reference', { patient: { reference: 'Patient/7f3c' } }],
    ['a patient by urn', { patient: { reference: 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0' } }],
    ['a patient by absolute URL', { patient: { reference: 'https://register.example/FHIR/R4/Patient/7f3c' } }],
    ['a patient by condition', { patient: { reference: 'Patient?identifier=https://derbyshire.example/person|P-88' } }],
    ['a plan type without display', { type: [{ coding: [{ system: SYSTEM.snomed, code: '342191000000101' }] }] }],
    [
      'what the server adds on reading',
      {
        id: 'plan-1',
        meta: { versionId: '2', lastUpdated: '2026-06-01T08:00:00.000Z', profile: [PROFILE.plan] },
        extension: [
          { url: EXTENSION.daysWithoutNumber, valueInteger: 3 },
          { url: EXTENSION.babyNumber, valueIdentifier: { system: SYSTEM.nhsNumber, value: '9995294524' } },
          { url: EXTENSION.babyNumber, valueIdentifier: { system: SYSTEM.nhsNumber, value: '9992495146' } },
        ],
      },
    ],
  ])('%s is taken', (_what, change) => {
    expect(profiles.check({ ...plan(), ...change }, PROFILE.plan)).toEqual([])
  })

  test('the check leaves the resource as it was', () => {
    const resource = plan()
    profiles.check(resource, PROFILE.plan)
    expect(resource).toEqual(plan())
  })
})

describe('published definitions', () => {
  test('are found by id and by URL', () => {
    expect(profiles.definition('StructureDefinition', 'cpis-plan')).toBe(
      profiles.definition('StructureDefinition', PROFILE.plan),
    )
    expect(profiles.definition('CodeSystem', SYSTEM.careSetting)?.id).toBe('cpis-care-setting')
    expect(profiles.definitions('Basic')).toHaveLength(5)
  })

  test('of another type or unknown are not found', () => {
    expect(profiles.definition('ValueSet', 'cpis-plan')).toBeUndefined()
    expect(profiles.definition('StructureDefinition', 'nothing')).toBeUndefined()
    expect(profiles.definitions('Patient')).toEqual([])
  })

  test('a profile that was not compiled is a mistake of the program', () => {
    expect(() => profiles.check({}, 'https://cpis.example/fhir/StructureDefinition/none')).toThrow('no profile')
  })
})
