import { describe, expect, test } from '@jest/globals'
import type { Bundle, Organization, Resource } from '@medplum/fhirtypes'
import fc from 'fast-check'
import { buildCheckAnswer, type CheckAnswerFacts } from '../../../src/domain/disclosure/check-answer.ts'
import { addDays } from '../../../src/domain/london-day.ts'
import { PLAN_TYPES } from '../../../src/domain/plan.ts'
import { EXTENSION, NHS_FLAG_CODE, PROFILE, SYSTEM } from '../../../src/fhir/canonicals.ts'
import { issue } from '../../../src/fhir/outcome.ts'
import {
  access,
  BASE,
  CHILD,
  DERBYSHIRE,
  DERBYSHIRE_ORGANIZATION,
  LEEDS,
  plan,
  TODAY,
} from '../../support/domain-facts.ts'
import { testNumber } from '../../support/nhs-numbers.ts'

const AUDIT_ID = '6a0f8e0e-1111-4000-8000-00000000000f'

const LEEDS_ORGANIZATION: Organization = {
  resourceType: 'Organization',
  id: 'org-leeds',
  identifier: [{ system: SYSTEM.gss, value: LEEDS }],
  name: 'Leeds',
}

const SITES: readonly Organization[] = [
  {
    resourceType: 'Organization',
    id: 'RCU',
    identifier: [{ system: SYSTEM.ods, value: 'RCU' }],
    name: 'Sheffield Children’s NHS Foundation Trust',
  },
  {
    resourceType: 'Organization',
    id: 'RCUEF',
    identifier: [{ system: SYSTEM.ods, value: 'RCUEF' }],
    name: 'Sheffield Children’s Hospital',
  },
]

function facts(parts: Partial<CheckAnswerFacts> = {}): CheckAnswerFacts {
  return {
    auditId: AUDIT_ID,
    at: new Date('2026-05-03T09:12:00.000Z'),
    today: TODAY,
    nhsNumber: testNumber(CHILD),
    plans: [],
    authorities: [DERBYSHIRE_ORGANIZATION, LEEDS_ORGANIZATION],
    accesses: [],
    organizations: SITES,
    warnings: [],
    fhirBase: BASE,
    ...parts,
  }
}

const entries = (answer: Bundle): NonNullable<Bundle['entry']> => answer.entry ?? []
const order = (answer: Bundle): readonly string[] =>
  entries(answer).map(({ resource, search }) =>
    [search?.mode, resource?.resourceType, resource?.id].filter(Boolean).join(' '),
  )
const words = (answer: Bundle): readonly string[] =>
  entries(answer).flatMap(({ resource }) =>
    resource?.resourceType === 'OperationOutcome' ? resource.issue.map((one) => one.details?.text ?? '') : [],
  )
function first<T extends Resource['resourceType']>(answer: Bundle, type: T): Resource | undefined {
  return entries(answer).find(({ resource }) => resource?.resourceType === type)?.resource
}

const REDACTED = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'REDACTED' }]
const AUTHOR = {
  reference: 'Organization/org-derbyshire',
  type: 'Organization',
  identifier: { system: SYSTEM.gss, value: DERBYSHIRE },
  display: 'Derbyshire',
}
const SUBJECT = { type: 'Patient', identifier: { system: SYSTEM.nhsNumber, value: CHILD } }

describe('nothing known', () => {
  test('is the same shape, with no match', () => {
    expect(buildCheckAnswer(facts())).toEqual({
      resourceType: 'Bundle',
      identifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${AUDIT_ID}` },
      type: 'searchset',
      timestamp: '2026-05-03T09:12:00.000Z',
      total: 0,
      link: [{ relation: 'self', url: `${BASE}/Patient/$cpis-check` }],
      entry: [
        {
          fullUrl: 'urn:uuid:6a0f8e0e-1111-4000-8000-00000000000e',
          resource: {
            resourceType: 'OperationOutcome',
            issue: [
              {
                severity: 'information',
                code: 'informational',
                details: {
                  coding: [{ system: SYSTEM.error, code: 'NOTHING_KNOWN' }],
                  text: 'Nothing known to the register today. This is not an assurance of safety.',
                },
              },
            ],
          },
          search: { mode: 'outcome' },
        },
      ],
    })
  })

  test('holds neither the number nor an earlier access', () => {
    expect(JSON.stringify(buildCheckAnswer(facts({ accesses: [access()] })))).not.toMatch(new RegExp(`${CHILD}|Khan`))
  })

  test('can carry warnings', () => {
    const answer = buildCheckAnswer(facts({ warnings: [issue('NUMBER_SUPERSEDED')] }))
    expect(words(answer)).toHaveLength(2)
    expect(buildCheckAnswer(facts())).toMatchObject({ entry: [{ resource: { issue: [{}] } }] })
  })
})

describe('a hit', () => {
  const answer = buildCheckAnswer(
    facts({ plans: [plan({ version: 7, birthDate: '2016-06-12' })], accesses: [access()] }),
  )

  test('comes in the fixed order, each with an address', () => {
    expect(order(answer)).toEqual([
      'match Flag flag-of-plan-1',
      'include EpisodeOfCare plan-1',
      'include Organization org-derbyshire',
      'include AuditEvent access-1',
      'outcome OperationOutcome',
    ])
    expect(answer.total).toBe(1)
    expect(entries(answer).map((one) => one.fullUrl)).toEqual([
      `${BASE}/Flag/flag-of-plan-1`,
      `${BASE}/EpisodeOfCare/plan-1`,
      `${BASE}/Organization/org-derbyshire`,
      `${BASE}/AuditEvent/access-1`,
      'urn:uuid:6a0f8e0e-1111-4000-8000-00000000000e',
    ])
  })

  test('the Flag', () => {
    expect(first(answer, 'Flag')).toEqual({
      resourceType: 'Flag',
      id: 'flag-of-plan-1',
      meta: { profile: [PROFILE.flagDisclosed], security: REDACTED },
      extension: [
        { url: EXTENSION.flagDetail, valueReference: { reference: 'EpisodeOfCare/plan-1', type: 'EpisodeOfCare' } },
      ],
      status: 'active',
      category: [{ coding: [{ system: SYSTEM.flagCategory, code: 'safety', display: 'Safety' }] }],
      code: {
        coding: [
          { system: SYSTEM.snomed, ...PLAN_TYPES.CPP },
          { system: SYSTEM.nhsFlag, code: NHS_FLAG_CODE },
        ],
      },
      subject: SUBJECT,
      period: { start: '2026-02-01' },
      author: AUTHOR,
    })
  })

  test('the plan', () => {
    expect(first(answer, 'EpisodeOfCare')).toEqual({
      resourceType: 'EpisodeOfCare',
      id: 'plan-1',
      meta: { profile: [PROFILE.planDisclosed], security: REDACTED },
      extension: [{ url: EXTENSION.caseStatus, valueCode: 'open' }],
      status: 'active',
      type: [{ coding: [{ system: SYSTEM.snomed, ...PLAN_TYPES.CPP }] }],
      patient: SUBJECT,
      managingOrganization: AUTHOR,
      period: { start: '2026-02-01' },
    })
  })

  test('the authority, with whom to call and nothing of its history', () => {
    const { meta: _, ...rest } = DERBYSHIRE_ORGANIZATION
    expect(first(answer, 'Organization')).toEqual({ ...rest, meta: { profile: [PROFILE.authority] } })
  })

  test('the earlier access', () => {
    expect(first(answer, 'AuditEvent')).toEqual({
      resourceType: 'AuditEvent',
      id: 'access-1',
      meta: { profile: [PROFILE.access], security: REDACTED },
      extension: [
        {
          url: EXTENSION.incident,
          extension: [
            { url: 'id', valueString: 'incident-1' },
            { url: 'leg', valuePositiveInt: 1 },
            { url: 'incidentsInSixMonths', valuePositiveInt: 1 },
          ],
        },
      ],
      type: { system: 'http://terminology.hl7.org/CodeSystem/audit-event-type', code: 'rest' },
      recorded: '2026-05-02T09:12:00.000Z',
      agent: [
        {
          type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }] },
          role: [{ coding: [{ system: SYSTEM.jobRole, code: 'R8001', display: 'Nurse' }], text: 'Nurse' }],
          name: 'R. Khan',
          requestor: true,
          location: {
            type: 'Location',
            identifier: { system: SYSTEM.ods, value: 'RCUEF' },
            display: 'Sheffield Children’s Hospital',
          },
        },
        {
          type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-RoleClass', code: 'PROV' }] },
          who: {
            type: 'Organization',
            identifier: { system: SYSTEM.ods, value: 'RCU' },
            display: 'Sheffield Children’s NHS Foundation Trust',
          },
          requestor: false,
        },
      ],
      source: { observer: { type: 'Device', display: 'Child Protection - Information Sharing register' } },
      entity: [
        {
          type: { system: 'http://terminology.hl7.org/CodeSystem/audit-entity-type', code: '4' },
          detail: [
            { type: 'setting', valueString: 'emergency-department' },
            { type: 'setting-name', valueString: 'Emergency department' },
            { type: 'site', valueString: 'RCUEF' },
          ],
        },
      ],
    })
  })

  test('the words: what is known, whom to call, then the warnings', () => {
    const warned = buildCheckAnswer(facts({ plans: [plan()], warnings: [issue('CHECK_IDENTITY')] }))
    expect(words(warned)).toEqual([
      'Subject to a child protection plan with Derbyshire since 1 February 2026 (open).',
      'Call Derbyshire: office hours 01632 960200; MASH 01632 960202.',
      'The birth date given differs from what is held. Make sure that this is the right child.',
    ])
    const codes = (first(warned, 'OperationOutcome') as { issue?: readonly { details?: unknown }[] }).issue?.map(
      (one) => one.details,
    )
    expect(codes).toMatchObject([
      { coding: [{ code: 'KNOWN' }] },
      { coding: [{ code: 'KNOWN' }] },
      { coding: [{ code: 'CHECK_IDENTITY' }] },
    ])
  })
})

describe('a closed plan', () => {
  test('says so, and until when it is shown', () => {
    const answer = buildCheckAnswer(facts({ plans: [plan({ end: '2026-03-01' })] }))
    expect(first(answer, 'EpisodeOfCare')).toMatchObject({
      status: 'finished',
      period: { start: '2026-02-01', end: '2026-03-01' },
      extension: [
        { url: EXTENSION.caseStatus, valueCode: 'closed' },
        { url: EXTENSION.shownUntil, valueDate: '2027-03-01' },
      ],
    })
    expect(first(answer, 'Flag')).toMatchObject({ status: 'active', period: { end: '2026-03-01' } })
  })

  test('is open, without a last day shown, until its end has passed', () => {
    const answer = buildCheckAnswer(facts({ plans: [plan({ end: '2026-05-03' })] }))
    expect(first(answer, 'EpisodeOfCare')).toMatchObject({
      status: 'active',
      extension: [{ url: EXTENSION.caseStatus, valueCode: 'open' }],
    })
  })
})

describe('R7 several plans', () => {
  test('stand by start descending, then id; each authority once; each plan with its own', () => {
    const plans = [
      plan({ id: 'b', start: '2026-01-01' }),
      plan({ id: 'c', start: '2026-03-01', owner: LEEDS }),
      plan({ id: 'a', start: '2026-01-01', type: 'LAC' }),
    ]
    const answer = buildCheckAnswer(facts({ plans }))
    expect(order(answer)).toEqual([
      'match Flag flag-of-c',
      'match Flag flag-of-a',
      'match Flag flag-of-b',
      'include EpisodeOfCare c',
      'include EpisodeOfCare a',
      'include EpisodeOfCare b',
      'include Organization org-leeds',
      'include Organization org-derbyshire',
      'outcome OperationOutcome',
    ])
    expect(answer.total).toBe(3)
    expect(buildCheckAnswer(facts({ plans: [...plans].reverse() }))).toEqual(answer)
  })

  test('an authority without contacts is shown without an empty list', () => {
    const answer = buildCheckAnswer(facts({ plans: [plan({ owner: LEEDS })] }))
    expect(first(answer, 'Organization')).toEqual({ ...LEEDS_ORGANIZATION, meta: { profile: [PROFILE.authority] } })
  })

  test('P1 a plan whose authority is not at hand is shown all the same', () => {
    const answer = buildCheckAnswer(facts({ plans: [plan({ owner: 'E06000015' })] }))
    expect(first(answer, 'EpisodeOfCare')).toMatchObject({
      managingOrganization: { type: 'Organization', identifier: { system: SYSTEM.gss, value: 'E06000015' } },
    })
    expect(words(answer)).toEqual([
      'Subject to a child protection plan with the local authority E06000015 since 1 February 2026 (open).',
    ])
  })
})

describe('R19 the history in an answer', () => {
  test('is at most 25 accesses, newest first', () => {
    const accesses = Array.from({ length: 30 }, (_, at) =>
      access({ id: `a${at}`, at: `2026-05-02T09:${10 + at}:00.000Z` }),
    )
    const shown = order(buildCheckAnswer(facts({ plans: [plan()], accesses }))).filter((one) =>
      one.includes('AuditEvent'),
    )
    expect(shown).toHaveLength(25)
    expect([shown[0], shown[24]]).toEqual(['include AuditEvent a29', 'include AuditEvent a5'])
  })

  test('goes without a site, or with a place that has left the directory', () => {
    const { site: _, ...withoutSite } = access()
    const answer = buildCheckAnswer(facts({ plans: [plan()], accesses: [withoutSite], organizations: [] }))
    expect(first(answer, 'AuditEvent')).toMatchObject({
      agent: [{ name: 'R. Khan' }, { who: { identifier: { value: 'RCU' } } }],
    })
    expect(JSON.stringify(first(answer, 'AuditEvent'))).not.toMatch(/location|RCUEF/)
  })
})

describe('R23 a number that was replaced', () => {
  test('the answer carries only the number that was sent', () => {
    const plans = [plan({ via: 'superseded', nhsNumber: testNumber('9994579657') })]
    const answer = buildCheckAnswer(facts({ plans, warnings: [issue('NUMBER_SUPERSEDED')] }))
    expect(JSON.stringify(answer)).not.toContain('9994579657')
    expect(first(answer, 'Flag')).toMatchObject({ subject: SUBJECT })
  })
})

describe('R24 the mother’s plan in the answer on her baby', () => {
  const plans = [plan({ type: 'UCPP', via: 'mother', nhsNumber: testNumber('9994033018'), birthDate: '1995-01-01' })]
  const answer = buildCheckAnswer(facts({ plans }))

  test('has a case status of its own and no number', () => {
    const masked = {
      extension: [{ url: EXTENSION.dataAbsentReason, valueCode: 'masked' }],
      type: 'Patient',
      display: 'Mother of this child',
    }
    expect(first(answer, 'EpisodeOfCare')).toMatchObject({
      patient: masked,
      extension: [{ url: EXTENSION.caseStatus, valueCode: 'born-plan-of-mother' }],
    })
    expect(first(answer, 'Flag')).toMatchObject({ subject: masked })
    expect(JSON.stringify(answer)).not.toMatch(/9994033018|9995973952/)
  })

  test('says until when, once it is ended', () => {
    const ended = buildCheckAnswer(facts({ plans: [plan({ ...plans[0], start: '2026-01-01', end: '2026-04-01' })] }))
    expect(first(ended, 'EpisodeOfCare')).toMatchObject({
      extension: [{ valueCode: 'born-plan-of-mother' }, { url: EXTENSION.shownUntil, valueDate: '2027-04-01' }],
    })
  })
})

describe('P3 nothing is disclosed that is not needed', () => {
  test('no string that only private fields held is ever in an answer', () => {
    const secret = fc.stringMatching(/^secret-[a-z]{12}$/)
    fc.assert(
      fc.property(
        secret,
        fc.constantFrom('own', 'superseded', 'mother'),
        fc.integer({ min: -300, max: 300 }),
        (hidden, via, days) => {
          // More than the type lets in, as a careless caller could hand over.
          const leaky = {
            ...plan({
              via,
              start: addDays(TODAY, -400),
              ...(days < 0 ? { end: addDays(TODAY, days) } : {}),
              birthDate: hidden,
            }),
            nhsNumber: hidden,
            legalBasis: hidden,
            name: hidden,
            resource: { careManager: hidden },
          } as unknown as ReturnType<typeof plan>
          const organization = {
            ...DERBYSHIRE_ORGANIZATION,
            meta: { versionId: hidden },
            alias: [hidden],
            telecom: [{ value: hidden }],
            address: [{ text: hidden }],
            contact: [{ name: { text: hidden }, address: { text: hidden }, purpose: { text: hidden } }],
            identifier: [...(DERBYSHIRE_ORGANIZATION.identifier ?? []), { system: 'urn:own', value: hidden }],
          }
          const seen = {
            ...access(),
            user: { ...access().user, id: hidden, roleProfileId: hidden },
            authorities: [hidden as typeof DERBYSHIRE],
          }
          const answer = buildCheckAnswer(facts({ plans: [leaky], authorities: [organization], accesses: [seen] }))
          expect(answer.total).toBe(1)
          expect(JSON.stringify(answer)).not.toContain(hidden)
        },
      ),
    )
  })

  test('no version is told', () => {
    const answer = buildCheckAnswer(facts({ plans: [plan({ version: 12_345 })] }))
    expect(JSON.stringify(answer)).not.toMatch(/12345|versionId|lastUpdated/)
  })
})
