/** Path and query parameters of a row, from the search definitions (interface.md "REST") and the OperationDefinitions. */
import { searchParamsOf } from '../capabilities/search-params.ts'
import { isOwnedType } from '../owned-rows.ts'
import { inclusionsOf } from '../search/include.ts'
import { SEARCH_DEFINITIONS } from '../search/search-definitions.ts'
import { component, definitionOf, type Material, type OpenApiRow, type Part } from './openapi-types.ts'
import { headersOf } from './request-headers.ts'

const TEXT = { type: 'string' }
const COUNT = { type: 'integer', minimum: 0, maximum: 500, default: 50 }
const SORTS = ['_lastUpdated', '-_lastUpdated', 'date', '-date', '_id', '-_id']
const ID = { type: 'string', pattern: '^[A-Za-z0-9\\-.]{1,64}$' }

export interface Named {
  readonly name: string
  readonly description: string
  readonly schema: Part
}

const COUNTED: Named = { name: '_count', description: 'How many on a page; 0 asks for the total only.', schema: COUNT }
const CURSOR: Named = {
  name: '_cursor',
  description: 'The place in a list, as in the links of an answer: follow those, never make one.',
  schema: TEXT,
}

/** `#/components/parameters` that are no headers. */
export const FORMAT_PARAMETERS: Readonly<Record<string, Part>> = {
  id: { name: 'id', in: 'path', required: true, description: 'Logical id.', schema: ID },
  vid: { name: 'vid', in: 'path', required: true, description: 'Version.', schema: { ...ID, examples: ['1'] } },
  _format: inQuery({
    name: '_format',
    description: 'Stands above Accept. JSON only.',
    schema: { type: 'string', examples: ['json', 'application/fhir+json'] },
  }),
  _pretty: inQuery({ name: '_pretty', description: 'Indented JSON.', schema: { type: 'boolean' } }),
}

/** All parameters of a row, headers included. Pure. */
export function parametersOf(row: OpenApiRow, material: Material): Part[] {
  const inPath = ['id', 'vid'].filter((name) => row.path.includes(`[${name}]`))
  const named = row.body === 'form' ? [] : queryOf(row, material)
  return [
    ...inPath.map((name) => component('parameters', name)),
    ...named.map(inQuery),
    ...['_format', '_pretty'].map((name) => component('parameters', name)),
    ...headersOf(row),
  ]
}

/** The parameters of a search of this type; in a URL or in a form. Pure. */
export function searchParametersOf(type: string): Named[] {
  return [...criteriaOf(type), ...shapeOf(type), COUNTED, CURSOR]
}

function queryOf(row: OpenApiRow, material: Material): Named[] {
  const { interaction, type = '', path } = row
  if (interaction === 'search-type') return searchParametersOf(type)
  if (interaction === 'history-instance' || interaction === 'history-type') return [COUNTED, SINCE, CURSOR]
  if (interaction === 'capabilities') return [MODE]
  if (interaction === 'operation' && row.method === 'GET') return operationQuery(row, material)
  const isConditional = path === type && ['update', 'patch', 'delete'].includes(interaction)
  return isConditional ? criteriaOf(type) : []
}

const SINCE: Named = {
  name: '_since',
  description: 'Versions made at this instant or later.',
  schema: { type: 'string', format: 'date-time' },
}
const MODE: Named = {
  name: 'mode',
  description: 'Both give the same.',
  schema: { type: 'string', enum: ['full', 'normative'] },
}

function operationQuery(row: OpenApiRow, material: Material): Named[] {
  const inputs = definitionOf(row, material)?.parameter?.filter((one) => one.use === 'in') ?? []
  return inputs.map(({ name, documentation = '' }) => ({ name, description: documentation, schema: TEXT }))
}

/** What selects: R4's and our parameters, and those that stand with a modifier. */
function criteriaOf(type: string): Named[] {
  const plain = searchParamsOf(type).map(({ name = '', type: kind, documentation = '', definition }) => ({
    name,
    description: `${documentation} (${kind}; ${definition}).`,
    schema: TEXT,
  }))
  const definitions = isOwnedType(type) ? SEARCH_DEFINITIONS[type] : []
  const modified = definitions.flatMap(({ name, modifiers }) =>
    modifiers.map((modifier) => modifiedParameter(name, modifier)),
  )
  return [...plain, ...modified, ...(type === 'AuditEvent' ? AUDIT_CHAINS : [])]
}

const AUDIT_CHAINS: readonly Named[] = ['patient', 'agent', 'entity'].flatMap((name) =>
  [`${name}:identifier`, `${name}.identifier`].map((one) => ({
    name: one,
    description: `The ${name} by its identifier: \`system|value\`. An NHS number only by POST _search.`,
    schema: TEXT,
  })),
)

const MODIFIER_WORDS: Readonly<Record<string, string>> = {
  identifier: 'by identifier, `system|value`; an NHS number only by POST _search',
  not: 'none of these',
  missing: 'true: there is none',
}

function modifiedParameter(name: string, modifier: string): Named {
  return {
    name: `${name}:${modifier}`,
    description: `${name}, ${MODIFIER_WORDS[modifier] ?? modifier}.`,
    schema: modifier === 'missing' ? { type: 'boolean' } : TEXT,
  }
}

/** What shapes the answer; published definitions and the audit take less. */
function shapeOf(type: string): Named[] {
  if (type === 'AuditEvent')
    return [choice('_sort', ['-date', '-_lastUpdated']), TOTAL, choice('_summary', ['count', 'false'])]
  if (!isOwnedType(type)) return []
  const { include, revinclude } = inclusionsOf(type)
  return [
    choice('_sort', SORTS),
    TOTAL,
    choice('_summary', ['true', 'text', 'data', 'count', 'false']),
    { name: '_elements', description: 'Names of top-level elements, with commas between them.', schema: TEXT },
    ...(include.length === 0 ? [] : [choice('_include', include)]),
    ...(revinclude.length === 0 ? [] : [choice('_revinclude', revinclude)]),
  ]
}

const TOTAL = choice('_total', ['none', 'accurate', 'estimate'])

function choice(name: string, values: readonly string[]): Named {
  return { name, description: 'See R4 search.', schema: { type: 'string', enum: values } }
}

function inQuery({ name, description, schema }: Named): Part {
  return { name, in: 'query', description, schema }
}
