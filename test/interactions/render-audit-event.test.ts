/** Audit records as the AuditEvents that each reader may see (security.md "Audit"). */
import { describe, expect, test } from '@jest/globals'
import type { AuditEvent, Organization } from '@medplum/fhirtypes'
import type { AuditRecord } from '../../src/domain/audit-record.ts'
import type { AuthorityCode, NhsNumber, OdsCode } from '../../src/domain/brands.ts'
import { PROFILE, SYSTEM } from '../../src/fhir/canonicals.ts'
import { compileProfiles } from '../../src/fhir/validate.ts'
import type { AuditView } from '../../src/interactions/audit/audit-view.ts'
import { renderAuditEvent } from '../../src/interactions/render-audit-event.ts'

const DERBYSHIRE = 'E10000007' as AuthorityCode
const SHEFFIELD = 'E08000019' as AuthorityCode
const TOKEN_ID = '6f1a3b0e-0000-4000-8000-000000000001'
const BALP = 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit'

const HOSPITAL: Organization = {
  resourceType: 'Organization',
  name: "Sheffield Children's Hospital",
  address: [{ city: 'Sheffield' }],
  telecom: [{ system: 'phone', value: '0114 496 0101' }],
}
const TRUST: Organization = { resourceType: 'Organization', name: "Sheffield Children's NHS Foundation Trust" }

const AUDITOR: AuditView = {
  fhirBase: 'http://x/FHIR/R4',
  organizations: new Map([
    ['RCUEF', HOSPITAL],
    ['RCU', TRUST],
    [DERBYSHIRE, { resourceType: 'Organization', name: 'Derbyshire' }],
  ]),
  acknowledgements: new Map(),
}
const AS_DERBYSHIRE: AuditView = { ...AUDITOR, authority: DERBYSHIRE }

const CHECK: AuditRecord = {
  id: 'a1',
  recorded: '2026-05-03T11:00:00.000Z',
  interaction: 'operation',
  operation: 'cpis-check',
  action: 'E',
  outcome: '0',
  status: 200,
  codes: [],
  route: 'Patient/$cpis-check',
  requestId: '7d3f0c66-0000-4000-8000-000000000002',
  caller: {
    kind: 'nhs-user',
    clientId: 'nhs-system-RCU',
    tokenId: TOKEN_ID,
    user: { id: '555000000101', name: 'R. Khan', roleProfileId: '555000001101', roleCode: 'R8001', roleName: 'Nurse' },
    organization: 'RCU' as OdsCode,
    network: '192.0.2.7',
  },
  nhsNumber: '9996568814' as NhsNumber,
  setting: 'emergency-department',
  site: 'RCUEF' as OdsCode,
  entities: [
    { type: 'EpisodeOfCare', id: 'plan-of-derbyshire', version: 2, owner: DERBYSHIRE },
    { type: 'EpisodeOfCare', id: 'plan-of-sheffield', version: 1, owner: SHEFFIELD },
  ],
  incident: { id: 'i1', leg: 3, inSixMonths: 2 },
  authorities: [DERBYSHIRE, SHEFFIELD],
}

const OWN_WRITE: AuditRecord = {
  id: 'a2',
  recorded: '2026-05-03T11:00:00.000Z',
  interaction: 'create',
  action: 'C',
  outcome: '0',
  status: 201,
  codes: [],
  route: 'Patient',
  requestId: '7d3f0c66-0000-4000-8000-000000000003',
  caller: {
    kind: 'la-supplier',
    clientId: 'la-system',
    tokenId: TOKEN_ID,
    authority: DERBYSHIRE,
    network: '192.0.2.8',
  },
  entities: [{ type: 'Patient', id: 'p1', version: 1 }],
  authorities: [DERBYSHIRE],
}

const references = (event: AuditEvent): readonly unknown[] =>
  (event.entity ?? []).flatMap((one) => one.what?.reference ?? [])
const details = (event: AuditEvent): Record<string, string | undefined> =>
  Object.fromEntries((event.entity ?? []).flatMap((one) => one.detail ?? []).map((one) => [one.type, one.valueString]))

describe('an authority that reads a check is not shown', () => {
  const event = renderAuditEvent(CHECK, AS_DERBYSHIRE)
  const text = JSON.stringify(event)

  test('the plan of another authority', () => {
    expect(references(event)).toEqual(['EpisodeOfCare/plan-of-derbyshire/_history/2'])
    expect(text).not.toContain('plan-of-sheffield')
  })
  test('which authorities may read it', () => {
    expect(text).not.toContain(SHEFFIELD)
  })
  test('the address of the machine', () => {
    expect(text).not.toContain('192.0.2.7')
  })
  test('a resource whose owner is not known', () => {
    const record = { ...CHECK, entities: [{ type: 'EpisodeOfCare', id: 'whose', version: 1 }] }
    expect(references(renderAuditEvent(record, AS_DERBYSHIRE))).toEqual([])
  })
})

describe('an authority that reads a check is shown', () => {
  const event = renderAuditEvent(CHECK, AS_DERBYSHIRE)

  test('who looked, by name and role, and that this person asked', () => {
    const requestors = event.agent.filter((one) => one.requestor)
    expect(requestors).toHaveLength(1)
    expect(requestors[0]).toMatchObject({
      name: 'R. Khan',
      altId: '555000000101',
      who: { type: 'PractitionerRole', identifier: { system: SYSTEM.sdsRoleProfile, value: '555000001101' } },
      role: [{ coding: [{ system: SYSTEM.jobRole, code: 'R8001', display: 'Nurse' }] }],
      policy: [`urn:uuid:${TOKEN_ID}`],
    })
    expect(requestors[0]?.network).toBeUndefined()
  })
  test('from where, in words: setting, site with town and phone, organisation', () => {
    expect(details(event)).toEqual({
      setting: 'emergency-department',
      'setting-display': 'Emergency department',
      site: 'RCUEF',
      'site-name': "Sheffield Children's Hospital",
      'site-town': 'Sheffield',
      'site-phone': '0114 496 0101',
      organization: 'RCU',
      'organization-name': "Sheffield Children's NHS Foundation Trust",
    })
    expect(event.agent[0]?.location).toEqual({
      type: 'Location',
      identifier: { system: SYSTEM.ods, value: 'RCUEF' },
      display: "Sheffield Children's Hospital",
    })
  })
  test('about whom, and of which incident', () => {
    expect(event.entity?.[0]?.what?.identifier).toEqual({ system: SYSTEM.nhsNumber, value: '9996568814' })
    expect(event.extension?.[0]?.extension).toEqual([
      { url: 'id', valueString: 'i1' },
      { url: 'leg', valuePositiveInt: 3 },
      { url: 'incidentsInSixMonths', valuePositiveInt: 2 },
    ])
  })
})

test('an auditor is shown every plan disclosed, with its version, and the machine', () => {
  const event = renderAuditEvent(CHECK, AUDITOR)
  expect(references(event)).toEqual([
    'EpisodeOfCare/plan-of-derbyshire/_history/2',
    'EpisodeOfCare/plan-of-sheffield/_history/1',
  ])
  expect(event.agent[1]?.network).toEqual({ address: '192.0.2.7', type: '2' })
  expect(event.purposeOfEvent?.[0]?.coding?.[0]?.code).toBe('TREAT')
  expect(event.subtype?.map((one) => one.code)).toEqual(['operation', 'cpis-check'])
})

test('names that are not in the directory are shown by their codes', () => {
  const event = renderAuditEvent(CHECK, { ...AUDITOR, organizations: new Map() })
  expect(event.agent[3]?.name).toBe('RCU')
  expect(details(event)).toMatchObject({ site: 'RCUEF', organization: 'RCU' })
})

describe('checks fit cpis-check-audit', () => {
  const profiles = compileProfiles()
  test.each([
    ['a hit, for an auditor', CHECK, AUDITOR],
    ['a hit, for an authority', CHECK, AS_DERBYSHIRE],
    ['a miss', { ...CHECK, entities: [], authorities: [] }, AUDITOR],
    ['a refused one', refusedCheck(), AUDITOR],
  ])('%s', (_what, record, view) => {
    const event = renderAuditEvent(record, view)
    expect(event.meta?.profile).toEqual([PROFILE.checkAudit])
    expect(profiles.check(event, PROFILE.checkAudit)).toEqual([])
  })

  test('but a check that an authority tried has no person, and claims nothing', () => {
    const record: AuditRecord = {
      ...OWN_WRITE,
      interaction: 'operation',
      operation: 'cpis-check',
      outcome: '4',
      status: 403,
    }
    expect(renderAuditEvent(record, AUDITOR).meta?.profile).toBeUndefined()
  })
})

function refusedCheck(): AuditRecord {
  const { nhsNumber, setting, site, incident, ...rest } = CHECK
  return { ...rest, outcome: '4', status: 400, codes: ['INVALID_NHS_NUMBER'], entities: [], authorities: [] }
}

describe('the pattern of IHE BALP that is claimed', () => {
  const of = (more: Partial<AuditRecord>): string | undefined =>
    renderAuditEvent({ ...OWN_WRITE, ...more }, AS_DERBYSHIRE).meta?.profile?.[0]

  test.each([
    ['create', undefined, `${BALP}.Create`],
    ['create', '9996568814', `${BALP}.PatientCreate`],
    ['read', undefined, `${BALP}.Read`],
    ['vread', '9996568814', `${BALP}.PatientRead`],
    ['update', '9996568814', `${BALP}.PatientUpdate`],
    ['patch', undefined, `${BALP}.Update`],
    ['delete', '9996568814', `${BALP}.PatientDelete`],
    ['search-type', undefined, undefined],
    ['transaction', undefined, undefined],
    ['history-instance', undefined, undefined],
  ])('%s about %p: %p', (interaction, nhsNumber, profile) => {
    expect(of({ interaction, ...(nhsNumber === undefined ? {} : { nhsNumber: nhsNumber as NhsNumber }) })).toBe(profile)
  })

  test('is none when it failed, touched several resources, or the machine is not known', () => {
    const { network, ...caller } = OWN_WRITE.caller
    expect(of({ outcome: '4', status: 422 })).toBeUndefined()
    expect(of({ entities: [...OWN_WRITE.entities, { type: 'Flag', id: 'f' }] })).toBeUndefined()
    expect(of({ caller })).toBeUndefined()
  })

  test.each([
    ['read', '110152', '110153'],
    ['create', '110153', '110152'],
    ['delete', '110150', 'custodian'],
  ])('has client and server in the roles of %s: %s, %s', (interaction, client, server) => {
    const event = renderAuditEvent({ ...OWN_WRITE, interaction }, AS_DERBYSHIRE)
    expect(event.agent.map((one) => one.type?.coding?.[0]?.code)).toEqual([client, server, 'datacollector'])
    expect(event.agent.filter((one) => one.requestor)).toHaveLength(1)
    expect(event.agent[0]?.network).toEqual({ address: '192.0.2.8', type: '2' })
  })
})

test('a search keeps the names of its parameters, never the values', () => {
  const record: AuditRecord = {
    ...OWN_WRITE,
    interaction: 'search-type',
    action: 'E',
    entities: [],
    parameters: ['patient:identifier', '_count'],
  }
  const event = renderAuditEvent(record, AS_DERBYSHIRE)
  expect(event.entity?.[1]).toEqual({
    type: expect.objectContaining({ code: '2' }),
    role: expect.objectContaining({ code: '24' }),
    detail: [
      { type: 'parameter', valueString: 'patient:identifier' },
      { type: 'parameter', valueString: '_count' },
    ],
  })
  expect(JSON.stringify(event)).not.toContain('"query"')
})

test('a refusal without a proven caller says so, and a summary how many it stands for', () => {
  const nobody: AuditRecord = {
    ...OWN_WRITE,
    interaction: 'operation',
    outcome: '4',
    status: 401,
    codes: ['UNAUTHENTICATED'],
    caller: { kind: 'nobody', clientId: '', tokenId: '', network: '192.0.2.9' },
    entities: [],
  }
  const event = renderAuditEvent({ ...nobody, count: 523 }, AUDITOR)
  expect(event.outcomeDesc).toBe('HTTP 401 UNAUTHENTICATED (523 requests summed up)')
  expect(event.agent[0]).toMatchObject({ who: { display: 'Client that was not proven' }, requestor: true })
  expect(event.agent).toHaveLength(2)
})

describe('what the server does by itself at the turn of the day', () => {
  const record: AuditRecord = {
    ...OWN_WRITE,
    interaction: 'update',
    action: 'U',
    caller: { kind: 'server', clientId: '', tokenId: '' },
    entities: [{ type: 'EpisodeOfCare', id: 'plan', version: 2, owner: DERBYSHIRE }],
  }

  test('R12 names the server as the one requestor, and no client', () => {
    const { agent } = renderAuditEvent(record, AS_DERBYSHIRE)
    expect(agent).toHaveLength(1)
    expect(agent[0]).toMatchObject({ requestor: true, who: { display: 'CP-IS register' } })
  })
  test('shows the authority its own plan', () => {
    expect(references(renderAuditEvent(record, AS_DERBYSHIRE))).toEqual(['EpisodeOfCare/plan/_history/2'])
  })
  test('claims no pattern that wants a client', () => {
    expect(renderAuditEvent(record, AS_DERBYSHIRE).meta?.profile).toBeUndefined()
  })
})
