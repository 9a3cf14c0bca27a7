/** Reads parts of a resource whose shape may still be wrong, so that rules and profile report all faults at once (R16): a part of another shape counts as absent here, and the profile check names it. */

import type { Identifier, Reference } from '@medplum/fhirtypes'
import { isObject } from '../../fhir/json-object.ts'
import type { Token } from './draft.ts'

/** The objects of a list; empty for anything that is no list. Places keep their index. Pure. */
export function listOf<T extends object>(
  value: readonly T[] | undefined,
): readonly { readonly at: number; readonly item: T }[] {
  if (!Array.isArray(value)) return []
  return value.map((item: T, at) => ({ at, item })).filter(({ item }) => isObject(item))
}

/** The text, or undefined for anything that is none. Pure. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Literal and logical part of a reference. Pure. */
export function partsOf(reference: Reference | undefined): {
  readonly literal?: string
  readonly identifier?: Identifier
} {
  if (!isObject(reference)) return {}
  const literal = textOf(reference.reference)
  const { identifier } = reference
  return { ...(literal === undefined ? {} : { literal }), ...(isObject(identifier) ? { identifier } : {}) }
}

/** System and value of an identifier. Pure. */
export function tokenOf(identifier: Identifier): Token {
  const system = textOf(identifier.system)
  const value = textOf(identifier.value)
  return { ...(system === undefined ? {} : { system }), ...(value === undefined ? {} : { value }) }
}

export function isSameToken(a: Token, b: Token): boolean {
  return a.system === b.system && a.value === b.value
}

const OWN_VERSION = /\/_history\/[^/]+$/

/** A literal reference without this server's base and without a version: `Patient/x`. Pure. */
export function relativeReference(literal: string, fhirBase: string | undefined): string {
  const prefix = fhirBase === undefined ? undefined : `${fhirBase}/`
  const local = prefix !== undefined && literal.startsWith(prefix) ? literal.slice(prefix.length) : literal
  return local.replace(OWN_VERSION, '')
}

/** Whether a literal reference can be resolved to that type: `Type/id`, a Bundle entry, or a condition. Pure. */
export function isResolvable(literal: string, type: string): boolean {
  const [, kind, rest] = /^([A-Za-z]+)([/?].+)$/.exec(literal) ?? []
  if (kind === undefined || rest === undefined) return /^urn:(uuid|oid):\S+$/.test(literal)
  return kind === type && (rest.startsWith('?') || /^\/[A-Za-z0-9.-]{1,64}$/.test(rest))
}
