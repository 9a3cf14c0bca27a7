/** Fixed values, patterns and required codes (R4 elementdefinition.html). */
import { isObject } from './json-object.ts'
import type { CodeList } from './profile-tree.ts'

/** Whether two JSON values are the same in every part. Pure. */
export function isSame(value: unknown, fixed: unknown): boolean {
  if (!isObject(fixed) && !Array.isArray(fixed)) return value === fixed
  return matchesPattern(value, fixed) && matchesPattern(fixed, value)
}

/** Whether a value holds at least what a pattern holds; each item of a pattern's array must be matched by some item. Pure. */
export function matchesPattern(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(pattern)) {
    return Array.isArray(value) && pattern.every((part) => value.some((item) => matchesPattern(item, part)))
  }
  if (!isObject(pattern)) return value === pattern
  return isObject(value) && Object.entries(pattern).every(([key, part]) => matchesPattern(value[key], part))
}

/** Whether a code, Coding or CodeableConcept carries a code of the list; a bare code is looked up in every system. Pure. */
export function isCoded(value: unknown, codes: CodeList): boolean {
  if (typeof value === 'string') return [...codes.values()].some((list) => list.has(value))
  if (!isObject(value)) return false
  const { coding, system, code } = value
  if (Array.isArray(coding)) return coding.some((one) => isCoded(one, codes))
  return typeof system === 'string' && typeof code === 'string' && codes.get(system)?.has(code) === true
}
