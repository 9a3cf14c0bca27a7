/** Which schema a type has in requests and in answers (interface.md "Profiles"), and all schemas of the document together. */
import { PROFILE } from '../../fhir/canonicals.ts'
import type { Definitions } from '../../fhir/definitions.ts'
import { buildSchemas, type JsonSchema, refTo, type SchemaSet } from '../../fhir/json-schema.ts'
import { definitionOf, type OpenApiRow } from './openapi-types.ts'
import { pageSchema, parametersSchema, WIRE_SCHEMAS } from './wire-schemas.ts'

const AUDIT_EVENT = 'http://hl7.org/fhir/StructureDefinition/AuditEvent'

/** What a client files. */
const REQUESTED: Readonly<Record<string, string>> = {
  EpisodeOfCare: 'cpis-plan',
  Flag: 'cpis-flag',
  Patient: 'cpis-patient',
  Organization: 'cpis-authority',
  Subscription: 'cpis-subscription',
}

/** Name of the schema of what a client sends of this type. Pure. */
export function requestSchemaOf(type: string): JsonSchema {
  return refTo(REQUESTED[type] ?? 'AnyResource')
}

/** What is read of this type. Pure. */
export function answerSchemaOf(type: string): JsonSchema {
  if (type === 'Organization') return { anyOf: [refTo('cpis-authority'), refTo('cpis-site')] }
  if (type === 'AuditEvent' || type === 'CapabilityStatement') return refTo(type)
  return refTo(REQUESTED[type] ?? 'AnyResource')
}

/** Name of the schema of a page of a type. Pure. */
export function pageNameOf(type: string, kind: 'searchset' | 'history'): string {
  return `Bundle-${kind}-${type}`
}

/** Name of the schema of an operation's Parameters. Pure. */
export function parametersNameOf(type: string, code: string): string {
  return `Parameters-${type}-${code}`
}

/** All schemas: of the profiles, of the wire, of the pages that these rows answer, of the operations' Parameters. Pure. */
export function buildSchemaSet(rows: readonly OpenApiRow[], definitions: Definitions): SchemaSet {
  return {
    ...WIRE_SCHEMAS,
    ...buildSchemas(definitions, [...Object.values(PROFILE), AUDIT_EVENT]),
    ...Object.fromEntries(rows.flatMap(pagesOf)),
    ...Object.fromEntries(rows.flatMap((row) => inputsOf(row, definitions))),
  }
}

/** Of an operation that takes Parameters: those of POST that we define and whose body is one resource. */
function inputsOf(row: OpenApiRow, { published }: Definitions): [name: string, schema: JsonSchema][] {
  const { type = '', operation = '', body } = row
  const operations = published.filter((one) => one.resourceType === 'OperationDefinition')
  const definition = body === 'resource' ? definitionOf(row, { operations }) : undefined
  return definition === undefined ? [] : [[parametersNameOf(type, operation), parametersSchema(definition)]]
}

function pagesOf({ interaction, type }: OpenApiRow): [name: string, schema: JsonSchema][] {
  if (type === undefined) return []
  const kind = interaction === 'search-type' ? 'searchset' : interaction.startsWith('history') ? 'history' : undefined
  return kind === undefined ? [] : [[pageNameOf(type, kind), pageSchema(kind, shownOn(type, kind))]]
}

/** A page may hold what was included, and an outcome; `_summary` and `_elements` cut resources down below their profile. */
function shownOn(type: string, kind: 'searchset' | 'history'): JsonSchema {
  const whole = answerSchemaOf(type)
  if (kind === 'history') return whole
  return { anyOf: [...(Array.isArray(whole['anyOf']) ? whole['anyOf'] : [whole]), refTo('AnyResource')] }
}
