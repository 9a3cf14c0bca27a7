/** What may enter the directory: sites (cpis-site), authorities as an administrator brings them (cpis-authority), and the words that staff read. */

import { describe, expect, test } from '@jest/globals'
import type { Organization } from '@medplum/fhirtypes'
import { completeAuthority, parseListedAuthority } from '../../../src/domain/upload/parse-listed-authority.ts'
import { isOdsCode, parseSite } from '../../../src/domain/upload/parse-site.ts'
import { checkShownText, checkTelecom } from '../../../src/domain/upload/shown-text.ts'
import { SYSTEM } from '../../../src/fhir/canonicals.ts'

const SITE: Organization = {
  resourceType: 'Organization',
  identifier: [{ system: SYSTEM.ods, value: 'RCUEF' }],
  type: [{ coding: [{ system: SYSTEM.organizationType, code: 'hospital-site' }] }],
  name: 'A Hospital',
}
const AUTHORITY: Organization = {
  resourceType: 'Organization',
  identifier: [
    { system: SYSTEM.gss, value: 'E10000007' },
    { system: SYSTEM.ods, value: '506' },
    { system: SYSTEM.dfe, value: '830' },
  ],
  name: 'Derbyshire',
  contact: [{ telecom: [{ system: 'phone', value: '01632 960200' }] }],
}
const odsReference = (value: string): Organization['partOf'] & {} => ({ identifier: { system: SYSTEM.ods, value } })

describe('an ODS code', () => {
  test.each([
    ['RCU', true],
    ['A81001', true],
    ['RC', false],
    ['RCU01234567', false],
    ['rcu', false],
    ['RC U', false],
    ['E10000007', false],
    ['W06000001', false],
    ['RCU\n', false],
    ['', false],
  ])('%j: %s', (text, is) => {
    expect(isOdsCode(text)).toBe(is)
  })
})

describe('a site', () => {
  test('is kept without id, meta and text, and with active only when it is closed', () => {
    const sent: Organization = {
      ...SITE,
      id: 'RCUEF',
      meta: { versionId: '3' },
      active: true,
      partOf: odsReference('RCU'),
    }
    expect(parseSite(sent)).toEqual({
      issues: [],
      site: {
        resource: { ...SITE, partOf: odsReference('RCU') },
        ods: 'RCUEF',
        name: 'A Hospital',
        orgType: 'hospital-site',
        partOf: 'RCU',
      },
    })
    expect(parseSite({ ...SITE, active: false }).site?.resource.active).toBe(false)
  })

  test.each([
    ['its address', { reference: 'Organization/RCU' }],
    ['an address with a base and a version', { reference: 'https://x.example/FHIR/R4/Organization/RCU/_history/2' }],
    ['both', { reference: 'Organization/RCU', ...odsReference('RCU') }],
  ])('names its organisation by %s', (_how, partOf) => {
    expect(parseSite({ ...SITE, partOf }).site?.partOf).toBe('RCU')
  })

  test.each([
    ['two that differ', { reference: 'Organization/RBS', ...odsReference('RCU') }],
    ['another system', { identifier: { system: SYSTEM.gss, value: 'RCU' } }],
    ['a display alone', { display: 'RCU' }],
    ['an authority', odsReference('E10000007')],
    ['no reference', 'RCU' as never],
    ['nothing', {}],
  ])('whose organisation is %s is refused', (_how, partOf) => {
    expect(parseSite({ ...SITE, partOf }).issues).toEqual([
      expect.objectContaining({ code: 'INVALID_REFERENCE', expression: 'Organization.partOf' }),
    ])
  })

  test('of any shape gives issues or no draft, and throws nothing', () => {
    for (const odd of [null, 1, 'x', [], [null], {}, [{}]] as never[]) {
      for (const name of ['identifier', 'type', 'name', 'address', 'telecom', 'partOf', 'active'] as const)
        expect(() => parseSite({ ...SITE, [name]: odd })).not.toThrow()
      for (const name of ['identifier', 'type', 'name', 'contact', 'active'] as const)
        expect(() => parseListedAuthority(completeAuthority({ ...AUTHORITY, [name]: odd }, AUTHORITY))).not.toThrow()
    }
  })
})

describe('an authority that is brought', () => {
  test('keeps what the list leaves out: contacts, ODS and DfE code', () => {
    const sent: Organization = {
      resourceType: 'Organization',
      identifier: [{ system: SYSTEM.gss, value: 'E10000007' }],
      name: 'New name',
    }
    const complete = completeAuthority(sent, AUTHORITY)
    expect(complete).toMatchObject({ identifier: AUTHORITY.identifier, contact: AUTHORITY.contact, name: 'New name' })
    expect(parseListedAuthority(complete).authority).toMatchObject({
      gss: 'E10000007',
      unique: [{ system: SYSTEM.gss, value: 'E10000007' }],
    })
  })

  test('gives its own codes and contacts where it has them', () => {
    const sent = {
      ...AUTHORITY,
      identifier: [...(AUTHORITY.identifier ?? []).slice(0, 2), { system: SYSTEM.dfe, value: '999' }],
    }
    expect(completeAuthority(sent, AUTHORITY).identifier).toEqual(sent.identifier)
  })
})

describe('words that staff read', () => {
  test.each([
    ["Guy's and St Thomas' NHS Foundation Trust", true],
    ['Ysbyty Ünïcode (East) – 2/3', true],
    ['=1+1', false],
    ['+SUM(A1)', false],
    ['-1', false],
    ['@x', false],
    [' padded', false],
    ['padded ', false],
    ['a\tb', false],
    ['a\u0000b', false],
    ['a\u202Eb', false],
    ['a\uFEFFb', false],
    ['a\u2028b', false],
    ['x'.repeat(200), true],
    ['x'.repeat(201), false],
  ])('%j: %s, never repeated', (text, isTaken) => {
    const issues = checkShownText(text, 'Organization.name')
    expect(issues.map(({ code, expression }) => [code, expression])).toEqual(
      isTaken ? [] : [['PROFILE', 'Organization.name']],
    )
    expect(issues.map((one) => one.text).join()).not.toContain(text)
  })

  test('a telephone number may begin with +, a mail address may not', () => {
    const telecom = (system: 'phone' | 'email', value: string) =>
      checkTelecom([{ system, value }], 'Organization.telecom')
    expect(telecom('phone', '+44 114 496 0100')).toEqual([])
    expect(telecom('phone', '+=1')).toHaveLength(1)
    expect(telecom('email', '+x@y.example')).toHaveLength(1)
  })
})
