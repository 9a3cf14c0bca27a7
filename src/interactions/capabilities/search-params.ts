/** The search parameters of each type as a CapabilityStatement tells them: names that R4 or we define, with the URL of the definition. */
import type { CapabilityStatementRestResourceSearchParam } from '@medplum/fhirtypes'
import { canonical } from '../../fhir/canonicals.ts'
import { AUDIT_PARAMETERS } from '../audit/audit-parameters.ts'
import { DEFINITION_PARAMETERS } from '../definitions/definition-parameters.ts'
import { isOwnedType } from '../owned-rows.ts'
import { SEARCH_DEFINITIONS } from '../search/search-definitions.ts'

const R4_PARAMETER = 'http://hl7.org/fhir/SearchParameter'

/** R4 defines these once for many types, under a name of their own. */
const SHARED: Readonly<Record<string, string>> = {
  'EpisodeOfCare.identifier': 'clinical-identifier',
  'EpisodeOfCare.patient': 'clinical-patient',
  'EpisodeOfCare.type': 'clinical-type',
  'EpisodeOfCare.date': 'clinical-date',
  'Flag.patient': 'clinical-patient',
  'Flag.date': 'clinical-date',
  'Patient.birthdate': 'individual-birthdate',
}

interface Told {
  readonly name: string
  readonly kind: CapabilityStatementRestResourceSearchParam['type']
  readonly documentation: string
  /** Id of our own SearchParameter. */
  readonly ours?: string
}

const ID: Told = { name: '_id', kind: 'token', documentation: 'Logical id' }
const LAST_UPDATED: Told = { name: '_lastUpdated', kind: 'date', documentation: 'When it last changed' }

/** All parameters that a search of this type takes, `_id` and `_lastUpdated` first. Pure. */
export function searchParamsOf(type: string): CapabilityStatementRestResourceSearchParam[] {
  return parametersOf(type).map(({ name, kind, documentation, ours }) => ({
    name,
    definition: ours === undefined ? r4Definition(type, name) : canonical('SearchParameter', ours),
    type: kind,
    documentation,
  }))
}

function parametersOf(type: string): readonly Told[] {
  if (type === 'AuditEvent') return [ID, LAST_UPDATED, ...AUDIT_PARAMETERS]
  if (isOwnedType(type)) return [ID, LAST_UPDATED, ...SEARCH_DEFINITIONS[type]]
  return [ID, LAST_UPDATED, ...(type === 'Basic' ? DEFINITION_PARAMETERS.topic : DEFINITION_PARAMETERS.conformance)]
}

function r4Definition(type: string, name: string): string {
  if (name.startsWith('_')) return `${R4_PARAMETER}/Resource-${name.slice(1)}`
  const shared = SHARED[`${type}.${name}`]
  if (shared !== undefined) return `${R4_PARAMETER}/${shared}`
  const isConformance = !isOwnedType(type) && (name === 'url' || name === 'name')
  return `${R4_PARAMETER}/${isConformance ? 'conformance' : type}-${name}`
}
