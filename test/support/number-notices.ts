/** Notices of the number feed: `$number-changed` and `$birth-notified`. */
import type { Parameters, ParametersParameter } from '@medplum/fhirtypes'
import type { TestAnswer, TestServer } from './server.ts'

const NHS = 'https://fhir.nhs.uk/Id/nhs-number'

export const identifierPart = (name: string, value: string): ParametersParameter => ({
  name,
  valueIdentifier: { system: NHS, value },
})

export const parametersOf = (...parameter: ParametersParameter[]): Parameters => ({
  resourceType: 'Parameters',
  parameter,
})

export type Reason = 'superseded' | 'invalid' | 'correction'

/** Parameters of `$number-changed`. */
export function numberChangedOf(from: string, reason: string, to?: string): Parameters {
  return parametersOf(identifierPart('from', from), ...(to === undefined ? [] : [identifierPart('to', to)]), {
    name: 'reason',
    valueCode: reason,
  })
}

/** Parameters of `$birth-notified`. */
export function birthOf(mother: string, baby: string, birthDate: string): Parameters {
  return parametersOf(identifierPart('mother', mother), identifierPart('baby', baby), {
    name: 'birthDate',
    valueDate: birthDate,
  })
}

export function sendNumberChanged(
  server: TestServer,
  notice: { readonly from: string; readonly reason?: Reason; readonly to?: string; readonly as?: string },
): Promise<TestAnswer> {
  const { from, reason = 'superseded', to, as = 'number-feed' } = notice
  return server.send({ as, path: 'Patient/$number-changed', body: numberChangedOf(from, reason, to) })
}

export function sendBirth(
  server: TestServer,
  notice: { readonly mother: string; readonly baby: string; readonly birthDate?: string; readonly as?: string },
): Promise<TestAnswer> {
  const { mother, baby, birthDate = '2026-05-02', as = 'number-feed' } = notice
  return server.send({ as, path: 'Patient/$birth-notified', body: birthOf(mother, baby, birthDate) })
}
