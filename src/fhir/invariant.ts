/** Constraints of definitions, compiled once with FHIRPath (R4 elementdefinition constraint). */
import type { ElementDefinitionConstraint } from '@medplum/fhirtypes'
import fhirpath, { type Model } from 'fhirpath'
import r4 from 'fhirpath/fhir-context/r4'

export interface Invariant {
  readonly key: string
  readonly human: string
  /** Whether a value keeps it. What cannot be evaluated counts as kept: its shape was reported already. */
  readonly isKept: (value: unknown) => boolean
}

/** Kept by the walk itself, or about contained resources and narrative, which are refused. */
const ELSEWHERE = new Set([
  'ele-1',
  'ext-1',
  'per-1',
  'ref-1',
  'dom-2',
  'dom-3',
  'dom-4',
  'dom-5',
  'dom-6',
  'txt-1',
  'txt-2',
])

/** The invariant of a constraint, or none when it is no error or kept elsewhere. Compiling costs milliseconds: only at start. */
export function compileInvariant(rule: ElementDefinitionConstraint, path: string): readonly Invariant[] {
  const { key = '', expression, human = '' } = rule
  if (rule.severity !== 'error' || expression === undefined || ELSEWHERE.has(key)) return []
  // The model of the package does not fit its own type under exactOptionalPropertyTypes.
  const evaluate = fhirpath.compile({ base: path, expression }, r4 as Model)
  return [{ key, human, isKept: (value) => isTrue(evaluate, value) }]
}

function isTrue(evaluate: (resource: unknown) => unknown, value: unknown): boolean {
  try {
    const result = evaluate(value)
    return Array.isArray(result) && result.length > 0 && result.every((one) => one === true)
  } catch {
    return true
  }
}
