/** The address of a request (RFC 3986) → decoded path segments and parameters; an NHS number in it is refused before anything remembers it (interface.md "REST"). */
import { fhirError } from '../fhir/fhir-error.ts'
import { FHIR_PATH } from '../interactions/fhir-base.ts'
import { holdsNumber } from '../interactions/number-in-url.ts'

export type Parameter = readonly [name: string, value: string]

export interface Target {
  /** Decoded path, absolute. */
  readonly path: string
  /** Decoded segments below the FHIR base; undefined when the path is not below it. */
  readonly segments: readonly string[] | undefined
  readonly parameters: readonly Parameter[]
}

const MOST_PARAMETERS = 1000

/** Throws NHS_NUMBER_IN_URL, unless numbers are allowed there, and INVALID_PARAMETER for an address that is not well-formed. Pure. */
export function parseTarget(url: string, mayHoldNumber: boolean): Target {
  const mark = url.indexOf('?')
  const rawPath = mark === -1 ? url : url.slice(0, mark)
  const path = decode(rawPath)
  const parameters = mark === -1 ? [] : parsePairs(url.slice(mark + 1))
  if (!mayHoldNumber && holdsNumber(url)) throw fhirError('NHS_NUMBER_IN_URL')
  return { path, segments: splitPath(rawPath)?.map(decode), parameters }
}

/** Pairs of a query string or a form, decoded, in the order sent and with duplicates (URL Standard, application/x-www-form-urlencoded). Throws INVALID_PARAMETER. Pure. */
export function parsePairs(text: string): Parameter[] {
  const pairs = text.split('&', MOST_PARAMETERS + 1).filter((one) => one !== '')
  if (pairs.length > MOST_PARAMETERS)
    throw fhirError('INVALID_PARAMETER', undefined, 'Too many parameters. Send fewer.')
  return pairs.map((pair) => {
    const equals = pair.indexOf('=')
    if (equals === -1) return [decodePart(pair), '']
    return [decodePart(pair.slice(0, equals)), decodePart(pair.slice(equals + 1))]
  })
}

/** Pairs of a form body. Throws INVALID_PARAMETER, also for bytes that are not UTF-8. Pure. */
export function parseForm(bytes: Buffer): Parameter[] {
  const text = bytes.toString('utf8')
  if (text.includes('\uFFFD')) throw fhirError('INVALID_PARAMETER', undefined, 'The form is not UTF-8.')
  return parsePairs(text)
}

/** Segments below the FHIR base, as sent; undefined when the path is not below it. One slash at the end is left aside. Pure. */
export function splitPath(url: string): string[] | undefined {
  const [path = ''] = url.split('?', 1)
  const rest = path.startsWith(FHIR_PATH) ? path.slice(FHIR_PATH.length) : undefined
  if (rest === '' || rest === '/') return []
  if (rest?.startsWith('/') !== true) return undefined
  const segments = rest.slice(1).split('/')
  if (segments.at(-1) === '') segments.pop()
  return segments
}

function decodePart(text: string): string {
  return decode(text.includes('+') ? text.replaceAll('+', ' ') : text)
}

function decode(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    throw fhirError('INVALID_PARAMETER', undefined, 'The address is not well-formed: percent-encode it as UTF-8.')
  }
}
