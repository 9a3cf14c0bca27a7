/** The sandbox's directory as FHIR Organizations: 153 authorities with whom to call, NHS organisations and sites (profiles cpis-authority, cpis-site). */
import type { CodeableConcept, Identifier, Organization, OrganizationContact } from '@medplum/fhirtypes'
import type { AuthorityCode } from '../domain/brands.ts'
import { canonical, PROFILE, SYSTEM } from '../fhir/canonicals.ts'
import { LOCAL_AUTHORITIES, type LocalAuthority } from './authorities.ts'
import { SANDBOX_SITES, type SandboxSite } from './sites.ts'

/** Towns whose authorities have a drama range of their own area; all others use 01632 and London 020. */
const AREA_CODES: Readonly<Record<string, readonly string[]>> = {
  '0113': ['Leeds'],
  '0114': ['Sheffield', 'Rotherham'],
  '0115': ['Nottingham', 'Nottinghamshire'],
  '0116': ['Leicester', 'Leicestershire'],
  '0117': ['City of Bristol', 'South Gloucestershire'],
  '0118': ['Reading', 'Wokingham'],
  '0121': ['Birmingham', 'Solihull', 'Sandwell', 'Dudley', 'Walsall'],
  '0151': ['Liverpool', 'Sefton', 'Knowsley', 'Wirral', 'Halton'],
  '0161': ['Manchester', 'Salford', 'Trafford', 'Stockport', 'Tameside', 'Oldham', 'Bury', 'Rochdale'],
  '0191': ['Newcastle upon Tyne', 'Gateshead', 'North Tyneside', 'South Tyneside', 'Sunderland', 'County Durham'],
}

const CONTACTS = [
  { code: 'office-hours', display: 'Office hours', mailbox: 'childrens-services' },
  { code: 'emergency-duty-team', display: 'Emergency duty team', mailbox: 'emergency-duty' },
  { code: 'mash', display: 'Multi-agency safeguarding hub', mailbox: 'mash' },
] as const

/** Numbers below are taken by the sites. */
const FIRST_NUMBER = 200

/** All authorities as Organizations; the id is the GSS code. Telephone numbers are of Ofcom's drama ranges, each used once. Pure. */
export function buildAuthorities(): Organization[] {
  return LOCAL_AUTHORITIES.map(buildAuthority)
}

/** All NHS organisations and sites as Organizations; the id is the ODS code. Pure. */
export function buildSites(): Organization[] {
  return SANDBOX_SITES.map(buildSite)
}

function buildAuthority(authority: LocalAuthority, place: number): Organization {
  const identifier: Identifier[] = [
    { system: SYSTEM.gss, value: authority.gss },
    ...(authority.ods === undefined ? [] : [{ system: SYSTEM.ods, value: authority.ods }]),
    { system: SYSTEM.dfe, value: authority.dfe },
  ]
  return {
    resourceType: 'Organization',
    id: authority.gss,
    meta: { profile: [PROFILE.authority] },
    identifier,
    type: [typeOf('authority')],
    name: authority.name,
    contact: CONTACTS.map((kind, nth) => buildContact(authority, kind, FIRST_NUMBER + place * CONTACTS.length + nth)),
  }
}

/** `hospital site` as its code `hospital-site` of cpis-organization-type. */
function typeOf(kind: string): CodeableConcept {
  return {
    coding: [
      { system: canonical('CodeSystem', 'cpis-organization-type'), code: kind.toLowerCase().replaceAll(' ', '-') },
    ],
  }
}

function buildContact(authority: LocalAuthority, kind: (typeof CONTACTS)[number], number: number): OrganizationContact {
  return {
    purpose: { coding: [{ system: SYSTEM.contactPurpose, code: kind.code, display: kind.display }] },
    telecom: [
      { system: 'phone', value: phoneNumber(authority, number), use: 'work' },
      { system: 'email', value: `${kind.mailbox}@${slugOf(authority)}.example`, use: 'work' },
    ],
  }
}

/** `0114 496 0497`, `020 7946 0281` or `01632 960301`. */
function phoneNumber(authority: LocalAuthority, number: number): string {
  const digits = String(number).padStart(3, '0')
  if (authority.region === 'London') return `020 7946 0${digits}`
  const area = Object.entries(AREA_CODES).find(([, names]) => names.includes(authority.name))?.[0]
  return area === undefined ? `01632 960${digits}` : `${area} 496 0${digits}`
}

/** `kingston-upon-hull`: the authority's name as a host name of the reserved example domain. Pure. */
export function slugOf(authority: Pick<LocalAuthority, 'name'>): string {
  return authority.name
    .toLowerCase()
    .replace(/[^a-z]+/g, '-')
    .replace(/^-|-$/g, '')
}

/** The authority of a GSS code of the sandbox's list; undefined when it is none. Pure. */
export function findLocalAuthority(gss: AuthorityCode | string): LocalAuthority | undefined {
  return LOCAL_AUTHORITIES.find((one) => one.gss === gss)
}

function buildSite(site: SandboxSite): Organization {
  const parent = SANDBOX_SITES.find((one) => one.ods === site.partOf)
  return {
    resourceType: 'Organization',
    id: site.ods,
    meta: { profile: [PROFILE.site] },
    identifier: [{ system: SYSTEM.ods, value: site.ods }],
    type: [typeOf(site.kind)],
    name: site.name,
    telecom: [{ system: 'phone', value: site.phone, use: 'work' }],
    address: [{ city: site.town }],
    ...(parent === undefined ? {} : { partOf: referenceTo(parent) }),
  }
}

function referenceTo(site: SandboxSite): NonNullable<Organization['partOf']> {
  return {
    reference: `Organization/${site.ods}`,
    type: 'Organization',
    identifier: { system: SYSTEM.ods, value: site.ods },
    display: site.name,
  }
}
