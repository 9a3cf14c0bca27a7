/** Whom a plan is about: its Patient in this LA, by urn:uuid, literal, conditional or logical reference (R11, R14a; R4 references.html). */
import type { ResourceId } from '../../domain/brands.ts'
import type { Issue } from '../../fhir/outcome.ts'
import { issue } from '../../fhir/outcome.ts'
import type { Criterion, Row } from '../../store/store.ts'
import { parseId } from '../owned-rows.ts'
import { parseCondition } from '../search/condition.ts'
import type { Draft } from './change.ts'
import { patientBrought, rowAfter, type Workspace } from './workspace.ts'

type PlanDraft = Extract<Draft, { kind: 'EpisodeOfCare' }>

const PLACE = 'EpisodeOfCare.patient.reference'

/** The Patient row that the plan means; nothing when it names a child that has no Patient here; an issue when a reference leads nowhere. */
export async function resolvePatient(
  work: Workspace,
  draft: PlanDraft,
): Promise<{ readonly patient?: Row<'Patient'> } | { readonly issue: Issue }> {
  const { patientReference } = draft
  if (patientReference === undefined) return maybe(await byIdentifier(work, draft))
  if (patientReference.startsWith('Patient?')) return byCondition(work, patientReference)
  const brought = work.byFullUrl.get(patientReference)
  // a Patient of this request that is itself at fault is reported there, not here again
  if (brought?.change.type === 'Patient' && brought.change.draft === undefined) return {}
  const id = idOf(work, patientReference)
  const patient = id === undefined ? undefined : await rowAfter(work, 'Patient', id)
  if (patient === undefined || patient.deleted) return { issue: issue('INVALID_REFERENCE', PLACE) }
  return { patient }
}

function maybe(patient: Row<'Patient'> | undefined): { readonly patient?: Row<'Patient'> } {
  return patient === undefined ? {} : { patient }
}

function idOf(work: Workspace, reference: string): ResourceId | undefined {
  const target = work.byFullUrl.get(reference)
  if (target !== undefined) return target.change.type === 'Patient' ? target.id : undefined
  const base = `${work.facts.fhirBase}/`
  const relative = reference.startsWith(base) ? reference.slice(base.length) : reference
  return relative.startsWith('Patient/') ? parseId(relative.slice('Patient/'.length)) : undefined
}

async function byCondition(
  work: Workspace,
  reference: string,
): Promise<{ readonly patient: Row<'Patient'> } | { readonly issue: Issue }> {
  const { owner, fhirBase, numberRange } = work.facts
  const parsed = parseCondition(reference, { type: 'Patient', fhirBase, numberRange, authority: owner })
  if ('issue' in parsed) return { issue: { ...parsed.issue, expression: PLACE } }
  const found = await work.unit.of(owner, 'Patient').search({ criteria: parsed.criteria, limit: 2 })
  const [only] = found
  if (found.length > 1) return { issue: issue('MULTIPLE_MATCHES', PLACE) }
  return only === undefined ? { issue: issue('INVALID_REFERENCE', PLACE) } : { patient: only }
}

/** A logical reference need not resolve; what this request brings counts before what is stored. */
async function byIdentifier(work: Workspace, draft: PlanDraft): Promise<Row<'Patient'> | undefined> {
  const criterion = criterionOf(draft)
  if (criterion === undefined) return undefined
  const under = { nhsNumber: draft.nhsNumber, token: draft.patientIdentifier }
  const brought = patientBrought(work, under, (row) => !row.deleted && isMeant(row, draft))
  if (brought !== undefined) return brought
  const [only, second] = await work.unit.of(work.facts.owner, 'Patient').search({ criteria: [criterion], limit: 2 })
  return second === undefined ? only : undefined
}

function criterionOf(draft: PlanDraft): Criterion | undefined {
  if (draft.nhsNumber !== undefined) return { field: 'nhsNumber', anyOf: [draft.nhsNumber] }
  const { patientIdentifier } = draft
  if (patientIdentifier?.value === undefined) return undefined
  return { field: 'identifier', tokens: [patientIdentifier] }
}

function isMeant(row: Row<'Patient'>, draft: PlanDraft): boolean {
  if (draft.nhsNumber !== undefined) return row.index.nhsNumber === draft.nhsNumber
  const { patientIdentifier } = draft
  return row.index.identifiers.some(
    (one) => one.system === patientIdentifier?.system && one.value === patientIdentifier?.value,
  )
}
