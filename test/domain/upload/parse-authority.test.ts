import { describe, expect, test } from '@jest/globals'
import type { Identifier, Organization } from '@medplum/fhirtypes'
import { parseAuthority } from '../../../src/domain/upload/parse-authority.ts'
import { SYSTEM } from '../../../src/fhir/canonicals.ts'
import { isError } from '../../../src/fhir/outcome.ts'
import { DERBYSHIRE, DERBYSHIRE_ORGANIZATION, FILING, LEEDS } from '../../support/domain-facts.ts'

function refusals(parts: Partial<Organization>): readonly string[] {
  const { issues, authority } = parseAuthority({ ...DERBYSHIRE_ORGANIZATION, ...parts }, FILING)
  expect(authority === undefined).toBe(issues.some(isError))
  return issues.map((one) => `${one.code} ${one.expression}`)
}

describe('R10 an authority’s own Organization', () => {
  test.each<[Identifier[], string, string]>([
    [[{ system: SYSTEM.gss, value: LEEDS }], 'NOT_YOUR_AUTHORITY Organization.identifier[0].value', 'another GSS code'],
    [[{ system: SYSTEM.ods, value: '507' }], 'NOT_YOUR_AUTHORITY Organization.identifier[0].value', 'another ODS code'],
    [[{ system: SYSTEM.dfe, value: '383' }], 'NOT_YOUR_AUTHORITY Organization.identifier[0].value', 'another DfE code'],
    [[{ value: '830' }], 'PROFILE Organization.identifier[0].system', 'a bare code'],
  ])('%j is refused: %s (%s)', (identifier, expected) => {
    expect(refusals({ identifier })).toEqual([expected])
  })

  test('needs a name', () => {
    const { name: _, ...rest } = DERBYSHIRE_ORGANIZATION
    expect(parseAuthority(rest, FILING).issues).toMatchObject([{ code: 'PROFILE', expression: 'Organization.name' }])
  })

  test('changes its contacts, and keeps the codes that it leaves out', () => {
    const contact = (DERBYSHIRE_ORGANIZATION.contact ?? []).slice(0, 1)
    const sent: Organization = {
      ...DERBYSHIRE_ORGANIZATION,
      identifier: [{ system: SYSTEM.gss, value: DERBYSHIRE }],
      contact,
    }
    expect(parseAuthority(sent, FILING)).toEqual({
      issues: [],
      authority: {
        resource: {
          resourceType: 'Organization',
          identifier: DERBYSHIRE_ORGANIZATION.identifier,
          name: 'Derbyshire',
          contact,
        },
        name: 'Derbyshire',
        identifiers: DERBYSHIRE_ORGANIZATION.identifier,
        unique: [{ system: SYSTEM.gss, value: DERBYSHIRE }],
      },
    })
  })
})
