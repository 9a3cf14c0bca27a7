/** An earlier access inside an answer (register.md R19; profile cpis-access): when, name, role, organisation, site, setting, incident. */
import type { AuditEvent, AuditEventAgent, AuditEventEntity, Extension } from '@medplum/fhirtypes'
import { EXTENSION, PROFILE, SYSTEM } from '../../fhir/canonicals.ts'
import type { Access, UserFacts } from '../access-history.ts'
import type { OdsCode } from '../brands.ts'
import { findCareSetting } from '../care-settings.ts'
import { redactedMeta } from './disclosed-parts.ts'

/** Names of NHS organisations and sites by ODS code. */
export type NamesByOds = ReadonlyMap<string, string>

/** The access as disclosed. Pure. */
export function buildDisclosedAccess(access: Access, names: NamesByOds): AuditEvent & { id: string } {
  return {
    resourceType: 'AuditEvent',
    id: access.id,
    meta: redactedMeta(PROFILE.access),
    extension: [buildIncident(access.incident)],
    type: { system: 'http://terminology.hl7.org/CodeSystem/audit-event-type', code: 'rest' },
    recorded: access.at,
    agent: [userAgent(access, names), organisationAgent(access.organization, names)],
    source: { observer: { type: 'Device', display: 'Child Protection - Information Sharing register' } },
    entity: [circumstances(access)],
  }
}

/** The cpis-incident extension of an AuditEvent. Pure. */
export function buildIncident(incident: Access['incident']): Extension {
  return {
    url: EXTENSION.incident,
    extension: [
      { url: 'id', valueString: incident.id },
      { url: 'leg', valuePositiveInt: incident.leg },
      { url: 'incidentsInSixMonths', valuePositiveInt: incident.inSixMonths },
    ],
  }
}

function userAgent(access: Access, names: NamesByOds): AuditEventAgent {
  return {
    type: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }],
    },
    role: [roleOf(access.user)],
    name: access.user.name,
    requestor: true,
    ...(access.site === undefined ? {} : { location: { type: 'Location', ...namedByOds(access.site, names) } }),
  }
}

function roleOf(user: UserFacts): NonNullable<AuditEventAgent['role']>[number] {
  return { coding: [{ system: SYSTEM.jobRole, code: user.roleCode, display: user.roleName }], text: user.roleName }
}

function organisationAgent(code: OdsCode, names: NamesByOds): AuditEventAgent {
  return {
    type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-RoleClass', code: 'PROV' }] },
    who: { type: 'Organization', ...namedByOds(code, names) },
    requestor: false,
  }
}

function namedByOds(
  code: OdsCode,
  names: NamesByOds,
): { identifier: { system: string; value: string }; display?: string } {
  const display = names.get(code)
  return { identifier: { system: SYSTEM.ods, value: code }, ...(display === undefined ? {} : { display }) }
}

/** R4 has no element for the setting; the site stands here by code too, for readers that look in one place. */
function circumstances(access: Access): AuditEventEntity {
  const display = findCareSetting(access.setting)?.display
  return {
    type: { system: 'http://terminology.hl7.org/CodeSystem/audit-entity-type', code: '4' },
    detail: [
      { type: 'setting', valueString: access.setting },
      ...(display === undefined ? [] : [{ type: 'setting-name', valueString: display }]),
      ...(access.site === undefined ? [] : [{ type: 'site', valueString: access.site }]),
    ],
  }
}
