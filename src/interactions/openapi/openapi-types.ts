/** The few words that the parts of the OpenAPI document share (OpenAPI 3.1). */
import type { OperationDefinition } from '@medplum/fhirtypes'
import type { SchemaSet } from '../../fhir/json-schema.ts'
import type { CapabilityRow, ServerFacts } from '../capabilities.ts'

/** One JSON object of the document. */
export type Part = Readonly<Record<string, unknown>>

/** What a row of the route table says of itself. */
export interface OpenApiRow extends CapabilityRow {
  readonly body: 'none' | 'resource' | 'bundle' | 'list' | 'form' | 'patch'
  readonly public?: true
}

/** What the document is made from, besides the rows. */
export interface Material {
  readonly facts: ServerFacts
  readonly schemas: SchemaSet
  readonly operations: readonly OperationDefinition[]
}

export const FHIR_JSON_TYPE = 'application/fhir+json'

/** A reference into the components. Pure. */
export function component(kind: 'schemas' | 'parameters' | 'responses' | 'headers', name: string): Part {
  return { $ref: `#/components/${kind}/${name}` }
}

/** The definition of a row's operation, if we publish one. Pure. */
export function definitionOf(row: OpenApiRow, material: Pick<Material, 'operations'>): OperationDefinition | undefined {
  return material.operations.find(
    (one) => one.code === row.operation && (one.resource ?? []).some((type) => type === row.type),
  )
}

/** The schema of a text. */
export const TEXT = { type: 'string' }

/** A response with a JSON body. Pure. */
export function json(description: string, schema: Part): Part {
  return { description, content: { 'application/json': { schema } } }
}
