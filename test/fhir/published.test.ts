/** What is published is what the program uses: generated files are up to date, the catalogue, its CodeSystem and docs/errors.md agree. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { CodeSystem, StructureDefinition } from '@medplum/fhirtypes'
import { CARE_SETTINGS } from '../../src/domain/care-settings.ts'
import { EXTENSION, PROFILE, SYSTEM, VALUE_SET } from '../../src/fhir/canonicals.ts'
import { CATALOGUE } from '../../src/fhir/catalogue.ts'
import { compileProfiles } from '../../src/fhir/validate.ts'
import { generateErrors } from '../../tools/generate-errors.ts'
import { generateProfiles } from '../../tools/generate-profiles.ts'
import { generateR4Schema } from '../../tools/generate-r4-schema.ts'
import { writeOrCompare } from '../../tools/profiles/generated-files.ts'

const root = join(import.meta.dirname, '../..')
const profiles = compileProfiles()

function codes(url: string): string[] {
  const system = profiles.definition('CodeSystem', url) as CodeSystem
  return (system.concept ?? []).map((concept) => concept.code ?? '')
}

describe('generated files', () => {
  test.each([
    ['profiles', generateProfiles],
    ['docs', generateErrors],
    ['src/fhir/generated', generateR4Schema],
  ])('%s is as it would be generated now', (folder, generate) => {
    expect(writeOrCompare(folder, generate(), true)).toBe(true)
  })
})

describe('the error catalogue', () => {
  test('is the CodeSystem, code by code', () => {
    expect(codes(SYSTEM.error)).toEqual(Object.keys(CATALOGUE))
  })

  test('is docs/errors.md, code by code', () => {
    const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')
    const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| [\d–]+ \| (?:error|warning|information) \|/gm)].map(
      (row) => row[1],
    )
    expect(rows).toEqual(Object.keys(CATALOGUE))
  })

  test('docs/errors.md names every answer of the service before', () => {
    const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')
    const before = [...[1, 2, 3, 4, 5, 6, 7].map((n) => `CPR0${n}`), ...[1, 2, 3, 4, 5, 6].map((n) => `CPF0${n}`)]
    for (const code of [...before, '`INVALID_SEARCH_DATA`', '`PRECONDITION_FAILED`', '`ACCESS_DENIED`']) {
      expect(page).toContain(`| ${code} |`)
    }
  })
})

describe('names', () => {
  test('the care settings are the CodeSystem', () => {
    expect(codes(SYSTEM.careSetting)).toEqual(CARE_SETTINGS.map((one) => one.code))
  })

  test.each([
    ...Object.values(PROFILE),
    ...Object.values(EXTENSION).filter((url) => url.startsWith('https://cpis.example/')),
  ])('%s is published with differential and snapshot', (url) => {
    const found = profiles.definition('StructureDefinition', url) as StructureDefinition | undefined
    expect(found?.differential?.element?.length).toBeGreaterThan(0)
    expect(found?.snapshot?.element?.length).toBeGreaterThanOrEqual(found?.differential?.element?.length ?? 0)
  })

  test.each(Object.values(VALUE_SET))('%s is published', (url) => {
    expect(profiles.definition('ValueSet', url)).toBeDefined()
  })

  test('every extension says where it may stand', () => {
    const extensions = (profiles.definitions('StructureDefinition') as StructureDefinition[]).filter(
      (one) => one.type === 'Extension',
    )
    expect(extensions.map((one) => [one.id, one.context?.length])).toEqual(extensions.map((one) => [one.id, 1]))
  })

  test('nothing published comes from Medplum', () => {
    expect(
      [...generateProfiles().values(), ...generateR4Schema().values()].filter((text) => text.includes('medplum')),
    ).toEqual([])
  })
})
