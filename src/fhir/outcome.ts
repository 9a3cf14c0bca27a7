/** Issues as values and their OperationOutcome (R4 operationoutcome.html; interface.md "Errors"). */
import type { Coding, OperationOutcome, OperationOutcomeIssue } from '@medplum/fhirtypes'
import { SYSTEM } from './canonicals.ts'
import { CATALOGUE, type CatalogueCode, catalogueRow, ISSUE_KIND } from './catalogue.ts'

/** One thing to say: a code of the catalogue, the place (FHIRPath) where there is one, and words of its own where the catalogue's are not enough. Never holds a value of a patient. */
export interface Issue {
  readonly code: CatalogueCode
  readonly expression?: string
  readonly text?: string
}

/** Makes an Issue; text replaces the catalogue's words. Pure. */
export function issue(code: CatalogueCode, expression?: string, text?: string): Issue {
  return { code, ...(expression === undefined ? {} : { expression }), ...(text === undefined ? {} : { text }) }
}

export function isError(one: Issue): boolean {
  return CATALOGUE[one.code].severity === 'error'
}

/** The same issue seen from outside: `Patient.name` inside `Bundle.entry[2].resource` becomes `Bundle.entry[2].resource.name`. Pure. */
export function underPlace(place: string, one: Issue): Issue {
  if (one.expression === undefined) return { ...one, expression: place }
  const dot = one.expression.indexOf('.')
  return { ...one, expression: dot === -1 ? place : place + one.expression.slice(dot) }
}

/** OperationOutcome of some issues, errors first, else in the order given. An empty list says SUCCESS. Pure. */
export function buildOutcome(issues: readonly Issue[]): OperationOutcome {
  const all = issues.length === 0 ? [issue('SUCCESS')] : issues
  const errorsFirst = [...all.filter(isError), ...all.filter((one) => !isError(one))]
  return { resourceType: 'OperationOutcome', issue: errorsFirst.map(renderIssue) }
}

function renderIssue(one: Issue): OperationOutcomeIssue {
  const row = catalogueRow(one.code)
  const coding: Coding[] = [{ system: SYSTEM.error, code: one.code }]
  if (row.national !== undefined) coding.push({ system: SYSTEM.spineError, code: row.national })
  return {
    severity: row.severity,
    code:
      row.severity === 'error'
        ? ISSUE_KIND[row.kind].issueType
        : row.severity === 'warning'
          ? 'business-rule'
          : 'informational',
    details: { coding, text: one.text ?? row.meaning },
    ...(one.expression === undefined ? {} : { expression: [one.expression] }),
  }
}
