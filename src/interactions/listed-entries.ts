/** A body that is a list of resources (a Bundle of type collection, or NDJSON) → its entries, each with the place where its faults stand. */

import { FhirError, fhirError } from '../fhir/fhir-error.ts'
import { isObject } from '../fhir/json-object.ts'
import { type Ndjson, tooMany } from '../fhir/ndjson.ts'
import { type Issue, issue } from '../fhir/outcome.ts'

export interface ListedEntry {
  /** `Bundle.entry[n]` or `line n`. */
  readonly place: string
  /** Before which places inside the resource stand. */
  readonly resourcePlace: string
  readonly value?: unknown
  /** A line that is no JSON. */
  readonly fault?: Issue
}

/** The entries, at most so many. Throws INVALID_BUNDLE for a body that is no list, TOO_MANY_ENTRIES. Pure. */
export function listedEntries(body: unknown, most: number): readonly ListedEntry[] {
  return isNdjson(body) ? entriesOfLines(body, most) : entriesOfBundle(body, most)
}

function isNdjson(body: unknown): body is Ndjson {
  return isObject(body) && Array.isArray(body['lines']) && body['resourceType'] === undefined
}

function entriesOfLines({ lines }: Ndjson, most: number): readonly ListedEntry[] {
  if (lines.length > most) throw new FhirError([tooMany(most)])
  return lines.map(({ line, parsed }) => {
    const place = `line ${line}`
    const at = { place, resourcePlace: place }
    return 'value' in parsed ? { ...at, value: parsed.value } : { ...at, fault: parsed.issue }
  })
}

function entriesOfBundle(body: unknown, most: number): readonly ListedEntry[] {
  if (!isObject(body) || body['resourceType'] !== 'Bundle')
    throw fhirError('INVALID_BUNDLE', undefined, 'Post a Bundle of type collection, or NDJSON, here.')
  const { type, entry = [] } = body
  const faults = [
    ...(type === 'collection' ? [] : [issue('INVALID_BUNDLE', 'Bundle.type', 'Bundle.type must be collection.')]),
    ...(Array.isArray(entry) ? [] : [issue('INVALID_BUNDLE', 'Bundle.entry')]),
    ...(Array.isArray(entry) && entry.length > most ? [tooMany(most)] : []),
  ]
  if (!Array.isArray(entry) || faults.length > 0) throw new FhirError(faults)
  return entry.map((one: unknown, at): ListedEntry => {
    const place = `Bundle.entry[${at}]`
    return { place, resourcePlace: `${place}.resource`, value: isObject(one) ? one['resource'] : undefined }
  })
}
