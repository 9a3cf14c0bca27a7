/** Request headers of a row (interface.md "REST", "$cpis-check") as OpenAPI parameters; Accept, Content-Type and Authorization are said elsewhere, as OpenAPI asks. */
import { component, type OpenApiRow, type Part } from './openapi-types.ts'

const UUID = { type: 'string', format: 'uuid' }
const header = (name: string, description: string, schema: Part, isRequired = false): Part => ({
  name,
  in: 'header',
  description,
  schema,
  ...(isRequired ? { required: true } : {}),
})

/** `#/components/parameters` that are headers. */
export const HEADER_PARAMETERS: Readonly<Record<string, Part>> = {
  'X-Request-ID': header(
    'X-Request-ID',
    'A UUID of the caller, mirrored in the answer and written to the audit; made by the server when absent.',
    UUID,
  ),
  'X-Request-ID-required': header(
    'X-Request-ID',
    'A new UUID for each new question, and the same one when a question is repeated after a timeout: it is the key of repetition.',
    UUID,
    true,
  ),
  'X-Correlation-ID': header('X-Correlation-ID', 'A UUID that several requests share; mirrored.', UUID),
  Prefer: header(
    'Prefer',
    '`return=minimal`, `return=representation` (default) or `return=OperationOutcome`; `handling=strict` (default) refuses unknown parameters, `handling=lenient` leaves them out.',
    { type: 'string', examples: ['return=minimal', 'handling=lenient'] },
  ),
  'If-Match': header('If-Match', 'The version that is to be changed, as in ETag: 412 when it is another by now.', {
    type: 'string',
    examples: ['W/"1"'],
  }),
  'If-None-Match': header('If-None-Match', 'A version that is known already, as in ETag: 304 when it is the current.', {
    type: 'string',
    examples: ['W/"1"'],
  }),
  'If-Modified-Since': header('If-Modified-Since', '304 when it has not changed since.', {
    type: 'string',
    examples: ['Sun, 03 May 2026 11:00:00 GMT'],
  }),
  'If-None-Exist': header(
    'If-None-Exist',
    'Search parameters: created only when nothing of the caller’s authority matches; one match answers 200, more 412. An NHS number may stand here.',
    { type: 'string', examples: ['identifier=https://council.example/plans|CP-2026-0417'] },
  ),
}

/** References to the headers that a row takes. Pure. */
export function headersOf(row: OpenApiRow): Part[] {
  const isCheck = row.operation === 'cpis-check'
  const names = [isCheck ? 'X-Request-ID-required' : 'X-Request-ID', 'X-Correlation-ID', ...conditionsOf(row)]
  return names.map((name) => component('parameters', name))
}

function conditionsOf({ interaction, type, path, public: isPublic }: OpenApiRow): readonly string[] {
  switch (interaction) {
    case 'read':
      return isPublic || type === 'AuditEvent' ? [] : ['If-None-Match', 'If-Modified-Since']
    case 'create':
      return ['If-None-Exist', 'Prefer']
    case 'update':
    case 'patch':
      return ['If-Match', 'Prefer']
    case 'delete':
      return path === type ? [] : ['If-Match']
    case 'search-type':
    case 'transaction':
      return ['Prefer']
    default:
      return []
  }
}
