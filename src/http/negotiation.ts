/** Which media types are taken and given (R4 http.html "Content Types and encodings"): JSON only, by Content-Type, Accept, _format and _pretty. */
import { fhirError } from '../fhir/fhir-error.ts'
import type { BodyKind } from './route-table.ts'
import type { Parameter } from './target.ts'

/** What is answered, always. */
export const FHIR_JSON = 'application/fhir+json; charset=utf-8'

const JSON_TYPES = new Set(['application/fhir+json', 'application/json', 'text/json', 'json'])
/** One resource a line (FHIR Bulk Data); both names are in use. */
const NDJSON_TYPES = ['application/fhir+ndjson', 'application/ndjson']
const JSON_RANGES = new Set([...JSON_TYPES, '*/*', 'application/*', 'text/*'])
const FHIR_VERSIONS = new Set(['4.0', '4.0.1'])
const CHARSETS = new Set(['utf-8', 'utf8', 'us-ascii'])

const TAKEN: Record<Exclude<BodyKind, 'none'>, { readonly types: ReadonlySet<string>; readonly words: string }> = {
  resource: { types: JSON_TYPES, words: 'application/fhir+json' },
  bundle: { types: JSON_TYPES, words: 'application/fhir+json' },
  list: { types: new Set([...JSON_TYPES, ...NDJSON_TYPES]), words: 'application/fhir+json or application/fhir+ndjson' },
  form: {
    types: new Set(['application/x-www-form-urlencoded']),
    words: 'application/x-www-form-urlencoded',
  },
  patch: { types: new Set(['application/json-patch+json']), words: 'application/json-patch+json' },
}

interface MediaType {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
}

/** Refuses a body of another media type, charset, FHIR version or encoding with UNSUPPORTED_MEDIA. Pure. */
export function checkContentType(kind: Exclude<BodyKind, 'none'>, header: string | undefined, encoding?: string): void {
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw fhirError('UNSUPPORTED_MEDIA', undefined, 'Send the body without Content-Encoding.')
  }
  const taken = TAKEN[kind]
  const sent = header === undefined ? undefined : parseMediaType(header)
  if (sent === undefined || !taken.types.has(sent.type) || !isOurs(sent)) {
    throw fhirError('UNSUPPORTED_MEDIA', undefined, `Send Content-Type ${taken.words} in UTF-8.`)
  }
}

/** Whether a Content-Type says that each line is a resource of its own. Pure. */
export function isNdjson(header: string | undefined): boolean {
  return header !== undefined && NDJSON_TYPES.includes(parseMediaType(header).type)
}

/** Refuses with NOT_ACCEPTABLE a caller that takes no JSON of R4; `_format` stands above Accept. Pure. */
export function checkAccept(accept: string | undefined, parameters: readonly Parameter[]): void {
  const format = parameters.find(([name]) => name === '_format')?.[1]
  // An unescaped + of `application/fhir+json` arrives as a space
  const wanted = format === undefined ? accept : format.trim().replace('fhir json', 'fhir+json')
  if (wanted === undefined || wanted === FHIR_JSON || JSON_RANGES.has(wanted)) return
  const ranges = wanted.split(',').map(parseMediaType)
  if (!ranges.some((range) => JSON_RANGES.has(range.type) && isOurs(range) && !isRefused(range))) {
    throw fhirError('NOT_ACCEPTABLE')
  }
}

/** Whether `_pretty` asks for indented JSON. Throws INVALID_PARAMETER for a value that is no boolean. Pure. */
export function wantsPretty(parameters: readonly Parameter[]): boolean {
  const value = parameters.find(([name]) => name === '_pretty')?.[1]
  if (value === undefined || value === 'false') return false
  if (value === 'true') return true
  throw fhirError('INVALID_PARAMETER', undefined, '_pretty is true or false.')
}

/** The parameters that are left for the interaction. Pure. */
export function withoutFormat(parameters: readonly Parameter[]): readonly Parameter[] {
  return parameters.filter(([name]) => name !== '_format' && name !== '_pretty')
}

/** `application/fhir+json; charset=utf-8` → lower-case type and parameters, quotes taken off. Pure. */
function parseMediaType(text: string): MediaType {
  const [type = '', ...rest] = text.split(';')
  const parameters = rest.map((one): [string, string] => {
    const [name = '', value = ''] = one.split('=')
    return [
      name.trim().toLowerCase(),
      value
        .trim()
        .replace(/^"(.*)"$/, '$1')
        .toLowerCase(),
    ]
  })
  return { type: type.trim().toLowerCase(), parameters: new Map(parameters) }
}

function isOurs({ parameters }: MediaType): boolean {
  const charset = parameters.get('charset')
  const version = parameters.get('fhirversion')
  return (charset === undefined || CHARSETS.has(charset)) && (version === undefined || FHIR_VERSIONS.has(version))
}

function isRefused({ parameters }: MediaType): boolean {
  return Number(parameters.get('q') ?? '1') === 0
}
