/** A posted Bundle → its entries (R4 http.html#transaction): the shape of the Bundle itself, all faults with their places. */
import { isObject } from '../../fhir/json-object.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'
import type { Token } from '../../store/store.ts'

/** Most entries of one Bundle (security.md). */
export const MOST_ENTRIES = 1000
/** Longest address or condition of an entry: as much as fits the head of a request of its own. */
const MOST_URL_CHARACTERS = 16 * 1024

export interface BundleEntry {
  /** `Bundle.entry[n]` */
  readonly place: string
  readonly fullUrl?: string
  readonly method: string
  /** Relative to the base. */
  readonly url: string
  readonly ifMatch?: string
  readonly ifNoneExist?: string
  readonly ifNoneMatch?: string
  readonly ifModifiedSince?: string
  readonly resource?: unknown
}

export interface ParsedBundle {
  readonly type: 'transaction' | 'batch'
  readonly identifier?: Token
  readonly entries: readonly BundleEntry[]
}

const BUNDLE_KEYS = new Set([
  'resourceType',
  'id',
  'meta',
  'language',
  'identifier',
  'type',
  'timestamp',
  'total',
  'link',
  'entry',
])
const ENTRY_KEYS = new Set(['id', 'link', 'fullUrl', 'resource', 'request'])
const REQUEST_KEYS = new Set(['id', 'method', 'url', 'ifNoneMatch', 'ifModifiedSince', 'ifMatch', 'ifNoneExist'])

/** Entries of a transaction or batch, or every fault of the Bundle's own shape. Resources are not looked at. Pure. */
export function parseBundle(body: unknown): { readonly bundle: ParsedBundle } | { readonly issues: readonly Issue[] } {
  if (!isObject(body) || body['resourceType'] !== 'Bundle') {
    return { issues: [issue('INVALID_BUNDLE', undefined, 'Post a Bundle here.')] }
  }
  const { type, entry = [] } = body
  const issues = unknownKeys(body, BUNDLE_KEYS, 'Bundle')
  if (type !== 'transaction' && type !== 'batch')
    issues.push(issue('INVALID_BUNDLE', 'Bundle.type', 'Bundle.type must be transaction or batch.'))
  if (!Array.isArray(entry)) return { issues: [...issues, issue('INVALID_BUNDLE', 'Bundle.entry')] }
  if (entry.length > MOST_ENTRIES) return { issues: [issue('TOO_MANY_ENTRIES', 'Bundle.entry')] }
  const identifier = parseIdentifier(body['identifier'], issues)
  const entries = entry.map((one: unknown, index) => parseEntry(one, `Bundle.entry[${index}]`, issues))
  refuseRepeatedUrls(entries, issues)
  if (issues.length > 0 || (type !== 'transaction' && type !== 'batch')) return { issues }
  return { bundle: { type, entries, ...(identifier === undefined ? {} : { identifier }) } }
}

function parseIdentifier(value: unknown, issues: Issue[]): Token | undefined {
  if (value === undefined) return undefined
  if (isObject(value)) {
    const { system, value: text } = value
    const hasSystem = typeof system === 'string' && system !== ''
    if (typeof text === 'string' && text !== '') return { ...(hasSystem ? { system } : {}), value: text }
  }
  issues.push(issue('INVALID_BUNDLE', 'Bundle.identifier', 'Bundle.identifier needs a value.'))
  return undefined
}

function parseEntry(value: unknown, place: string, issues: Issue[]): BundleEntry {
  const nothing = { place, method: '', url: '' }
  if (!isObject(value)) {
    issues.push(issue('INVALID_BUNDLE', place))
    return nothing
  }
  issues.push(...unknownKeys(value, ENTRY_KEYS, place))
  const { request, fullUrl, resource } = value
  if (!isObject(request) || typeof request['method'] !== 'string' || typeof request['url'] !== 'string') {
    issues.push(issue('INVALID_BUNDLE', `${place}.request`, 'Each entry needs a request with method and url.'))
    return nothing
  }
  issues.push(...unknownKeys(request, REQUEST_KEYS, `${place}.request`))
  if (request['url'].length > MOST_URL_CHARACTERS || lengthOf(request['ifNoneExist']) > MOST_URL_CHARACTERS) {
    const text = 'The url or ifNoneExist is longer than 16 kB. Ask for less at once.'
    issues.push(issue('INVALID_BUNDLE', `${place}.request`, text))
    return nothing
  }
  if (fullUrl !== undefined && (typeof fullUrl !== 'string' || fullUrl === ''))
    issues.push(issue('INVALID_BUNDLE', `${place}.fullUrl`))
  return {
    place,
    method: request['method'],
    // what a client puts behind a base without a slash of its own means the same (P4)
    url: request['url'].replace(/^\/(?!\/)/, ''),
    ...(typeof fullUrl === 'string' ? { fullUrl } : {}),
    ...text(request, 'ifMatch'),
    ...text(request, 'ifNoneExist'),
    ...text(request, 'ifNoneMatch'),
    ...text(request, 'ifModifiedSince'),
    ...(resource === undefined ? {} : { resource }),
  }
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' ? value.length : 0
}

function text<K extends string>(from: Readonly<Record<string, unknown>>, key: K): { [P in K]?: string } {
  const value = from[key]
  return typeof value === 'string' ? ({ [key]: value } as { [P in K]?: string }) : {}
}

function refuseRepeatedUrls(entries: readonly BundleEntry[], issues: Issue[]): void {
  const seen = new Set<string>()
  for (const { fullUrl, place } of entries) {
    if (fullUrl === undefined) continue
    if (seen.has(fullUrl)) issues.push(issue('INVALID_BUNDLE', `${place}.fullUrl`, 'Two entries have one fullUrl.'))
    seen.add(fullUrl)
  }
}

function unknownKeys(value: Readonly<Record<string, unknown>>, known: ReadonlySet<string>, place: string): Issue[] {
  return Object.keys(value)
    .filter((key) => !known.has(key))
    .map((key) => issue('UNKNOWN_ELEMENT', /^[A-Za-z]\w{0,63}$/.test(key) ? `${place}.${key}` : place))
}
