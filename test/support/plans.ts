/** What a council files, as small as it may be. */
import type { EpisodeOfCare, Patient } from '@medplum/fhirtypes'

const SNOMED = 'http://snomed.info/sct'
const CODES = { CPP: '342191000000101', LAC: '764841000000100', UCPP: '818901000000100' } as const
export const NHS = 'https://fhir.nhs.uk/Id/nhs-number'
export const LA_SYSTEM = 'https://derbyshire.example/plan'

export interface PlanParts {
  readonly identifier?: string
  readonly nhsNumber?: string
  /** Literal reference in place of the number. */
  readonly patient?: string
  readonly type?: keyof typeof CODES
  readonly start?: string
  readonly end?: string
  readonly status?: EpisodeOfCare['status']
}

/** A plan; an open child protection plan since 1 April 2026 unless told otherwise. */
export function planOf(parts: PlanParts): EpisodeOfCare {
  const { identifier, nhsNumber, patient, type = 'CPP', start = '2026-04-01', end, status = 'active' } = parts
  return {
    resourceType: 'EpisodeOfCare',
    identifier: [{ system: LA_SYSTEM, value: identifier ?? `plan-${Math.random()}` }],
    status,
    type: [{ coding: [{ system: SNOMED, code: CODES[type] }] }],
    patient: {
      ...(patient === undefined ? {} : { reference: patient }),
      ...(nhsNumber === undefined ? {} : { type: 'Patient', identifier: { system: NHS, value: nhsNumber } }),
    },
    period: { start, ...(end === undefined ? {} : { end }) },
  }
}

/** A child with a number and a birth date. */
export function patientOf(parts: { nhsNumber?: string; birthDate?: string; family?: string; local?: string }): Patient {
  return {
    resourceType: 'Patient',
    identifier: [
      ...(parts.nhsNumber === undefined ? [] : [{ system: NHS, value: parts.nhsNumber }]),
      ...(parts.local === undefined ? [] : [{ system: 'https://derbyshire.example/child', value: parts.local }]),
    ],
    ...(parts.family === undefined ? {} : { name: [{ family: parts.family, given: ['Avery'] }] }),
    ...(parts.birthDate === undefined ? {} : { birthDate: parts.birthDate }),
  }
}

/** A transaction of resources, each with its urn:uuid. */
export function transactionOf(
  entries: readonly {
    readonly fullUrl?: string
    readonly resource?: object
    readonly method?: string
    readonly url: string
    readonly more?: object
  }[],
  more: object = {},
): object {
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    ...more,
    entry: entries.map(({ fullUrl, resource, method = 'POST', url, more: beside }) => ({
      ...(fullUrl === undefined ? {} : { fullUrl }),
      ...(resource === undefined ? {} : { resource }),
      request: { method, url, ...beside },
    })),
  }
}
