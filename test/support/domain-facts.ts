/** Facts of the domain for tests, each with a usual value to change. */
import type { EpisodeOfCare, Flag, Organization, Patient } from '@medplum/fhirtypes'
import type { Access } from '../../src/domain/access-history.ts'
import type { AuthorityCode, LondonDay, OdsCode, ResourceId } from '../../src/domain/brands.ts'
import { parseDay } from '../../src/domain/london-day.ts'
import { PLAN_TYPES } from '../../src/domain/plan.ts'
import type { FilingFacts } from '../../src/domain/upload/draft.ts'
import type { FoundPlan } from '../../src/domain/visibility.ts'
import { EXTENSION, NHS_FLAG_CODE, SYSTEM } from '../../src/fhir/canonicals.ts'

export const DERBYSHIRE = 'E10000007' as AuthorityCode
export const LEEDS = 'E08000035' as AuthorityCode
export const BASE = 'http://127.0.0.1:8080/FHIR/R4'
export const CHILD = '9995973952'

/** A London day out of its text; throws for a text that is none. */
export function day(text: string): LondonDay {
  const parsed = parseDay(text)
  if (parsed === undefined) throw new Error('not a day')
  return parsed
}

export const TODAY = day('2026-05-03')

type PlanParts = Partial<Omit<FoundPlan, 'start' | 'end' | 'expectedDelivery' | 'owner' | 'id' | 'flagId'>> & {
  readonly id?: string
  readonly owner?: string
  readonly start?: string
  readonly end?: string
  readonly expectedDelivery?: string
}

/** A child protection plan of Derbyshire, open since 1 February 2026, unless told otherwise. */
export function plan(parts: PlanParts = {}): FoundPlan {
  const { id = 'plan-1', owner = DERBYSHIRE, start = '2026-02-01', end, expectedDelivery, ...rest } = parts
  return {
    version: 1,
    type: 'CPP',
    withdrawn: false,
    via: 'own',
    ...rest,
    id: id as ResourceId,
    flagId: `flag-of-${id}` as ResourceId,
    owner: owner as AuthorityCode,
    start: day(start),
    ...(end === undefined ? {} : { end: day(end) }),
    ...(expectedDelivery === undefined ? {} : { expectedDelivery: day(expectedDelivery) }),
  }
}

export const DERBYSHIRE_ORGANIZATION: Organization = {
  resourceType: 'Organization',
  id: 'org-derbyshire',
  meta: { versionId: '7', lastUpdated: '2026-01-01T00:00:00Z' },
  identifier: [
    { system: SYSTEM.gss, value: DERBYSHIRE },
    { system: SYSTEM.ods, value: '506' },
    { system: SYSTEM.dfe, value: '830' },
  ],
  name: 'Derbyshire',
  contact: [
    {
      purpose: { coding: [{ system: SYSTEM.contactPurpose, code: 'office-hours', display: 'Office hours' }] },
      telecom: [{ system: 'phone', value: '01632 960200', use: 'work' }],
    },
    {
      purpose: { coding: [{ system: SYSTEM.contactPurpose, code: 'mash', display: 'MASH' }] },
      telecom: [{ system: 'phone', value: '01632 960202', use: 'work' }],
    },
  ],
}

export const FILING: FilingFacts = {
  authority: DERBYSHIRE,
  today: TODAY,
  numberRange: 'test',
  organization: DERBYSHIRE_ORGANIZATION,
  fhirBase: BASE,
}

/** A plan as Derbyshire would send it, with parts changed. */
export function sentPlan(parts: Partial<EpisodeOfCare> = {}): EpisodeOfCare {
  return {
    resourceType: 'EpisodeOfCare',
    identifier: [{ system: 'https://derbyshire.example/Id/plan', value: 'CPP-1' }],
    status: 'active',
    type: [{ coding: [{ system: SYSTEM.snomed, ...PLAN_TYPES.CPP }] }],
    patient: { identifier: { system: SYSTEM.nhsNumber, value: CHILD } },
    managingOrganization: { identifier: { system: SYSTEM.gss, value: DERBYSHIRE } },
    period: { start: '2026-02-01' },
    ...parts,
  }
}

/** A looked-after plan with this legal basis, or none. */
export function sentLookedAfter(basis?: string): EpisodeOfCare {
  return sentPlan({
    type: [{ coding: [{ system: SYSTEM.snomed, ...PLAN_TYPES.LAC }] }],
    ...(basis === undefined ? {} : { extension: [{ url: EXTENSION.legalBasis, valueCode: basis }] }),
  })
}

/** A Patient as Derbyshire would send it, with parts changed. */
export function sentPatient(parts: Partial<Patient> = {}): Patient {
  return {
    resourceType: 'Patient',
    identifier: [
      { system: SYSTEM.nhsNumber, value: CHILD },
      { system: 'https://derbyshire.example/Id/child', value: 'C-1' },
    ],
    name: [{ family: 'Ashdown', given: ['Avery'] }],
    birthDate: '2016-06-12',
    ...parts,
  }
}

/** The Flag that agrees with sentPlan, with parts changed. */
export function sentFlag(parts: Partial<Flag> = {}): Flag {
  return {
    resourceType: 'Flag',
    extension: [{ url: EXTENSION.flagDetail, valueReference: { reference: 'EpisodeOfCare/plan-1' } }],
    status: 'active',
    category: [{ coding: [{ system: SYSTEM.flagCategory, code: 'safety' }] }],
    code: {
      coding: [
        { system: SYSTEM.snomed, ...PLAN_TYPES.CPP },
        { system: SYSTEM.nhsFlag, code: NHS_FLAG_CODE },
      ],
    },
    subject: { identifier: { system: SYSTEM.nhsNumber, value: CHILD } },
    period: { start: '2026-02-01' },
    author: { identifier: { system: SYSTEM.gss, value: DERBYSHIRE } },
    ...parts,
  }
}

/** An access by a nurse of Sheffield Children's, with parts changed. */
export function access(parts: Partial<Access> = {}): Access {
  return {
    id: 'access-1',
    at: '2026-05-02T09:12:00.000Z',
    user: { id: '555000000101', name: 'R. Khan', roleProfileId: '555000001101', roleCode: 'R8001', roleName: 'Nurse' },
    organization: 'RCU' as OdsCode,
    site: 'RCUEF' as OdsCode,
    setting: 'emergency-department',
    incident: { id: 'incident-1', leg: 1, inSixMonths: 1 },
    authorities: [DERBYSHIRE],
    ...parts,
  }
}
