/** The body that a row takes, as OpenAPI says it. */
import { type JsonSchema, refTo } from '../../fhir/json-schema.ts'
import { exampleRequestsOf } from './examples.ts'
import { definitionOf, FHIR_JSON_TYPE, type Material, type OpenApiRow, type Part } from './openapi-types.ts'
import { searchParametersOf } from './request-parameters.ts'
import { parametersNameOf, requestSchemaOf } from './type-schemas.ts'

/** `{ requestBody }`, or nothing. Disk I/O for the examples. */
export function requestBodyOf(row: OpenApiRow, material: Material): { readonly requestBody?: Part } {
  switch (row.body) {
    case 'none':
      return {}
    case 'form':
      return body('application/x-www-form-urlencoded', formSchema(row.type ?? ''))
    case 'patch':
      return body('application/json-patch+json', refTo('JsonPatch'))
    case 'list':
      return listBody()
    case 'bundle':
      return body(FHIR_JSON_TYPE, refTo('Bundle-upload'), exampleRequestsOf(row))
    case 'resource':
      return body(FHIR_JSON_TYPE, resourceSchema(row, material), exampleRequestsOf(row))
  }
}

function body(type: string, schema: JsonSchema, examples: Part = {}): { readonly requestBody: Part } {
  const isOptional = type === 'application/x-www-form-urlencoded'
  const hasExamples = Object.keys(examples).length > 0
  return {
    requestBody: { required: !isOptional, content: { [type]: { schema, ...(hasExamples ? { examples } : {}) } } },
  }
}

/** One Bundle, or a resource a line. */
function listBody(): { readonly requestBody: Part } {
  const content = {
    [FHIR_JSON_TYPE]: { schema: refTo('AnyResource') },
    'application/fhir+ndjson': { schema: { type: 'string', description: 'One resource a line.' } },
  }
  return { requestBody: { required: true, content } }
}

function resourceSchema(row: OpenApiRow, material: Material): JsonSchema {
  const { interaction, type = '', operation } = row
  if (interaction !== 'operation') return requestSchemaOf(type)
  if (definitionOf(row, material) !== undefined) return refTo(parametersNameOf(type, operation ?? ''))
  return refTo('AnyResource')
}

function formSchema(type: string): JsonSchema {
  const properties = searchParametersOf(type).map(({ name, description, schema }) => [name, { ...schema, description }])
  return { type: 'object', properties: Object.fromEntries(properties) }
}
