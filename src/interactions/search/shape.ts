/** `_summary` and `_elements` (R4 search.html#summary, #elements): a resource cut down to what was asked, marked SUBSETTED. */
import type { Coding, Resource } from '@medplum/fhirtypes'
import { FhirError } from '../../fhir/fhir-error.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'
import { KEPT_BY_INVARIANT, MANDATORY_ELEMENTS, SUMMARY_ELEMENTS } from './summary-elements.ts'

export type Summary = 'true' | 'text' | 'data' | 'count' | 'false'
const SUMMARIES: readonly Summary[] = ['true', 'text', 'data', 'count', 'false']

/** What of each resource is shown; `all` by default. */
export interface Shape {
  readonly summary: Summary
  /** Top-level names; undefined: all. */
  readonly elements: readonly string[] | undefined
}

export const WHOLE: Shape = { summary: 'false', elements: undefined }

const SUBSETTED: Coding = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }

/** Adds `_summary` or `_elements` to a shape; undefined when the parameter is another one; an issue when its value is wrong. Pure. */
export function parseShape(name: string, value: string, shape: Shape): Shape | Issue | undefined {
  if (name === '_summary') {
    const summary = SUMMARIES.find((one) => one === value)
    if (summary !== undefined) return { ...shape, summary }
    return issue('INVALID_PARAMETER', undefined, '_summary must be true, text, data, count or false.')
  }
  if (name !== '_elements') return undefined
  const elements = value.split(',').map((one) => one.trim())
  const fits = elements.every((one) => /^[A-Za-z][A-Za-z0-9]{0,63}$/.test(one))
  if (fits) return { ...shape, elements }
  return issue('INVALID_PARAMETER', undefined, '_elements must be names of elements at the top, with commas between.')
}

type Parameter = readonly [name: string, value: string]

/**
 * The shape that a read asks for. Throws with every fault: UNKNOWN_PARAMETER for anything but `_summary` and `_elements`, unless
 * lenient; INVALID_PARAMETER for a wrong value, and for a count, which only a search has. Pure.
 */
export function parseReadShape(parameters: readonly Parameter[], isLenient: boolean): Shape {
  let shape = WHOLE
  const issues: Issue[] = []
  for (const [name, value] of parameters) {
    const parsed = parseShape(name, value, shape)
    if (parsed === undefined) {
      if (!isLenient) issues.push(issue('UNKNOWN_PARAMETER', undefined, 'A read takes _summary and _elements only.'))
    } else if ('code' in parsed) issues.push(parsed)
    else if (parsed.summary === 'count')
      issues.push(issue('INVALID_PARAMETER', undefined, 'Only a search has a count.'))
    else shape = parsed
  }
  if (issues.length > 0) throw new FhirError(issues)
  return shape
}

/** Cuts a resource to its shape. What is cut claims no profile: an element that the profile asks for may be missing. Pure. */
export function shapeResource(resource: Resource, shape: Shape): Resource {
  const { resourceType } = resource
  const kept = keptElements(resourceType, shape)
  if (kept === undefined) return resource
  const stays = [MANDATORY_ELEMENTS, KEPT_BY_INVARIANT].flatMap((table) => table[resourceType] ?? [])
  const names = new Set(['resourceType', 'id', ...kept, ...stays])
  const entries = Object.entries(resource).filter(([name]) => names.has(name.replace(/^_/, '')))
  const { profile: _claimed, ...meta } = resource.meta ?? {}
  return {
    ...Object.fromEntries(entries),
    meta: { ...meta, tag: [...(meta.tag ?? []), SUBSETTED] },
  } as Resource
}

function keptElements(type: string, { summary, elements }: Shape): readonly string[] | undefined {
  if (summary === 'true') return SUMMARY_ELEMENTS[type] ?? []
  if (summary === 'text') return ['text']
  // Nothing here has a narrative, so that `data` is the whole resource
  return elements
}
