/** A local authority inside an answer: name, codes, and whom to call (interface.md "$cpis-check"). */
import type { ContactPoint, Identifier, Organization, OrganizationContact } from '@medplum/fhirtypes'
import { PROFILE, SYSTEM } from '../../fhir/canonicals.ts'

const CODE_SYSTEMS: ReadonlySet<string | undefined> = new Set([SYSTEM.gss, SYSTEM.ods, SYSTEM.dfe])

/** Organizations are few and held in the store's cache, so each is built once. */
const built = new WeakMap<Organization, Organization & { id: string }>()

/** The Organization as disclosed; undefined for one without an id, which no store gives. Pure. */
export function buildDisclosedOrganization(organization: Organization): (Organization & { id: string }) | undefined {
  const known = built.get(organization)
  if (known !== undefined || organization.id === undefined) return known
  const contact = (organization.contact ?? []).flatMap((one) => contactOnly(one) ?? [])
  const disclosed: Organization & { id: string } = {
    resourceType: 'Organization',
    id: organization.id,
    meta: { profile: [PROFILE.authority] },
    identifier: (organization.identifier ?? []).filter((one) => CODE_SYSTEMS.has(one.system)).map(codeOnly),
    ...(organization.name === undefined ? {} : { name: organization.name }),
    ...(contact.length === 0 ? {} : { contact }),
  }
  built.set(organization, disclosed)
  return disclosed
}

function codeOnly({ system, value }: Identifier): Identifier {
  return { ...(system === undefined ? {} : { system }), ...(value === undefined ? {} : { value }) }
}

/** Only a contact that says what for and how. */
function contactOnly({ purpose, telecom }: OrganizationContact): OrganizationContact | undefined {
  const coding = (purpose?.coding ?? []).map(({ system, code, display }) => ({
    ...(system === undefined ? {} : { system }),
    ...(code === undefined ? {} : { code }),
    ...(display === undefined ? {} : { display }),
  }))
  const points = (telecom ?? []).map(pointOnly)
  return coding.length === 0 || points.length === 0 ? undefined : { purpose: { coding }, telecom: points }
}

function pointOnly({ system, value, use, rank }: ContactPoint): ContactPoint {
  return {
    ...(system === undefined ? {} : { system }),
    ...(value === undefined ? {} : { value }),
    ...(use === undefined ? {} : { use }),
    ...(rank === undefined ? {} : { rank }),
  }
}
