/** A compact audit record as the R4 AuditEvent that a reader may see (security.md "Audit"; IHE BALP patterns; profile cpis-check-audit). */
import type { AuditEvent, Extension } from '@medplum/fhirtypes'
import type { AuditRecord } from '../domain/audit-record.ts'
import { EXTENSION, PROFILE } from '../fhir/canonicals.ts'
import { acknowledgementExtension } from './acknowledge/build-provenance.ts'
import { renderAgents, serverReference } from './audit/audit-agents.ts'
import { APPLICATION_SERVER, AUTHENTICATION, balpProfile, purposeOf, REST, subtypes } from './audit/audit-codes.ts'
import { renderEntities, shownResources } from './audit/audit-entities.ts'
import type { AuditView } from './audit/audit-view.ts'

/** The whole resource, with the profile it fits. An authority is shown no other authority's resources and no machine of the NHS. Pure. */
export function renderAuditEvent(record: AuditRecord, view: AuditView): AuditEvent {
  const profile = profileOf(record, view)
  return {
    resourceType: 'AuditEvent',
    id: record.id,
    meta: { lastUpdated: record.recorded, ...(profile === undefined ? {} : { profile: [profile] }) },
    ...extensionsOf(record, view),
    type: record.operation === 'token' ? AUTHENTICATION : REST,
    subtype: subtypes(record.interaction, record.operation),
    action: record.action,
    recorded: record.recorded,
    outcome: record.outcome,
    ...outcomeWords(record),
    ...(isCheck(record) ? { purposeOfEvent: [purposeOf(record.purpose ?? 'TREAT')] } : {}),
    agent: renderAgents(record, view),
    source: { observer: serverReference(view), type: [APPLICATION_SERVER] },
    entity: renderEntities(record, view),
  }
}

/** The incident; and what the authority that reads has answered, oldest first: the last one stands. */
function extensionsOf(record: AuditRecord, { acknowledgements }: AuditView): Pick<AuditEvent, 'extension'> {
  const { id, incident } = record
  if (incident === undefined) return {}
  return { extension: [incidentExtension(incident), ...(acknowledgements.get(id) ?? []).map(acknowledgementExtension)] }
}

function isCheck({ operation, caller }: AuditRecord): boolean {
  return operation === 'cpis-check' && caller.user !== undefined && caller.organization !== undefined
}

/** BALP patterns want success, one resource, and both machines: the claim is left out where one of them is missing. */
function profileOf(record: AuditRecord, view: AuditView): string | undefined {
  if (isCheck(record)) return PROFILE.checkAudit
  const fits =
    record.outcome === '0' && shownResources(record, view).length === 1 && record.caller.network !== undefined
  return fits ? balpProfile(record.interaction, record.nhsNumber !== undefined) : undefined
}

function outcomeWords({ status, codes, count }: AuditRecord): Pick<AuditEvent, 'outcomeDesc'> {
  if (status < 400) return count === undefined ? {} : { outcomeDesc: `${count} requests summed up` }
  const words = [`HTTP ${status}`, ...codes].join(' ')
  return { outcomeDesc: count === undefined ? words : `${words} (${count} requests summed up)` }
}

function incidentExtension(incident: NonNullable<AuditRecord['incident']>): Extension {
  return {
    url: EXTENSION.incident,
    extension: [
      { url: 'id', valueString: incident.id },
      { url: 'leg', valuePositiveInt: incident.leg },
      { url: 'incidentsInSixMonths', valuePositiveInt: incident.inSixMonths },
    ],
  }
}
