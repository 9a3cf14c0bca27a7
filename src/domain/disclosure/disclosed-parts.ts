/** Parts that every resource inside an answer to the NHS shares (interface.md "$cpis-check", profiles *-disclosed). */
import type { Bundle, BundleEntry, Meta, Organization, Patient, Reference, Resource } from '@medplum/fhirtypes'
import { EXTENSION, SYSTEM } from '../../fhir/canonicals.ts'
import type { AuthorityCode, NhsNumber } from '../brands.ts'
import type { FoundPlan } from '../visibility.ts'

/** meta of a disclosed resource: its profile, and that it is not all there is. No version, no time. Pure. */
export function redactedMeta(profile: string): Meta {
  return {
    profile: [profile],
    security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'REDACTED' }],
  }
}

/** Whom a disclosed plan is about: only the number that the caller sent; for the mother of the child no number at all (R24). Pure. */
export function disclosedSubject(plan: Pick<FoundPlan, 'via'>, sent: NhsNumber): Reference<Patient> {
  if (plan.via === 'mother') {
    return {
      extension: [{ url: EXTENSION.dataAbsentReason, valueCode: 'masked' }],
      type: 'Patient',
      display: 'Mother of this child',
    }
  }
  return { type: 'Patient', identifier: { system: SYSTEM.nhsNumber, value: sent } }
}

/** An authority as a disclosed plan names it; by its code alone when its Organization is not at hand. Pure. */
export function disclosedAuthority(
  owner: AuthorityCode,
  organization: Organization | undefined,
): Reference<Organization> {
  return {
    ...(organization?.id === undefined ? {} : { reference: `Organization/${organization.id}` }),
    type: 'Organization',
    identifier: { system: SYSTEM.gss, value: owner },
    ...(organization?.name === undefined ? {} : { display: organization.name }),
  }
}

/** An entry of the answer with the address of its resource. Pure. */
export function entryOf<R extends Resource & { id: string }>(
  fhirBase: string,
  resource: R,
  mode: 'match' | 'include',
): NonNullable<Bundle['entry']>[number] {
  const entry: BundleEntry = {
    fullUrl: `${fhirBase}/${resource.resourceType}/${resource.id}`,
    resource,
    search: { mode },
  }
  return entry
}
