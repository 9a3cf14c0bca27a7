/** Answers of a row: the successes of R4 http.html for its interaction, and the refusals with the codes of the catalogue that have their status. */
import { CATALOGUE, type CatalogueCode, catalogueRow, ISSUE_KIND } from '../../fhir/catalogue.ts'
import { type JsonSchema, refTo } from '../../fhir/json-schema.ts'
import { exampleAnswersOf, refusalExamplesOf } from './examples.ts'
import { component, definitionOf, FHIR_JSON_TYPE, type Material, type OpenApiRow, type Part } from './openapi-types.ts'
import { answerSchemaOf, pageNameOf } from './type-schemas.ts'

const MIRRORED = ['X-Request-ID', 'X-Correlation-ID']
const VERSIONED = ['ETag', 'Last-Modified']

/** `#/components/headers`. */
export const ANSWER_HEADERS: Readonly<Record<string, Part>> = {
  'X-Request-ID': { description: 'As sent, or made by the server.', schema: { type: 'string', format: 'uuid' } },
  'X-Correlation-ID': { description: 'As sent.', schema: { type: 'string', format: 'uuid' } },
  ETag: { description: 'The version.', schema: { type: 'string', examples: ['W/"1"'] } },
  'Last-Modified': { description: 'When this version was made.', schema: { type: 'string' } },
  Location: { description: '`[base]/[type]/[id]/_history/[version]`.', schema: { type: 'string' } },
  Allow: { description: 'The methods that are offered.', schema: { type: 'string' } },
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'string' } },
  'WWW-Authenticate': { description: 'Bearer.', schema: { type: 'string' } },
}

const HEADERS_OF: Readonly<Record<number, readonly string[]>> = {
  401: ['WWW-Authenticate'],
  405: ['Allow'],
  429: ['Retry-After'],
  503: ['Retry-After'],
}

const ERROR_CODES = (Object.keys(CATALOGUE) as CatalogueCode[]).filter(
  (code) => catalogueRow(code).severity === 'error',
)
const ERRORS_BY_STATUS = Map.groupBy(ERROR_CODES, (code) => ISSUE_KIND[catalogueRow(code).kind].status as number)

/** `#/components/responses`: one for each status of the catalogue, with all its codes and what to do. Disk I/O for the examples. */
export function errorResponses(): Readonly<Record<string, Part>> {
  return Object.fromEntries(
    [...ERRORS_BY_STATUS].map(([status, codes]) => [`error-${status}`, errorResponse(status, codes)]),
  )
}

function errorResponse(status: number, codes: readonly CatalogueCode[]): Part {
  const meanings = codes.map((code) => `- \`${code}\`: ${catalogueRow(code).meaning}`)
  return {
    description: ['An OperationOutcome with one or more of:', '', ...meanings].join('\n'),
    headers: headerRefs([...MIRRORED, ...(HEADERS_OF[status] ?? [])]),
    content: fhirContent(refTo('OperationOutcome'), refusalExamplesOf(status)),
  }
}

/** Status → answer, for a row. Pure. */
export function answersOf(row: OpenApiRow, material: Material): Readonly<Record<string, Part>> {
  const refused = refusalsOf(row).filter((status) => ERRORS_BY_STATUS.has(status))
  const successes = successesOf(row, material).map((one): [number, Part] => [one.status, successResponse(one, row)])
  return Object.fromEntries([
    ...successes,
    ...refused.map((status): [number, Part] => [status, component('responses', `error-${status}`)]),
  ])
}

interface Success {
  readonly status: number
  readonly words: string
  readonly schema?: JsonSchema
  readonly headers?: readonly string[]
}

function successResponse({ status, words, schema, headers = [] }: Success, row: OpenApiRow): Part {
  const examples = exampleAnswersOf(row, status)
  return {
    description: words,
    headers: headerRefs([...MIRRORED, ...headers]),
    ...(schema === undefined ? {} : { content: fhirContent(schema, examples) }),
  }
}

/** What a row answers when all is well; how it is shaped for the interaction. */
function successesOf(row: OpenApiRow, material: Material): readonly Success[] {
  const { interaction, type = '' } = row
  const one = answerSchemaOf(type)
  const versioned = row.public === true || type === 'AuditEvent' ? [] : VERSIONED
  switch (interaction) {
    case 'read':
      return [
        { status: 200, words: 'The resource as it is now.', schema: one, headers: versioned },
        ...(versioned.length === 0
          ? []
          : [{ status: 304, words: 'It is still the version that you have.', headers: VERSIONED }]),
      ]
    case 'vread':
      return [{ status: 200, words: 'The resource as it was.', schema: one, headers: VERSIONED }]
    case 'history-instance':
    case 'history-type':
      return [{ status: 200, words: 'A page of versions, newest first.', schema: refTo(pageNameOf(type, 'history')) }]
    case 'search-type':
      return [{ status: 200, words: 'A page of matches.', schema: refTo(pageNameOf(type, 'searchset')) }]
    case 'create':
      return [
        written(201, 'Created. The body is as Prefer asked; with nothing asked, the resource.', one),
        written(200, 'It was there already: the same content, or the one match of If-None-Exist.', one),
      ]
    case 'update':
      return [
        written(200, 'Updated, or unchanged: the same content makes no new version.', one),
        ...(row.path === type ? [written(201, 'Nothing matched: created.', one)] : []),
      ]
    case 'patch':
      return [written(200, 'Patched.', one)]
    case 'delete':
      return [{ status: 204, words: 'Deleted, or there was nothing to delete.' }]
    case 'transaction':
    case 'batch':
      return [{ status: 200, words: 'What became of each entry, in its order.', schema: refTo('Bundle-upload-answer') }]
    case 'capabilities':
      return [{ status: 200, words: 'What this server offers.', schema: refTo('CapabilityStatement') }]
    case 'operation':
      return [operationSuccess(row, material)]
  }
}

function written(status: number, words: string, resource: JsonSchema): Success {
  const schema = {
    anyOf: [...(Array.isArray(resource['anyOf']) ? resource['anyOf'] : [resource]), refTo('OperationOutcome')],
  }
  return { status, words, schema, headers: ['Location', ...VERSIONED] }
}

/** Operations whose Bundle has a schema of its own. */
const ANSWERED_BY: Readonly<Record<string, string>> = {
  'cpis-check': 'Bundle-check-answer',
  events: 'Bundle-notification',
}

/** One result named `return` is the body itself (R4 operations.html#response); else the results stand in Parameters. */
function operationSuccess(row: OpenApiRow, material: Material): Success {
  if (row.operation === 'validate') {
    return {
      status: 200,
      words: 'All that would be said, even when it is not valid.',
      schema: refTo('OperationOutcome'),
    }
  }
  const [out, another] = definitionOf(row, material)?.parameter?.filter((one) => one.use === 'out') ?? []
  if (out === undefined) return { status: 200, words: 'The result.', schema: refTo('AnyResource') }
  if (out.name !== 'return' || another !== undefined) {
    return { status: 200, words: 'The results, as the OperationDefinition names them.', schema: refTo('Parameters') }
  }
  const isOutcome = out.type === 'OperationOutcome'
  const schema = ANSWERED_BY[row.operation ?? ''] ?? (isOutcome ? 'OperationOutcome' : 'AnyResource')
  return { status: 200, words: out.documentation ?? 'The result.', schema: refTo(schema) }
}

const ALWAYS = [400, 406, 500, 503]
const GUARDED = [401, 403, 429]

function refusalsOf(row: OpenApiRow): readonly number[] {
  const guarded = row.public === true ? [] : GUARDED
  const withBody = row.body === 'none' ? [] : [413, 415]
  return [...new Set([...ALWAYS, ...guarded, ...withBody, ...ownRefusals(row)])].sort((a, b) => a - b)
}

function ownRefusals({ interaction, public: isPublic, operation, path }: OpenApiRow): readonly number[] {
  switch (interaction) {
    case 'read':
      return isPublic === true ? [404] : [404, 410]
    case 'vread':
    case 'history-instance':
      return [404, 410]
    case 'create':
      return [409, 412, 422]
    case 'update':
      return [405, 409, 410, 412, 422]
    case 'patch':
      return [404, 409, 410, 412, 422]
    case 'delete':
      return [404, 409, 412]
    case 'transaction':
    case 'batch':
      return [404, 405, 409, 410, 412, 422]
    case 'operation':
      if (operation === 'validate') return []
      return path.includes('[id]') ? [404, 409, 410, 422] : [404, 409, 422]
    default:
      return []
  }
}

function headerRefs(names: readonly string[]): Part {
  return Object.fromEntries(names.map((name) => [name, component('headers', name)]))
}

function fhirContent(schema: JsonSchema, examples: Part = {}): Part {
  return { [FHIR_JSON_TYPE]: { schema, ...(Object.keys(examples).length === 0 ? {} : { examples }) } }
}
