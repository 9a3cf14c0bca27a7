/** `AuditEvent/[id]/$disclosed` (issue 6, 9): what a check showed the NHS at that time, rebuilt for a review from the versions that its audit record names. */
import type { Bundle } from '@medplum/fhirtypes'
import type { Context } from '../context.ts'
import { authoritiesOf } from '../domain/access-history.ts'
import type { AuditRecord } from '../domain/audit-record.ts'
import type { NhsNumber, ResourceId } from '../domain/brands.ts'
import { buildCheckAnswer } from '../domain/disclosure/check-answer.ts'
import { londonDayOf } from '../domain/london-day.ts'
import { planFactsOf } from '../domain/stored-plan.ts'
import type { FoundPlan } from '../domain/visibility.ts'
import { fhirError } from '../fhir/fhir-error.ts'
import { withId } from './check/build-answer.ts'
import { fhirBase } from './fhir-base.ts'
import type { Handler } from './interaction.ts'
import { parseId } from './owned-rows.ts'

/**
 * The answer as it was then, less the access history and warnings; names and contacts of authorities are those of today. NOT_FOUND for an unknown record,
 * NOTHING_TO_SHOW for one of no answered check, GONE when a version is no longer held: never a part of what was shown. Recorded with the child's number. Store I/O.
 */
export const handleDisclosed: Handler = async (request, caller, context) => {
  if (caller?.kind !== 'auditor') throw fhirError('NOT_PERMITTED')
  const id = parseId(request.id)
  const [record] = id === undefined ? [] : await context.store.read.audits({ ids: [id], limit: 1 })
  if (record === undefined) throw fhirError('NOT_FOUND')
  const { nhsNumber } = record
  if (nhsNumber === undefined || record.operation !== 'cpis-check' || record.outcome !== '0')
    throw fhirError('NOTHING_TO_SHOW')
  const answer = await rebuild(record, nhsNumber, context)
  const link = [{ relation: 'self', url: `${fhirBase(context)}/AuditEvent/${record.id}/$disclosed` }]
  const resource: Bundle = { ...answer, link }
  return { status: 200, resource, audit: { nhsNumber, entities: [{ type: 'AuditEvent', id: record.id }] } }
}

async function rebuild(record: AuditRecord, nhsNumber: NhsNumber, context: Context): Promise<Bundle> {
  const plans = await Promise.all(record.entities.map((one) => getShown(one, context)))
  const at = new Date(record.recorded)
  const codes = authoritiesOf(plans)
  const authorities = codes.length === 0 ? [] : await context.store.read.authorities(codes)
  return buildCheckAnswer({
    auditId: record.id,
    at,
    today: londonDayOf(at),
    nhsNumber,
    plans,
    authorities: authorities.map(withId),
    accesses: [],
    organizations: [],
    warnings: [],
    fhirBase: fhirBase(context),
  })
}

/** The plan in the version that was shown. Its birth date is left out: that the plan was visible is what the record says. */
async function getShown({ id, version, owner, via }: Entity, { store }: Context): Promise<FoundPlan> {
  const rows = owner === undefined ? undefined : store.read.of(owner, 'EpisodeOfCare')
  const row = version === undefined ? undefined : await rows?.findVersion(id as ResourceId, version)
  if (row === undefined || owner === undefined) throw fhirError('GONE', undefined, NO_LONGER_HELD)
  const { birthDate: _birthDate, nhsNumber: _nhsNumber, ...facts } = planFactsOf(row, owner)
  return { ...facts, via: via ?? 'own' }
}

type Entity = AuditRecord['entities'][number]

const NO_LONGER_HELD = 'A version that was shown then is no longer held. What was shown cannot be rebuilt whole.'
