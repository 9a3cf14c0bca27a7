/** Whether a re-sent resource says anything new (register.md R15). */

import type { Resource } from '@medplum/fhirtypes'
import { isObject } from '../../fhir/json-object.ts'
import { isWithdrawnStatus } from './plan-dates.ts'
import { isSameToken, relativeReference, tokenOf } from './tolerant.ts'

/** Not content: the server's own, and the status, which follows from the dates (R12). */
const ASIDE: ReadonlySet<string> = new Set(['id', 'meta', 'text', 'status'])

/** Lists whose order means nothing: senders build them from sets. The order of names and of their parts is kept. */
const UNORDERED: ReadonlySet<string> = new Set(['identifier', 'extension', 'contact', 'telecom', 'coding', 'team'])

/**
 * Whether two normalised resources of one type (as parsePlan, parsePatient, parseAuthority and the store give them, their
 * references resolved) have the same content: id, meta, text and status aside, except that a withdrawn one never equals
 * one that is not. Pure.
 */
export function isSameContent(a: Resource, b: Resource): boolean {
  if (a.resourceType !== b.resourceType || isWithdrawn(a) !== isWithdrawn(b)) return false
  return isSameObject(contentOf(a), contentOf(b))
}

function isWithdrawn(resource: Resource): boolean {
  return 'status' in resource && isWithdrawnStatus(resource.status)
}

function contentOf(resource: Resource): Record<string, unknown> {
  return Object.fromEntries(Object.entries(resource).filter(([key]) => !ASIDE.has(key)))
}

function isSame(a: unknown, b: unknown, key: string): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return isSameList(a, b, key)
  if (!isObject(a) || !isObject(b)) return a === b
  return isReference(a) && isReference(b) ? isSameReference(a, b) : isSameObject(a, b)
}

function isSameObject(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  const keys = Object.keys(a).filter((key) => a[key] !== undefined)
  const others = Object.keys(b).filter((key) => b[key] !== undefined)
  return keys.length === others.length && keys.every((key) => isSame(a[key], b[key], key))
}

function isSameList(a: readonly unknown[], b: readonly unknown[], key: string): boolean {
  if (a.length !== b.length) return false
  if (!UNORDERED.has(key)) return a.every((one, at) => isSame(one, b[at], key))
  const left = [...b]
  return a.every((one) => {
    const at = left.findIndex((other) => isSame(one, other, key))
    if (at !== -1) left.splice(at, 1)
    return at !== -1
  })
}

function isReference(value: Record<string, unknown>): boolean {
  return typeof value['reference'] === 'string' || isObject(value['identifier'])
}

/** They share a literal reference or an identifier, and contradict each other in neither; display and type are no news. */
function isSameReference(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  const literal = compare(literalOf(a), literalOf(b), (one, other) => one === other)
  const logical = compare(identifierOf(a), identifierOf(b), isSameToken)
  return literal !== 'differs' && logical !== 'differs' && (literal === 'same' || logical === 'same')
}

function compare<T>(
  a: T | undefined,
  b: T | undefined,
  isEqual: (a: T, b: T) => boolean,
): 'same' | 'differs' | 'unknown' {
  if (a === undefined || b === undefined) return 'unknown'
  return isEqual(a, b) ? 'same' : 'differs'
}

function literalOf(reference: Record<string, unknown>): string | undefined {
  const literal = reference['reference']
  return typeof literal === 'string' ? relativeReference(literal, undefined) : undefined
}

function identifierOf(reference: Record<string, unknown>): ReturnType<typeof tokenOf> | undefined {
  const { identifier } = reference
  return isObject(identifier) ? tokenOf(identifier) : undefined
}
