/** Schemas of what no profile of ours describes: OperationOutcome, Bundles and Parameters as they go over the wire (interface.md). */
import type { OperationDefinition, OperationDefinitionParameter } from '@medplum/fhirtypes'
import { SYSTEM } from '../../fhir/canonicals.ts'
import { CATALOGUE } from '../../fhir/catalogue.ts'
import { type JsonSchema, refTo, type SchemaSet } from '../../fhir/json-schema.ts'
import { primitiveSchema } from '../../fhir/json-schema-primitive.ts'
import { PRIMITIVE_TYPES } from '../../fhir/primitive.ts'

const TEXT = { type: 'string' }
const URI = { type: 'string', minLength: 1 }
const INSTANT = { type: 'string', format: 'date-time' }
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items })

/** An object with these members, the first of which must be there unless told. */
function object(properties: Readonly<Record<string, JsonSchema>>, required: readonly string[] = []): JsonSchema {
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }) }
}

function resource(type: string, properties: Readonly<Record<string, JsonSchema>>, required: readonly string[] = []) {
  return object({ resourceType: { const: type }, ...properties }, ['resourceType', ...required])
}

const CODING = object({ system: URI, code: TEXT, display: TEXT })
const OUR_CODING = object({ system: { const: SYSTEM.error }, code: { enum: Object.keys(CATALOGUE) } }, [
  'system',
  'code',
])

const OUTCOME = {
  description:
    'What went wrong, or what is to be said beside a success: errors first. `details.coding` carries a code of cpis-error (docs/errors.md) and, where there is one, its national equal; `details.text` says what to do; `expression` says where. Never a value of a patient.',
  ...resource(
    'OperationOutcome',
    {
      id: TEXT,
      issue: {
        ...list(
          object(
            {
              severity: { enum: ['fatal', 'error', 'warning', 'information'] },
              code: { ...TEXT, description: 'R4 issue type.' },
              details: object({ coding: { type: 'array', items: CODING, contains: OUR_CODING }, text: TEXT }, [
                'coding',
                'text',
              ]),
              expression: { ...list(TEXT), description: 'FHIRPath of the place.' },
            },
            ['severity', 'code', 'details'],
          ),
        ),
        minItems: 1,
      },
    },
    ['issue'],
  ),
}

const LINKS = list(object({ relation: TEXT, url: URI }, ['relation', 'url']))
const RESPONSE = object(
  { status: TEXT, location: TEXT, etag: TEXT, lastModified: INSTANT, outcome: refTo('OperationOutcome') },
  ['status'],
)
const REQUEST = object(
  {
    method: { enum: ['GET', 'POST', 'PUT', 'DELETE'] },
    url: URI,
    ifMatch: TEXT,
    ifNoneMatch: TEXT,
    ifNoneExist: TEXT,
    ifModifiedSince: INSTANT,
  },
  ['method', 'url'],
)
const FILED = ['cpis-plan', 'cpis-flag', 'cpis-patient', 'cpis-authority', 'cpis-subscription']

const UPLOAD = {
  description:
    'A `transaction` is all or nothing; in a `batch` each entry stands alone. At most 1,000 entries and 10 MB. The identifier makes re-sending safe for 24 hours. A urn:uuid in fullUrl may be referred to by other entries of a transaction.',
  ...resource(
    'Bundle',
    {
      type: { enum: ['transaction', 'batch'] },
      identifier: refTo('Identifier'),
      timestamp: INSTANT,
      entry: list(object({ fullUrl: URI, resource: { anyOf: FILED.map(refTo) }, request: REQUEST }, ['request'])),
    },
    ['type'],
  ),
}

const UPLOAD_ANSWER = resource(
  'Bundle',
  {
    type: { enum: ['transaction-response', 'batch-response'] },
    link: LINKS,
    entry: list(object({ fullUrl: URI, resource: refTo('AnyResource'), response: RESPONSE }, ['response'])),
  },
  ['type'],
)

const SHOWN = ['cpis-flag-disclosed', 'cpis-plan-disclosed', 'cpis-authority', 'cpis-access', 'OperationOutcome']

const CHECK_ANSWER = {
  description:
    'What is known today. `total` counts the Flags: one for each visible plan. Then the plans, their authorities with whom to call, earlier accesses (newest first, at most 25), and always last an OperationOutcome in plain words. `total` 0 is "nothing known to the register today", which is not an assurance of safety. The shapes are an allow-list.',
  ...resource(
    'Bundle',
    {
      id: TEXT,
      type: { const: 'searchset' },
      identifier: refTo('Identifier'),
      timestamp: INSTANT,
      total: { type: 'integer', minimum: 0 },
      link: LINKS,
      entry: {
        ...list(
          object(
            {
              fullUrl: URI,
              resource: { anyOf: SHOWN.map(refTo) },
              search: object({ mode: { enum: ['match', 'include', 'outcome'] } }, ['mode']),
            },
            ['fullUrl', 'resource', 'search'],
          ),
        ),
        minItems: 1,
      },
    },
    ['type', 'identifier', 'timestamp', 'total', 'entry'],
  ),
}

const NOTIFICATION = {
  description:
    'A notification of the Subscriptions R5 Backport guide 1.1.0 for R4: a history Bundle whose first entry is the status of the Subscription as Parameters. It points at resources (id-only) and names no one.',
  ...resource(
    'Bundle',
    {
      id: TEXT,
      type: { const: 'history' },
      timestamp: INSTANT,
      entry: {
        ...list(object({ fullUrl: URI, resource: refTo('AnyResource'), request: REQUEST, response: RESPONSE })),
        minItems: 1,
      },
    },
    ['type', 'timestamp', 'entry'],
  ),
}

/** Schemas of this file by name. */
export const WIRE_SCHEMAS: SchemaSet = {
  OperationOutcome: OUTCOME,
  AnyResource: { ...object({ resourceType: TEXT, id: TEXT }, ['resourceType']), description: 'Any R4 resource.' },
  Parameters: resource('Parameters', { parameter: list(object({ name: TEXT }, ['name'])) }),
  JsonPatch: {
    description: 'RFC 6902, at most 1,000 operations.',
    ...list(
      object(
        { op: { enum: ['add', 'remove', 'replace', 'move', 'copy', 'test'] }, path: TEXT, from: TEXT, value: {} },
        ['op', 'path'],
      ),
    ),
  },
  'Bundle-upload': UPLOAD,
  'Bundle-upload-answer': UPLOAD_ANSWER,
  'Bundle-check-answer': CHECK_ANSWER,
  'Bundle-notification': NOTIFICATION,
  CapabilityStatement: resource('CapabilityStatement', { fhirVersion: { const: '4.0.1' } }, ['fhirVersion', 'rest']),
}

/** A page of search results or versions of one type. Pure. */
export function pageSchema(type: 'searchset' | 'history', items: JsonSchema): JsonSchema {
  const search = object({ mode: { enum: ['match', 'include', 'outcome'] } })
  const entry = object({
    fullUrl: URI,
    resource: items,
    ...(type === 'searchset' ? { search } : { request: REQUEST, response: RESPONSE }),
  })
  return resource(
    'Bundle',
    { type: { const: type }, total: { type: 'integer', minimum: 0 }, link: LINKS, entry: list(entry) },
    ['type'],
  )
}

/** The Parameters that an operation takes: one object for each input, the required ones demanded. Pure. */
export function parametersSchema(definition: OperationDefinition): JsonSchema {
  const inputs = (definition.parameter ?? []).filter((one) => one.use === 'in')
  const required = inputs.filter((one) => (one.min ?? 0) > 0)
  return resource(
    'Parameters',
    {
      parameter: {
        ...list({ oneOf: inputs.map(inputSchema) }),
        ...(required.length === 0 ? {} : { allOf: required.map(({ name }) => ({ contains: named(name) })) }),
      },
    },
    required.length === 0 ? [] : ['parameter'],
  )
}

function named(name: string): JsonSchema {
  return { type: 'object', properties: { name: { const: name } }, required: ['name'] }
}

/** Data types that the schemas of the profiles bring along. */
const DEFINED = ['Identifier', 'Coding', 'CodeableConcept', 'Period', 'Reference']

function inputSchema({ name, type, documentation, binding }: OperationDefinitionParameter): JsonSchema {
  const code: string = type ?? 'Resource'
  const isResource = !PRIMITIVE_TYPES.has(code) && !DEFINED.includes(code)
  const key = isResource ? 'resource' : `value${code.charAt(0).toUpperCase()}${code.slice(1)}`
  const value = isResource ? refTo('AnyResource') : PRIMITIVE_TYPES.has(code) ? primitiveSchema(code) : refTo(code)
  const words = [documentation, binding === undefined ? undefined : `Value set: ${binding.valueSet}.`]
  return {
    description: words.filter((one) => one !== undefined).join(' '),
    ...object({ name: { const: name }, [key]: value }, ['name', key]),
  }
}
