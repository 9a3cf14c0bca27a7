/** JSON Patch on a resource (RFC 6902; R4 http.html#patch). What it may grow to is bounded before each operation: `copy` alone could double a resource a thousand times. */
import { isDeepStrictEqual } from 'node:util'
import type { Resource } from '@medplum/fhirtypes'
import { applyPatch, type Operation } from 'rfc6902'
import { measureJson } from './json-measure.ts'
import { type Issue, issue } from './outcome.ts'

const MOST_OPERATIONS = 1000
/** As of a body (json.ts), so that a patched resource is never more than one that could be sent. */
const MOST_DEPTH = 32
/** Values that all operations of one patch may move, copy or bring. */
const MOST_NODES = 50_000
const VALUE_OPERATIONS: ReadonlySet<unknown> = new Set(['add', 'replace', 'test'])
const MOVING_OPERATIONS: ReadonlySet<unknown> = new Set(['move', 'copy'])
/** Members of a pointer that would reach beyond the document. */
const RESERVED = /(^|\/)(__proto__|constructor|prototype)(\/|$)/
const INDEX = /^(0|[1-9]\d{0,8})$/

/**
 * The resource after all operations; the one given stays as it is. INVALID_PATCH for a body that is no JSON Patch, with
 * its place; PATCH_FAILED when an operation cannot be carried out or a test does not hold; TOO_DEEP when the resource
 * would become deeper or larger than a body may be. Pure.
 */
export function applyJsonPatch<T extends Resource>(
  resource: T,
  patch: unknown,
): { readonly resource: unknown } | { readonly issue: Issue } {
  if (!Array.isArray(patch) || patch.length > MOST_OPERATIONS) return { issue: issue('INVALID_PATCH') }
  const wrong = patch.findIndex((one) => !isOperation(one))
  if (wrong !== -1) return { issue: issue('INVALID_PATCH', `[${wrong}]`) }
  const patched = structuredClone(resource)
  let nodesLeft = MOST_NODES
  for (const [at, operation] of (patch as Operation[]).entries()) {
    const place = `[${at}]`
    const moved = findMoved(patched, operation)
    if (moved === undefined) return { issue: issue('PATCH_FAILED', place) }
    const size = measureJson(moved.value, nodesLeft)
    nodesLeft -= size.nodes
    if (nodesLeft < 0 || moved.depth + size.depth > MOST_DEPTH) return { issue: issue('TOO_DEEP', place) }
    if (!carryOut(patched, operation)) return { issue: issue('PATCH_FAILED', place) }
  }
  return { resource: patched }
}

/** Whether the operation could be done. A test is done here: the library's words for one that fails call methods of what was sent. */
function carryOut(document: object, operation: Operation): boolean {
  if (operation.op !== 'test') return applyPatch(document, [operation])[0] === null
  return isDeepStrictEqual(findValue(document, tokensOf(operation.path))?.value, operation.value)
}

interface Moved {
  /** What the operation puts at its place. */
  readonly value: unknown
  /** How deep that place is; the members of the resource are at 1. */
  readonly depth: number
}

/** What an operation would put where; undefined when a place it names is not there. */
function findMoved(document: object, operation: Operation): Moved | undefined {
  const tokens = tokensOf(operation.path)
  const depth = tokens.length
  if (operation.op === 'add') return hasRoomFor(document, tokens) ? { value: operation.value, depth } : undefined
  if (operation.op === 'move' || operation.op === 'copy') {
    const from = findValue(document, tokensOf(operation.from))
    const intoItself = operation.op === 'move' && operation.path.startsWith(`${operation.from}/`)
    return from === undefined || intoItself || !hasRoomFor(document, tokens) ? undefined : { value: from.value, depth }
  }
  if (findValue(document, tokens) === undefined) return undefined
  return { value: 'value' in operation ? operation.value : null, depth }
}

/** Whether a value may be put there: a member of an object, or a place in an array up to its end. */
function hasRoomFor(document: object, tokens: readonly string[]): boolean {
  const parent = findValue(document, tokens.slice(0, -1))?.value
  const key = tokens.at(-1) ?? ''
  if (Array.isArray(parent)) return key === '-' || (INDEX.test(key) && Number(key) <= parent.length)
  return typeof parent === 'object' && parent !== null
}

/** The value behind a pointer, by own members and indices alone: neither `length` nor what is inherited is a place (RFC 6901 section 4). */
function findValue(document: object, tokens: readonly string[]): { readonly value: unknown } | undefined {
  let value: unknown = document
  for (const token of tokens) {
    if (typeof value !== 'object' || value === null) return undefined
    if (Array.isArray(value) && !INDEX.test(token)) return undefined
    if (!Object.hasOwn(value, token)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[token]
  }
  return { value }
}

function tokensOf(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function isOperation(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { op, path, from } = value as Readonly<Record<string, unknown>>
  if (!isPointer(path)) return false
  if (VALUE_OPERATIONS.has(op)) return 'value' in value
  return MOVING_OPERATIONS.has(op) ? isPointer(from) : op === 'remove'
}

/** RFC 6901 section 3; the whole document cannot be replaced. A slash stands in one part of the pattern only: else a run of them would be tried in every way. */
function isPointer(value: unknown): boolean {
  return typeof value === 'string' && /^(\/([^~/]|~[01])*)+$/.test(value) && !RESERVED.test(value)
}
