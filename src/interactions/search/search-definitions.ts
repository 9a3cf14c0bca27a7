/** The search parameters of interface.md "REST", as data: what each type can be searched by, and the index field it means. */
import type { OwnedType } from '../../store/store.ts'

export type SearchKind = 'token' | 'reference' | 'date' | 'string' | 'uri'

export interface SearchDefinition {
  readonly name: string
  readonly kind: SearchKind
  readonly documentation: string
  /** How the value is understood; see criteria.ts. */
  readonly meaning:
    | 'identifier'
    | 'nhs-number'
    | 'status'
    | 'plan-type'
    | 'patient'
    | 'plan'
    | 'authority'
    | 'period'
    | 'birth-date'
    | 'name'
    | 'org-type'
    | 'url'
    | 'topic'
  readonly modifiers: readonly string[]
  /** Ours, with a SearchParameter of its own; else R4's. */
  readonly ours?: string
}

const identifier = (documentation: string, ours?: string): SearchDefinition => ({
  name: 'identifier',
  kind: 'token',
  documentation,
  meaning: 'identifier',
  modifiers: [],
  ...(ours === undefined ? {} : { ours }),
})
const child = (name: string): SearchDefinition => ({
  name,
  kind: 'reference',
  documentation: 'The child, by its Patient; with :identifier by its NHS number, however the plan names the child',
  meaning: 'patient',
  modifiers: ['identifier'],
})
const authority = (name: string): SearchDefinition => ({
  name,
  kind: 'reference',
  documentation: 'The local authority',
  meaning: 'authority',
  modifiers: ['identifier'],
})
const period: SearchDefinition = {
  name: 'date',
  kind: 'date',
  documentation: 'A day within the period',
  meaning: 'period',
  modifiers: [],
}
const status = (ours?: string): SearchDefinition => ({
  name: 'status',
  kind: 'token',
  documentation: 'The status as stored; what the NHS sees is computed from the dates',
  meaning: 'status',
  modifiers: ['not'],
  ...(ours === undefined ? {} : { ours }),
})

/** Parameters of each type besides the common ones. */
export const SEARCH_DEFINITIONS: Readonly<Record<OwnedType, readonly SearchDefinition[]>> = {
  EpisodeOfCare: [
    identifier("The local authority's own identifier of the plan"),
    child('patient'),
    {
      name: 'nhs-number',
      kind: 'token',
      documentation: "The child's NHS number; :missing=true lists plans that are parked without one",
      meaning: 'nhs-number',
      modifiers: ['missing'],
      ours: 'cpis-episode-of-care-nhs-number',
    },
    status(),
    {
      name: 'type',
      kind: 'token',
      documentation: 'The plan type',
      meaning: 'plan-type',
      modifiers: ['not'],
    },
    period,
    authority('organization'),
  ],
  Flag: [
    identifier('Identifier of the Flag', 'cpis-flag-identifier'),
    child('patient'),
    child('subject'),
    period,
    authority('author'),
    {
      name: 'detail',
      kind: 'reference',
      documentation: 'The plan that the Flag signals',
      meaning: 'plan',
      modifiers: [],
      ours: 'cpis-flag-detail',
    },
    status('cpis-flag-status'),
  ],
  Patient: [
    identifier("The NHS number or the local authority's own identifier"),
    { name: 'birthdate', kind: 'date', documentation: 'Birth date', meaning: 'birth-date', modifiers: [] },
  ],
  Organization: [
    identifier('GSS, ODS or DfE code'),
    { name: 'name', kind: 'string', documentation: 'Start of the name', meaning: 'name', modifiers: [] },
    {
      name: 'type',
      kind: 'token',
      documentation: 'authority, or the kind of site',
      meaning: 'org-type',
      modifiers: [],
    },
  ],
  Subscription: [
    status(),
    { name: 'url', kind: 'uri', documentation: 'The endpoint', meaning: 'url', modifiers: [] },
    { name: 'criteria', kind: 'string', documentation: 'The topic', meaning: 'topic', modifiers: [] },
  ],
}

/** Parameters that every searchable type takes. */
export const COMMON_PARAMETERS = ['_id', '_lastUpdated'] as const
/** Parameters that shape the answer and select nothing. */
export const RESULT_PARAMETERS = [
  '_count',
  '_sort',
  '_summary',
  '_elements',
  '_total',
  '_format',
  '_pretty',
  '_cursor',
] as const

/** The definition of a parameter of a type, or undefined. Pure. */
export function findSearchDefinition(type: OwnedType, name: string): SearchDefinition | undefined {
  return SEARCH_DEFINITIONS[type].find((one) => one.name === name)
}
