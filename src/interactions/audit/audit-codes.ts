/** Codes of rendered AuditEvents (R4 auditevent.html; DICOM; IHE BALP 1.1.5). */
import type { CodeableConcept, Coding } from '@medplum/fhirtypes'
import type { Purpose } from '../../domain/audit-record.ts'
import { SYSTEM } from '../../fhir/canonicals.ts'

const HL7 = 'http://terminology.hl7.org/CodeSystem'
const DICOM = 'http://dicom.nema.org/resources/ontology/DCM'
const BALP = 'https://profiles.ihe.net/ITI/BALP'
const ENTITY_TYPE = `${HL7}/audit-entity-type`
const OBJECT_ROLE = `${HL7}/object-role`

export const REST: Coding = { system: `${HL7}/audit-event-type`, code: 'rest', display: 'RESTful Operation' }
/** A token that was given out is a login (DICOM PS3.15 A.5.3.12). */
export const AUTHENTICATION: Coding = { system: DICOM, code: '110114', display: 'User Authentication' }
const LOGIN: Coding = { system: DICOM, code: '110122', display: 'Login' }
export const APPLICATION_SERVER: Coding = {
  system: `${HL7}/security-source-type`,
  code: '4',
  display: 'Application Server',
}
const PURPOSE_WORDS: Readonly<Record<Purpose, string>> = {
  TREAT: 'treatment',
  ETREAT: 'Emergency Treatment',
  CAREMGT: 'care management',
  PATSFTY: 'patient safety',
}

/** Why a check was made (v3-PurposeOfUse). Pure. */
export function purposeOf(code: Purpose): CodeableConcept {
  return { coding: [{ system: `${HL7}/v3-ActReason`, code, display: PURPOSE_WORDS[code] }] }
}

/** What an agent was in the event. */
export const AGENT = {
  source: concept(DICOM, '110153', 'Source Role ID'),
  destination: concept(DICOM, '110152', 'Destination Role ID'),
  application: concept(DICOM, '110150', 'Application'),
  custodian: concept(`${HL7}/provenance-participant-type`, 'custodian', 'Custodian'),
  organisation: concept(`${HL7}/v3-RoleClass`, 'PROV', 'healthcare provider'),
  authority: concept(`${HL7}/extra-security-role-type`, 'datacollector', 'data collector'),
  user: {
    coding: [
      { system: `${HL7}/v3-ParticipationType`, code: 'IRCP', display: 'information recipient' },
      { system: `${BALP}/CodeSystem/UserAgentTypes`, code: 'UserOauthAgent' },
    ],
  },
} as const satisfies Record<string, CodeableConcept>

/** What an entity is. */
export const ENTITY = {
  person: { system: ENTITY_TYPE, code: '1', display: 'Person' },
  object: { system: ENTITY_TYPE, code: '2', display: 'System Object' },
  other: { system: ENTITY_TYPE, code: '4', display: 'Other' },
  requestId: { system: `${BALP}/CodeSystem/BasicAuditEntityType`, code: 'XrequestId' },
} as const satisfies Record<string, Coding>

/** What it was in the event. */
export const ENTITY_ROLE = {
  patient: { system: OBJECT_ROLE, code: '1', display: 'Patient' },
  resource: { system: OBJECT_ROLE, code: '4', display: 'Domain Resource' },
  query: { system: OBJECT_ROLE, code: '24', display: 'Query' },
} as const satisfies Record<string, Coding>

/** R4 restful-interaction and, for an operation, which one. Pure. */
export function subtypes(interaction: string, operation: string | undefined): Coding[] {
  if (operation === 'token') return [LOGIN, { system: SYSTEM.auditSubtype, code: operation }]
  const coding = { system: 'http://hl7.org/fhir/restful-interaction', code: interaction, display: interaction }
  return operation === undefined ? [coding] : [coding, { system: SYSTEM.auditSubtype, code: operation }]
}

const BALP_NAME: Readonly<Record<string, string>> = {
  read: 'Read',
  vread: 'Read',
  create: 'Create',
  update: 'Update',
  patch: 'Update',
  delete: 'Delete',
}

/** URL of the BALP pattern of an interaction; undefined when it has none that we claim. Pure. */
export function balpProfile(interaction: string, hasPatient: boolean): string | undefined {
  const name = BALP_NAME[interaction]
  return name === undefined
    ? undefined
    : `${BALP}/StructureDefinition/IHE.BasicAudit.${hasPatient ? 'Patient' : ''}${name}`
}

function concept(system: string, code: string, display: string): CodeableConcept {
  return { coding: [{ system, code, display }] }
}
