/** What an audited request was about, as AuditEvent.entity (security.md "Audit"): no query text, no body. */
import type { AuditEventEntity, AuditEventEntityDetail, Organization } from '@medplum/fhirtypes'
import type { AuditRecord } from '../../domain/audit-record.ts'
import { findCareSetting } from '../../domain/care-settings.ts'
import { SYSTEM } from '../../fhir/canonicals.ts'
import { ENTITY, ENTITY_ROLE } from './audit-codes.ts'
import { type AuditView, isForeign } from './audit-view.ts'

/** Patient, request id, circumstances, search parameters by name, and the resources that this reader may know of. Pure. */
export function renderEntities(record: AuditRecord, view: AuditView): AuditEventEntity[] {
  return [
    ...patientEntity(record),
    { what: { identifier: { value: record.requestId } }, type: ENTITY.requestId },
    ...circumstances(record, view),
    ...parameterNames(record),
    ...shownResources(record, view).map(resourceEntity),
  ]
}

/** The resources of a record that this reader may know of: all for an auditor and for the writer, else its own. Pure. */
export function shownResources(record: AuditRecord, view: AuditView): AuditRecord['entities'] {
  if (!isForeign(record, view)) return record.entities
  return record.entities.filter(({ owner }) => owner !== undefined && owner === view.authority)
}

function patientEntity({ nhsNumber }: AuditRecord): AuditEventEntity[] {
  if (nhsNumber === undefined) return []
  const what = { type: 'Patient' as const, identifier: { system: SYSTEM.nhsNumber, value: nhsNumber } }
  return [{ what, type: ENTITY.person, role: ENTITY_ROLE.patient }]
}

/** What an administrator revokes is no resource. */
const OF_TOKENS: Readonly<Record<string, (id: string) => { readonly system: string; readonly value: string }>> = {
  client: (id) => ({ system: SYSTEM.clientId, value: id }),
  token: (id) => ({ system: SYSTEM.uri, value: `urn:uuid:${id}` }),
}

function resourceEntity({ type, id, version }: AuditRecord['entities'][number]): AuditEventEntity {
  const named = OF_TOKENS[type]
  if (named !== undefined) return { what: { type: 'Device', identifier: named(id) }, type: ENTITY.object }
  const reference = version === undefined ? `${type}/${id}` : `${type}/${id}/_history/${version}`
  return { what: { reference }, type: ENTITY.object, role: ENTITY_ROLE.resource }
}

function parameterNames({ parameters = [] }: AuditRecord): AuditEventEntity[] {
  if (parameters.length === 0) return []
  return [{ type: ENTITY.object, role: ENTITY_ROLE.query, detail: parameters.map((name) => detail('parameter', name)) }]
}

/** Setting and place of a check, in words too: R4 has no element for them, and a social worker looks nothing up. */
function circumstances(record: AuditRecord, view: AuditView): AuditEventEntity[] {
  const { setting, site, caller } = record
  const details = [
    ...(setting === undefined ? [] : settingDetails(setting)),
    ...(site === undefined ? [] : placeDetails('site', site, view.organizations.get(site))),
    ...(setting === undefined || caller.organization === undefined
      ? []
      : placeDetails('organization', caller.organization, view.organizations.get(caller.organization))),
  ]
  return details.length === 0 ? [] : [{ type: ENTITY.other, detail: details }]
}

function settingDetails(code: string): AuditEventEntityDetail[] {
  return [detail('setting', code), detail('setting-display', findCareSetting(code)?.display ?? code)]
}

function placeDetails(what: string, code: string, place: Organization | undefined): AuditEventEntityDetail[] {
  const town = place?.address?.[0]?.city
  const phone = place?.telecom?.find((one) => one.system === 'phone')?.value
  return [
    detail(what, code),
    ...(place?.name === undefined ? [] : [detail(`${what}-name`, place.name)]),
    ...(town === undefined ? [] : [detail(`${what}-town`, town)]),
    ...(phone === undefined ? [] : [detail(`${what}-phone`, phone)]),
  ]
}

function detail(type: string, valueString: string): AuditEventEntityDetail {
  return { type, valueString }
}
