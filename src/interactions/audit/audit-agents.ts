/** Who took part in an audited request, as AuditEvent.agent (security.md "Audit"): exactly one requestor. */
import type { AuditEventAgent, CodeableConcept, Organization } from '@medplum/fhirtypes'
import type { AuditRecord } from '../../domain/audit-record.ts'
import { SYSTEM } from '../../fhir/canonicals.ts'
import { AGENT } from './audit-codes.ts'
import { type AuditView, isForeign } from './audit-view.ts'

const IP_ADDRESS = '2'
const URI = '5'
/** AuditRecord.caller.kind of what the server does by itself. */
const SERVER = 'server'
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Person (if there is one), client, server, organisation or authority. Pure. */
export function renderAgents(record: AuditRecord, view: AuditView): AuditEventAgent[] {
  const { kind, user, organization, authority } = record.caller
  // What the server does by itself, at the turn of the day or on an alert about a user, nobody asked for
  if (kind === SERVER) {
    const about = user === undefined ? [] : [{ ...userAgent(record, view), requestor: false }]
    return [{ ...serverAgent(record, view), requestor: true }, ...about]
  }
  return [
    ...(user === undefined ? [] : [userAgent(record, view)]),
    clientAgent(record, view),
    serverAgent(record, view),
    ...(organization === undefined ? [] : [organisationAgent(organization, view)]),
    ...(authority === undefined ? [] : [authorityAgent(authority, view)]),
  ]
}

function userAgent({ caller, site }: AuditRecord, view: AuditView): AuditEventAgent {
  const { user } = caller
  if (user === undefined) return { requestor: true }
  return {
    type: AGENT.user,
    role: [{ coding: [{ system: SYSTEM.jobRole, code: user.roleCode, display: user.roleName }] }],
    who: {
      type: 'PractitionerRole',
      identifier: { system: SYSTEM.sdsRoleProfile, value: user.roleProfileId },
      display: user.name,
    },
    altId: user.id,
    name: user.name,
    requestor: true,
    ...(site === undefined ? {} : { location: siteReference(site, view.organizations.get(site)) }),
    policy: [UUID.test(caller.tokenId) ? `urn:uuid:${caller.tokenId}` : caller.tokenId],
  }
}

function siteReference(code: string, site: Organization | undefined): NonNullable<AuditEventAgent['location']> {
  return { type: 'Location', identifier: { system: SYSTEM.ods, value: code }, display: nameOf(site, code) }
}

function clientAgent(record: AuditRecord, view: AuditView): AuditEventAgent {
  const { caller, interaction } = record
  const isNobody = caller.clientId === ''
  // Whose machine an NHS user sat at is nothing that an authority needs to know
  const isShown = caller.network !== undefined && !isForeign(record, view)
  return {
    type: agentTypes(interaction).client,
    who: isNobody
      ? { type: 'Device', display: 'Client that was not proven' }
      : { type: 'Device', identifier: { system: SYSTEM.clientId, value: caller.clientId } },
    requestor: caller.user === undefined,
    ...(isShown ? { network: { address: caller.network, type: IP_ADDRESS } } : {}),
  }
}

function serverAgent({ interaction }: AuditRecord, view: AuditView): AuditEventAgent {
  return {
    type: agentTypes(interaction).server,
    who: serverReference(view),
    requestor: false,
    network: { address: view.fhirBase, type: URI },
  }
}

/** This server, as a logical reference. Pure. */
export function serverReference({ fhirBase }: Pick<AuditView, 'fhirBase'>): NonNullable<AuditEventAgent['who']> {
  return { type: 'Device', identifier: { system: SYSTEM.uri, value: fhirBase }, display: 'CP-IS register' }
}

/** BALP: on a read the data goes from server to client, on a delete nothing goes; else from client to server. */
function agentTypes(interaction: string): { readonly client: CodeableConcept; readonly server: CodeableConcept } {
  if (interaction === 'read' || interaction === 'vread') return { client: AGENT.destination, server: AGENT.source }
  if (interaction === 'delete') return { client: AGENT.application, server: AGENT.custodian }
  return { client: AGENT.source, server: AGENT.destination }
}

function organisationAgent(code: string, view: AuditView): AuditEventAgent {
  return organizationAgent(AGENT.organisation, { system: SYSTEM.ods, value: code }, view.organizations.get(code))
}

function authorityAgent(code: string, view: AuditView): AuditEventAgent {
  return organizationAgent(AGENT.authority, { system: SYSTEM.gss, value: code }, view.organizations.get(code))
}

function organizationAgent(
  type: CodeableConcept,
  identifier: { readonly system: string; readonly value: string },
  organization: Organization | undefined,
): AuditEventAgent {
  const name = nameOf(organization, identifier.value)
  return { type, who: { type: 'Organization', identifier, display: name }, name, requestor: false }
}

function nameOf(organization: Organization | undefined, code: string): string {
  return organization?.name ?? code
}
