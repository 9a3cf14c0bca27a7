/** A comparison → the Parameters of $reconcile, as its OperationDefinition says. */
import type { Parameters, ParametersParameter } from '@medplum/fhirtypes'
import type { LondonDay, PlanType } from '../../domain/brands.ts'
import { PLAN_TYPES } from '../../domain/plan.ts'
import type { Difference, HeldPlan, ListedPlan, Reconciliation } from '../../domain/reconcile.ts'
import type { Token } from '../../domain/upload/draft.ts'
import { SYSTEM } from '../../fhir/canonicals.ts'
import { catalogueRow } from '../../fhir/catalogue.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'
import type { Unreadable } from '../reconcile.ts'

export interface ReconcileFacts {
  readonly found: Reconciliation
  readonly unreadable: readonly Unreadable[]
  /** Entries of the list. */
  readonly listed: number
  /** Plans in the register, withdrawn and old ones included. */
  readonly held: number
  readonly today: LondonDay
}

type Part = ParametersParameter

/** Pure. */
export function buildReconcileAnswer({ found, unreadable, listed, held, today }: ReconcileFacts): Parameters {
  const repeated = found.repeated.map((one) => ({ place: one.place, issues: [repeatedIssue(one.place)] }))
  const faults = [...unreadable, ...repeated]
  const count = (name: string, valueInteger: number): Part => ({ name, valueInteger })
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'day', valueDate: today },
      {
        name: 'counts',
        part: [
          count('listed', listed),
          count('held', held),
          count('same', found.same),
          count('missing-here', found.missingHere.length),
          count('missing-there', found.missingThere.length),
          count('different', found.different.length),
          count('parked', found.parked.length),
          count('ending-soon', found.endingSoon.length),
          count('unreadable', faults.length),
        ],
      },
      ...found.missingHere.map((plan) => ({ name: 'missing-here', part: [...listedParts(plan), ...datesOf(plan)] })),
      ...found.missingThere.map((plan) => ({ name: 'missing-there', part: [...heldParts(plan), ...datesOf(plan)] })),
      ...found.different.map((one) => ({
        name: 'different',
        part: [...heldParts(one.held), place(one.listed.place), ...one.differences.map(differencePart)],
      })),
      ...found.parked.map(({ held: plan, days }) => ({
        name: 'parked',
        part: [...heldParts(plan), ...datesOf(plan), count('days', days)],
      })),
      ...found.endingSoon.map(({ held: plan, days }) => ({
        name: 'ending-soon',
        part: [...heldParts(plan), ...datesOf(plan), count('days', days)],
      })),
      ...faults.map((one) => ({ name: 'unreadable', part: [place(one.place), ...one.issues.map(issuePart)] })),
    ],
  }
}

function repeatedIssue(at: string): Issue {
  return issue('DUPLICATE_IDENTIFIER', at, 'The list names this plan more than once. Only the first was compared.')
}

const place = (valueString: string): Part => ({ name: 'place', valueString })

function listedParts(plan: ListedPlan): readonly Part[] {
  return [...planPart(plan.identifiers), place(plan.place)]
}

function heldParts(plan: HeldPlan): readonly Part[] {
  return [
    ...planPart(plan.identifiers),
    { name: 'resource', valueReference: { reference: `EpisodeOfCare/${plan.id}`, type: 'EpisodeOfCare' } },
  ]
}

/** The authority's own identifier: by it the two are matched. */
function planPart([first]: readonly Token[]): readonly Part[] {
  if (first?.value === undefined) return []
  const { system, value } = first
  return [{ name: 'plan', valueIdentifier: { ...(system === undefined ? {} : { system }), value } }]
}

function datesOf(plan: { readonly type: PlanType; readonly start: string; readonly end?: string }): readonly Part[] {
  return [
    { name: 'type', valueCoding: { system: SYSTEM.snomed, ...PLAN_TYPES[plan.type] } },
    { name: 'start', valueDate: plan.start },
    ...(plan.end === undefined ? [] : [{ name: 'end', valueDate: plan.end }]),
  ]
}

/** A type is told by its code, as it is filed. */
function differencePart({ element, here, there }: Difference): Part {
  const said = (name: string, value: string | undefined): readonly Part[] =>
    value === undefined ? [] : [{ name, valueString: value }]
  return {
    name: 'difference',
    part: [{ name: 'element', valueCode: element }, ...said('here', here), ...said('there', there)],
  }
}

function issuePart(one: Issue): Part {
  return {
    name: 'issue',
    part: [
      { name: 'code', valueCode: one.code },
      { name: 'text', valueString: one.text ?? catalogueRow(one.code).meaning },
      ...(one.expression === undefined ? [] : [{ name: 'expression', valueString: one.expression }]),
    ],
  }
}
