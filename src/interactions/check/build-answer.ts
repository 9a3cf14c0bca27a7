/** Facts of a check → its answer: names of authorities and places are looked up, the disclosure is the domain's. */
import type { Bundle, Organization } from '@medplum/fhirtypes'
import { type Access, authoritiesOf } from '../../domain/access-history.ts'
import type { OdsCode } from '../../domain/brands.ts'
import { checkIdentity } from '../../domain/check-identity.ts'
import { buildCheckAnswer } from '../../domain/disclosure/check-answer.ts'
import type { FoundPlan } from '../../domain/visibility.ts'
import type { Reader, Row } from '../../store/store.ts'
import type { Check } from '../cpis-check.ts'
import { fhirBase } from '../fhir-base.ts'

export interface Found {
  readonly plans: readonly FoundPlan[]
  readonly accesses: readonly Access[]
}

/** The answer Bundle. Reads authorities and the directory (cached). A plan whose authority has no Organization is shown all the same (P1). */
export async function buildAnswer(reader: Reader, check: Check, found: Found, at = check.request.at): Promise<Bundle> {
  const { asked, request, context, auditId } = check
  const codes = authoritiesOf(found.plans)
  const authorities = codes.length === 0 ? [] : await reader.authorities(codes)
  return buildCheckAnswer({
    auditId,
    at,
    today: request.today,
    nhsNumber: asked.nhsNumber,
    plans: found.plans,
    authorities: authorities.map(withId),
    accesses: found.accesses,
    organizations: await placesOf(reader, found.accesses),
    warnings: checkIdentity(asked.birthDate, found.plans),
    fhirBase: fhirBase(context),
  })
}

async function placesOf(reader: Reader, accesses: readonly Access[]): Promise<readonly Organization[]> {
  const codes = new Set(
    accesses.flatMap(({ organization, site }): OdsCode[] =>
      site === undefined ? [organization] : [organization, site],
    ),
  )
  const places: Organization[] = []
  for (const code of codes) {
    const row = await reader.site(code)
    if (row !== undefined) places.push(withId(row))
  }
  return places
}

/** The Organization of a row, under its id. Pure. */
export function withId(row: Row<'Organization'>): Organization {
  return { resourceType: 'Organization', ...row.resource, id: row.id }
}
