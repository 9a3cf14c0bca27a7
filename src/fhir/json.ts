/** Strict JSON at the edge (security.md "Abuse and bad input"; RFC 8259): what is refused here never becomes an object. */
import { type Fault, scanJson } from './json-scan.ts'
import { type Issue, issue } from './outcome.ts'

export interface JsonLimits {
  /** Objects and arrays inside each other; the root counts as 1. */
  readonly maxDepth: number
  /** Values of every kind: objects, arrays, strings, numbers, booleans, nulls. */
  readonly maxNodes: number
  /** A JSON Patch is an array; every other body is an object. */
  readonly root: 'object' | 'array'
}

export const JSON_LIMITS: JsonLimits = { maxDepth: 32, maxNodes: 500_000, root: 'object' }

/** The value of one JSON document, or the first thing wrong with it. */
export type StrictJson = { readonly value: unknown } | { readonly issue: Issue }

const FAULTS: Readonly<Record<Exclude<Fault['kind'], 'key' | 'deep' | 'many'>, string>> = {
  syntax: 'The body is not well-formed JSON.',
  'reserved-key': 'A key here is reserved and never taken.',
  'duplicate-key': 'A key stands twice in this object. Send it once.',
  number: 'A number here is too large or too long to be kept exactly.',
  text: 'A text here holds half a character (a lone surrogate).',
}

/**
 * Parses the bytes of a body. One leading byte order mark is dropped (RFC 8259 section 8.1 lets a parser do so).
 * Refuses, with INVALID_JSON: bytes that are not UTF-8, bad syntax, a root of another kind, duplicate keys, the keys
 * `__proto__`, `constructor` and `prototype`, numbers that a double cannot hold, lone surrogates; with UNKNOWN_ELEMENT:
 * keys that begin with `$`; with TOO_DEEP: more depth or nodes than the limits, or more than 1,000 keys in one object. Depth, nodes and keys are looked at by a
 * loop over the text before JSON.parse. Issues never quote the body. Pure.
 */
export function parseStrictJson(bytes: Uint8Array, limits: Partial<JsonLimits> = {}): StrictJson {
  const bounds = { ...JSON_LIMITS, ...limits }
  const text = decodeUtf8(bytes)
  if (text === undefined) return { issue: issue('INVALID_JSON', undefined, 'The body is not UTF-8.') }
  const fault = scanJson(text, bounds)
  if (fault !== undefined) return { issue: describe(fault) }
  return parseRoot(text, bounds.root)
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function parseRoot(text: string, root: JsonLimits['root']): StrictJson {
  try {
    const value: unknown = JSON.parse(text)
    if (Array.isArray(value) === (root === 'array') && typeof value === 'object' && value !== null) return { value }
    return { issue: issue('INVALID_JSON', undefined, `The body is not one JSON ${root}.`) }
  } catch {
    // The message of JSON.parse quotes the body, so it is not passed on.
    return { issue: issue('INVALID_JSON', undefined, FAULTS.syntax) }
  }
}

function describe(fault: Fault): Issue {
  if (fault.kind === 'deep' || fault.kind === 'many') return issue('TOO_DEEP', fault.place)
  if (fault.kind === 'key') {
    return issue('UNKNOWN_ELEMENT', fault.place, 'A key here begins with $. No element of FHIR does; remove it.')
  }
  return issue('INVALID_JSON', fault.place, FAULTS[fault.kind])
}

/** The same text for equal values whatever the order of their keys: for hashes and comparison. `undefined` members are left out. Pure. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`)
  return `{${members.join(',')}}`
}
