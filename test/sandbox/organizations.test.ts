import { describe, expect, test } from '@jest/globals'
import { SYSTEM } from '../../src/fhir/canonicals.ts'
import { buildAuthorities, buildSites } from '../../src/sandbox/organizations.ts'

/** Ofcom's numbers for drama: https://www.ofcom.org.uk/phones-and-broadband/phone-numbers/numbers-for-drama */
const DRAMA =
  /^(01632 960\d{3}|020 7946 0\d{3}|(0113|0114|0115|0116|0117|0118|0121|0131|0141|0151|0161|0191) 496 0\d{3})$/

const authorities = buildAuthorities()
const sites = buildSites()
const phonesOf = (authority: (typeof authorities)[number]): string[] =>
  (authority.contact ?? []).flatMap((one) => one.telecom?.find((way) => way.system === 'phone')?.value ?? [])

describe('the directory of the sandbox', () => {
  test('has all 153 authorities, each once', () => {
    expect(authorities).toHaveLength(153)
    expect(new Set(authorities.map((one) => one.id)).size).toBe(153)
  })

  test('gives no telephone number that could be someone’s, and none twice', () => {
    const phones = [...authorities.flatMap(phonesOf), ...sites.flatMap((one) => one.telecom?.[0]?.value ?? [])]
    expect(phones.filter((one) => !DRAMA.test(one))).toEqual([])
    expect(new Set(phones).size).toBe(phones.length)
  })

  test('writes to no host that could exist', () => {
    const mails = authorities.flatMap((one) => one.contact?.flatMap((way) => way.telecom?.[1]?.value ?? []) ?? [])
    expect(mails).toHaveLength(459)
    expect(mails.filter((one) => !/^[a-z-]+@[a-z-]+\.example$/.test(one))).toEqual([])
  })

  test('names each authority by GSS first, and never a bare DfE code', () => {
    for (const { id, identifier = [] } of authorities) {
      expect(identifier[0]).toEqual({ system: SYSTEM.gss, value: id })
      expect(identifier.filter((one) => one.system === undefined)).toEqual([])
    }
  })

  test('says whom to call for each purpose', () => {
    for (const { contact = [] } of authorities) {
      expect(contact.map((one) => one.purpose?.coding?.[0]?.code)).toEqual([
        'office-hours',
        'emergency-duty-team',
        'mash',
      ])
    }
  })

  test('puts each site under its organisation', () => {
    const site = sites.find((one) => one.id === 'RCUEF')
    expect(site?.partOf?.identifier).toEqual({ system: SYSTEM.ods, value: 'RCU' })
    expect(site?.address).toEqual([{ city: 'Sheffield' }])
  })
})
