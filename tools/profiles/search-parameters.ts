/** Our own search parameters (interface.md "REST", marked ours). */
import type { SearchParameter } from '@medplum/fhirtypes'
import { EXTENSION } from '../../src/fhir/canonicals.ts'
import { published } from './published.ts'

interface ParameterSaid {
  readonly name: string
  readonly code: string
  readonly base: 'EpisodeOfCare' | 'Flag' | 'AuditEvent'
  readonly type: SearchParameter['type']
  readonly description: string
  readonly expression: string
  readonly target?: SearchParameter['target']
  readonly modifier?: SearchParameter['modifier']
}

function searchParameter(said: ParameterSaid): SearchParameter {
  return {
    ...withoutTitle(said),
    code: said.code,
    base: [said.base],
    type: said.type,
    expression: said.expression,
    xpathUsage: 'normal',
    ...(said.target === undefined ? {} : { target: said.target }),
    multipleOr: true,
    multipleAnd: true,
    ...(said.modifier === undefined ? {} : { modifier: said.modifier }),
  }
}

/** R4 gives a SearchParameter no title. */
function withoutTitle(said: ParameterSaid): Omit<ReturnType<typeof published<'SearchParameter'>>, 'title'> {
  const { title: _title, ...head } = published('SearchParameter', said.name, {
    title: '',
    description: said.description,
  })
  return head
}

export const SEARCH_PARAMETERS: readonly SearchParameter[] = [
  searchParameter({
    name: 'cpis-episode-of-care-nhs-number',
    code: 'nhs-number',
    base: 'EpisodeOfCare',
    type: 'token',
    description:
      'NHS number of the person the plan is about, however the plan names the person: by identifier, or through the Patient it refers to. With :missing=true it lists the plans that wait for a number.',
    expression:
      "EpisodeOfCare.patient.identifier.where(system = 'https://fhir.nhs.uk/Id/nhs-number') | EpisodeOfCare.patient.resolve().identifier.where(system = 'https://fhir.nhs.uk/Id/nhs-number')",
    modifier: ['missing'],
  }),
  searchParameter({
    name: 'cpis-flag-identifier',
    code: 'identifier',
    base: 'Flag',
    type: 'token',
    description: 'Business identifier of the Flag.',
    expression: 'Flag.identifier',
  }),
  searchParameter({
    name: 'cpis-flag-detail',
    code: 'detail',
    base: 'Flag',
    type: 'reference',
    description: 'The plan whose signal the Flag is.',
    expression: `Flag.extension.where(url = '${EXTENSION.flagDetail}').value`,
    target: ['EpisodeOfCare'],
  }),
  searchParameter({
    name: 'cpis-flag-status',
    code: 'status',
    base: 'Flag',
    type: 'token',
    description: 'active, inactive or entered-in-error.',
    expression: 'Flag.status',
    modifier: ['not'],
  }),
  searchParameter({
    name: 'cpis-audit-event-incident',
    code: 'incident',
    base: 'AuditEvent',
    type: 'token',
    description: 'Id of the incident to which the access belongs.',
    expression: `AuditEvent.extension.where(url = '${EXTENSION.incident}').extension.where(url = 'id').value`,
  }),
  searchParameter({
    name: 'cpis-audit-event-acknowledged',
    code: 'acknowledged',
    base: 'AuditEvent',
    type: 'token',
    description:
      'Accesses that the authority of the token has not answered yet (false), or has (true): its worklist. Other records are not found by it.',
    expression: `AuditEvent.where(extension.where(url = '${EXTENSION.incident}').exists()).select(extension.where(url = '${EXTENSION.acknowledgement}').exists())`,
  }),
]
