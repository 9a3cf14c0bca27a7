/** The register's work said in plain FHIR R4, for any other server: a check is a batch of a search and the AuditEvent of it, an upload a transaction of Patient, EpisodeOfCare and Flag. Pure. */
import { type Child, SYSTEM } from './children.ts'
import type { Random } from './random.ts'

/** A child's number as a run files it. */
export interface Identifier {
  readonly system: string
  readonly value: string
}

const CPP = { system: SYSTEM.snomed, code: '342191000000101', display: 'Subject to child protection plan' }

/** The search that answers a check, and the record that it was made: in one batch, so that it is one round trip as with ours. */
export function buildPeerCheck(number: Identifier, now: Date): string {
  const token = encodeURIComponent(`${number.system}|${number.value}`)
  return JSON.stringify({
    resourceType: 'Bundle',
    type: 'batch',
    entry: [
      { request: { method: 'GET', url: `EpisodeOfCare?patient.identifier=${token}` } },
      { resource: buildAudit(number, now), request: { method: 'POST', url: 'AuditEvent' } },
    ],
  })
}

function buildAudit(number: Identifier, now: Date): object {
  return {
    resourceType: 'AuditEvent',
    type: { system: 'http://terminology.hl7.org/CodeSystem/audit-event-type', code: 'rest' },
    subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code: 'search' }],
    action: 'E',
    recorded: now.toISOString(),
    outcome: '0',
    agent: [
      {
        who: {
          identifier: { system: 'https://fhir.nhs.uk/Id/sds-user-id', value: '555000000101' },
          display: 'R. Khan',
        },
        role: [{ coding: [{ system: 'https://fhir.nhs.uk/Id/job-role', code: 'R8001' }] }],
        requestor: true,
      },
    ],
    source: { observer: { identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: 'RCU' } } },
    entity: [{ what: { identifier: number } }],
  }
}

/** Children in one transaction; each brings its Patient, plan and Flag. `system` is that of their numbers. */
export function buildPeerUpload(children: readonly Child[], system: string, random: Random): string {
  return JSON.stringify({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: children.flatMap((child) => entriesOf(child, system, random)),
  })
}

function entriesOf({ nhsNumber, local, start }: Child, system: string, random: Random): object[] {
  const [patient, plan, flag] = [random.uuid(), random.uuid(), random.uuid()].map((id) => `urn:uuid:${id}`)
  const subject = { reference: patient }
  return [
    {
      fullUrl: patient,
      resource: {
        resourceType: 'Patient',
        identifier: [
          { system, value: nhsNumber },
          { system: SYSTEM.child, value: local },
        ],
        name: [{ family: 'Bench', given: ['Bea'] }],
        birthDate: '2019-08-14',
      },
      request: { method: 'POST', url: 'Patient' },
    },
    {
      fullUrl: plan,
      resource: {
        resourceType: 'EpisodeOfCare',
        identifier: [{ system: SYSTEM.plan, value: local }],
        status: 'active',
        type: [{ coding: [CPP] }],
        patient: subject,
        period: { start },
      },
      request: { method: 'POST', url: 'EpisodeOfCare' },
    },
    {
      fullUrl: flag,
      resource: {
        resourceType: 'Flag',
        status: 'active',
        category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/flag-category', code: 'safety' }] }],
        code: { coding: [CPP] },
        subject,
        period: { start },
      },
      request: { method: 'POST', url: 'Flag' },
    },
  ]
}

/** How many plans a batch-response tells of. Throws unless the search was answered and the AuditEvent stored. Pure. */
export function readPeerCheck(text: string): number {
  const { entry } = Object(JSON.parse(text))
  const [found, stored] = Array.isArray(entry) ? entry : []
  if (!/^200/.test(String(found?.response?.status)) || found?.resource?.resourceType !== 'Bundle') {
    throw new Error(`The search of a check was answered ${JSON.stringify(found?.response ?? found).slice(0, 300)}.`)
  }
  if (!/^201/.test(String(stored?.response?.status))) {
    throw new Error(
      `The AuditEvent of a check was answered ${JSON.stringify(stored?.response ?? stored).slice(0, 300)}.`,
    )
  }
  const matches = (found.resource.entry ?? []).filter(
    (one: { search?: { mode?: string } }) => (one.search?.mode ?? 'match') === 'match',
  )
  return matches.length
}

/** Throws unless every entry of a transaction-response was created. Pure. */
export function readPeerUpload(text: string, children: number): void {
  const { entry } = Object(JSON.parse(text))
  const created = (Array.isArray(entry) ? entry : []).filter((one) => /^201/.test(String(one?.response?.status))).length
  if (created !== children * 3)
    throw new Error(`${created} of ${children * 3} resources were created: ${text.slice(0, 300)}`)
}
