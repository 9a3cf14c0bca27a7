/** What every conformance resource of ours says of itself. */
import type {
  CodeSystem,
  OperationDefinition,
  SearchParameter,
  StructureDefinition,
  ValueSet,
} from '@medplum/fhirtypes'
import { canonical } from '../../src/fhir/canonicals.ts'

interface Published {
  StructureDefinition: StructureDefinition
  ValueSet: ValueSet
  CodeSystem: CodeSystem
  OperationDefinition: OperationDefinition
  SearchParameter: SearchParameter
}

/** Version of the published contract; raise it when a profile changes. */
export const CONTRACT_VERSION = '0.1.0'
/** Day of the last change of the contract. */
const CONTRACT_DATE = '2026-06-01'

interface Head<T> {
  readonly resourceType: T
  readonly id: string
  readonly url: string
  readonly version: string
  readonly name: string
  readonly title: string
  readonly status: 'active'
  readonly experimental: false
  readonly date: string
  readonly publisher: string
  readonly description: string
}

/** Head of a conformance resource: id and URL from its name, computable name from its title. Pure. */
export function published<T extends keyof Published>(
  resourceType: T,
  name: string,
  said: { readonly title: string; readonly description: string },
): Head<T> {
  return {
    resourceType,
    id: name,
    url: canonical(resourceType, name),
    version: CONTRACT_VERSION,
    name: name
      .split('-')
      .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
      .join(''),
    title: said.title,
    status: 'active',
    experimental: false,
    date: CONTRACT_DATE,
    publisher: 'CP-IS register',
    description: said.description,
  }
}
