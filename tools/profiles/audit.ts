/** cpis-check-audit and cpis-access (security.md "Audit"; interface.md "$cpis-check"; patterns of IHE BALP). */
import { EXTENSION, SYSTEM } from '../../src/fhir/canonicals.ts'
import { identifier, REDACTED_META } from './common-elements.ts'
import { coding, type ElementSpec, type ElementTree, one, type ProfileSpec, reference } from './profile-spec.ts'

const AUDIT_TYPE = 'http://terminology.hl7.org/CodeSystem/audit-event-type'
const INTERACTION = 'http://hl7.org/fhir/restful-interaction'
const PARTICIPATION = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType'
const ROLE_CLASS = 'http://terminology.hl7.org/CodeSystem/v3-RoleClass'
const DICOM = 'http://dicom.nema.org/resources/ontology/DCM'
const ENTITY_TYPE = 'http://terminology.hl7.org/CodeSystem/audit-entity-type'
const OBJECT_ROLE = 'http://terminology.hl7.org/CodeSystem/object-role'
const BALP_ENTITY = 'https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType'

/** The kind of an agent: the codes by which it is told from the others, and what more may stand beside them. */
function agentType(...codings: readonly { readonly system: string; readonly code: string }[]): ElementSpec {
  return one({
    pattern: { CodeableConcept: { coding: codings } },
    children: { coding: { min: 1, children: { system: one(), code: one(), display: {} } }, text: {} },
  })
}

/** What an entity is: the code by which it is told from the others. */
function entityType(system: string, code: string): ElementSpec {
  return one({ pattern: { Coding: { system, code } }, children: { system: one(), code: one(), display: {} } })
}

const SITE: ElementSpec = reference(['Location'], { identifier: one(identifier(SYSTEM.ods)), display: {} })
const REQUESTOR = (requestor: boolean): ElementSpec => ({ fixed: { Boolean: requestor } })
const NETWORK: ElementSpec = { children: { address: {}, type: {} } }
const BY_IDENTIFIER: ElementTree = { reference: {}, identifier: identifier(), display: {} }

const USER: ElementTree = {
  type: agentType({ system: PARTICIPATION, code: 'IRCP' }),
  role: { min: 1, max: '1', children: { coding: one(coding({ system: SYSTEM.jobRole })), text: {} } },
  name: one(),
  requestor: REQUESTOR(true),
  location: SITE,
}

const ORGANISATION: ElementTree = {
  type: agentType({ system: ROLE_CLASS, code: 'PROV' }),
  who: one(reference(['Organization'], { reference: {}, identifier: one(identifier(SYSTEM.ods)), display: {} })),
  name: {},
  requestor: REQUESTOR(false),
}

/** What R4 has no element for: in which setting, and at which site, by code. */
const CIRCUMSTANCES: ElementSpec = one({
  children: {
    type: entityType(ENTITY_TYPE, '4'),
    detail: { min: 1, max: '*', children: { type: one(), 'value[x]': { types: [{ code: 'string' }] } } },
  },
})

const CHECK_SUBTYPES: ElementSpec = {
  min: 2,
  max: '2',
  slices: {
    by: 'system',
    rules: 'closed',
    each: {
      interaction: one(coding({ system: INTERACTION, code: 'operation' })),
      operation: one(coding({ system: SYSTEM.auditSubtype, code: 'cpis-check' })),
    },
  },
}

const DEVICE: ElementTree = { who: one(reference(['Device'], BY_IDENTIFIER)), name: {}, requestor: REQUESTOR(false) }

export const CHECK_AUDIT: ProfileSpec = {
  name: 'cpis-check-audit',
  title: 'Audit of a CP-IS check',
  type: 'AuditEvent',
  description:
    'One $cpis-check, whatever it found: who asked, for which organisation, from which setting and site, about which number, and which plans were shown at which version. Insert-only; no query text and no body.',
  root: {
    extensions: {
      incident: { url: EXTENSION.incident },
      acknowledgement: { url: EXTENSION.acknowledgement, max: '*' },
    },
    children: {
      id: one(),
      meta: { children: { versionId: {}, lastUpdated: {}, profile: {} } },
      type: one(coding({ system: AUDIT_TYPE, code: 'rest' })),
      subtype: CHECK_SUBTYPES,
      action: one({ fixed: { Code: 'E' } }),
      recorded: {},
      outcome: one(),
      outcomeDesc: {},
      purposeOfEvent: {
        min: 1,
        children: { coding: one({ children: { system: one(), code: one(), display: {} } }), text: {} },
      },
      agent: {
        min: 4,
        slices: {
          by: 'type',
          rules: 'closed',
          each: {
            user: one({
              children: {
                ...USER,
                type: agentType(
                  { system: PARTICIPATION, code: 'IRCP' },
                  { system: 'https://profiles.ihe.net/ITI/BALP/CodeSystem/UserAgentTypes', code: 'UserOauthAgent' },
                ),
                who: one(
                  reference(['PractitionerRole'], { identifier: one(identifier(SYSTEM.sdsRoleProfile)), display: {} }),
                ),
                altId: one(),
                policy: { min: 1, max: '1' },
              },
            }),
            client: one({
              children: { ...DEVICE, type: agentType({ system: DICOM, code: '110153' }), network: NETWORK },
            }),
            server: one({
              children: { ...DEVICE, type: agentType({ system: DICOM, code: '110152' }), network: NETWORK },
            }),
            organisation: one({ children: ORGANISATION }),
          },
        },
      },
      source: {
        children: {
          site: {},
          observer: reference(['Device'], BY_IDENTIFIER),
          type: { children: { system: one(), code: one(), display: {} } },
        },
      },
      entity: {
        min: 1,
        slices: {
          by: 'type',
          rules: 'closed',
          each: {
            patient: {
              max: '1',
              children: {
                type: entityType(ENTITY_TYPE, '1'),
                role: one(coding({ system: OBJECT_ROLE, code: '1' })),
                what: one(reference(['Patient'], { identifier: one(identifier(SYSTEM.nhsNumber)) })),
              },
            },
            request: one({
              children: {
                type: entityType(BALP_ENTITY, 'XrequestId'),
                what: one({
                  types: [{ code: 'Reference' }],
                  children: { identifier: one({ children: { value: one() } }) },
                }),
              },
            }),
            circumstances: { ...CIRCUMSTANCES, min: 0 },
            plan: {
              max: '*',
              children: {
                type: entityType(ENTITY_TYPE, '2'),
                role: one(coding({ system: OBJECT_ROLE, code: '4' })),
                what: one(reference(['EpisodeOfCare'], { reference: one() })),
              },
            },
          },
        },
      },
    },
  },
}

export const ACCESS: ProfileSpec = {
  name: 'cpis-access',
  title: 'CP-IS access, as shown in a history',
  type: 'AuditEvent',
  description:
    'An earlier access to the child inside an answer to NHS staff: who, in which role, for which organisation, at which site, in which setting, and of which incident. Nothing else of the audit is shown.',
  root: {
    extensions: { incident: { url: EXTENSION.incident, min: 1 } },
    children: {
      ...REDACTED_META,
      type: one(coding({ system: AUDIT_TYPE, code: 'rest' })),
      recorded: {},
      agent: {
        min: 2,
        slices: {
          by: 'type',
          rules: 'closed',
          each: { user: one({ children: USER }), organisation: one({ children: ORGANISATION }) },
        },
      },
      source: { children: { observer: reference(['Device'], BY_IDENTIFIER) } },
      entity: CIRCUMSTANCES,
    },
  },
}

export const AUDIT_PROFILES: readonly ProfileSpec[] = [CHECK_AUDIT, ACCESS]
