/** A plan as it would be (R6, R8, R11, R12, R14a, R15). */
import type { EpisodeOfCare } from '@medplum/fhirtypes'
import type { NhsNumber } from '../../domain/brands.ts'
import {
  checkBirthDate,
  checkNumberKept,
  checkNumberKnown,
  checkNumbersAgree,
} from '../../domain/upload/completeness.ts'
import { isSameContent } from '../../domain/upload/same-content.ts'
import { issue } from '../../fhir/outcome.ts'
import type { LockKey, Row, RowIndex } from '../../store/store.ts'
import type { Draft } from './change.ts'
import { namingLocks } from './naming-locks.ts'
import { indexWithNotices } from './number-facts.ts'
import { planFactsOf } from './plan-facts.ts'
import { resolvePatient } from './resolve-patient.ts'
import { refuseSecondHolder } from './resolve-target.ts'
import { nextVersion, say, setPending, type Target, type Workspace } from './workspace.ts'

type PlanDraft = Extract<Draft, { kind: 'EpisodeOfCare' }>

/** Notes the plan's next state, or why it cannot be. Overlaps and the Flag are looked at when all plans are known. */
export async function decidePlan(work: Workspace, target: Target, draft: PlanDraft): Promise<void> {
  const { change } = target
  const found = await resolvePatient(work, draft)
  if ('issue' in found) return say(work, change, found.issue)
  const { patient } = found
  const nhsNumber = draft.nhsNumber ?? patient?.index.nhsNumber
  const disagreement = checkNumbersAgree(draft.nhsNumber, patient?.index.nhsNumber)
  if (disagreement.length > 0) return say(work, change, ...disagreement)
  await work.unit.lock([
    ...locksOf(work, { nhsNumber, patient, before: target.before }),
    ...namingLocks(work, [waitingFor(draft, patient).patientToken]),
  ])
  const resource = withPatient(draft, patient)
  const before = target.before as Row<'EpisodeOfCare'> | undefined
  const isSame = before?.resource !== undefined && isSameContent(before.resource, resource)
  if (target.how === 'held' && !isSame)
    return say(work, change, issue('DUPLICATE_IDENTIFIER', 'EpisodeOfCare.identifier'))
  await refuseSecondHolder(work, target)
  const indexed = await indexWithNotices(work.unit, indexOf(work, target, { draft, patient, nhsNumber }), before)
  say(work, change, ...indexed.issues.map((one) => ({ ...one, expression: 'EpisodeOfCare.patient' })))
  const row = nextVersion<'EpisodeOfCare'>(work, {
    type: 'EpisodeOfCare',
    id: target.id,
    method: change.method === 'POST' ? 'POST' : change.method,
    before,
    resource,
    index: withSentAs(indexed.index, change.sentAs),
  })
  judge(work, target, row)
  const keepsVersion = isSame && before !== undefined && before.resource?.status === resource.status
  const after =
    keepsVersion && before !== undefined ? { ...before, index: withSentAs(row.index, before.index.sentAs) } : row
  setPending(work, { ...(before === undefined ? {} : { before }), after, rewritten: !keepsVersion })
}

/** Tells the content that a version was made from: only a new version is made from what is sent now. */
function withSentAs({ sentAs: _old, ...index }: RowIndex, sentAs: string | undefined): RowIndex {
  return sentAs === undefined ? index : { ...index, sentAs }
}

/** Rules on the plan's next state together with its child. */
function judge(work: Workspace, target: Target, row: Row<'EpisodeOfCare'>): void {
  const { today, owner } = work.facts
  const plan = planFactsOf(row, owner)
  const before = target.before as Row<'EpisodeOfCare'> | undefined
  const kept = before === undefined || before.deleted ? [] : checkNumberKept(planFactsOf(before, owner), plan, today)
  say(
    work,
    target.change,
    ...kept.map((one) => ({ ...one, expression: 'EpisodeOfCare.patient' })),
    ...checkBirthDate(plan, plan.birthDate, today),
    ...checkNumberKnown(plan, plan.nhsNumber, today),
  )
}

function locksOf(
  work: Workspace,
  who: { nhsNumber: NhsNumber | undefined; patient: Row<'Patient'> | undefined; before: Target['before'] },
): readonly LockKey[] {
  const { owner } = work.facts
  const numbers = new Set([who.nhsNumber, who.before?.index.nhsNumber].filter((one) => one !== undefined))
  const patients = new Set([who.patient?.id, who.before?.index.patientId].filter((one) => one !== undefined))
  return [
    ...[...patients].map((patientId) => ({ kind: 'patient' as const, owner, patientId })),
    ...[...numbers].flatMap((nhsNumber): LockKey[] => [
      { kind: 'child', owner, nhsNumber },
      { kind: 'number', nhsNumber },
    ]),
  ]
}

/** The patient reference as stored: a literal one where the Patient is here, and the identifier as sent. */
function withPatient(draft: PlanDraft, patient: Row<'Patient'> | undefined): EpisodeOfCare {
  const { identifier } = draft.resource.patient
  return {
    ...draft.resource,
    patient: {
      ...(patient === undefined ? {} : { reference: `Patient/${patient.id}` }),
      type: 'Patient',
      ...(identifier === undefined ? {} : { identifier }),
    },
  }
}

/** The identifier under which the child's Patient will find the plan, when it comes (R8). */
function waitingFor(draft: PlanDraft, patient: Row<'Patient'> | undefined): Pick<RowIndex, 'patientToken'> {
  const isNamed = patient === undefined && draft.nhsNumber === undefined && draft.patientIdentifier?.value !== undefined
  return isNamed && draft.patientIdentifier !== undefined ? { patientToken: draft.patientIdentifier } : {}
}

function indexOf(
  work: Workspace,
  target: Target,
  facts: { draft: PlanDraft; patient: Row<'Patient'> | undefined; nhsNumber: NhsNumber | undefined },
): RowIndex {
  const { draft, patient, nhsNumber } = facts
  return {
    identifiers: draft.identifiers,
    unique: draft.unique,
    status: draft.resource.status ?? 'active',
    planType: draft.type,
    start: draft.start,
    ...(draft.end === undefined ? {} : { end: draft.end }),
    withdrawn: draft.withdrawn,
    flagId: target.before?.index.flagId ?? target.change.freshFlagId,
    filedAt: target.before?.index.filedAt ?? work.facts.at.toISOString(),
    ...(target.before?.index.toldOn === undefined ? {} : { toldOn: target.before.index.toldOn }),
    ...(nhsNumber === undefined ? {} : { nhsNumber }),
    ...(patient === undefined ? {} : { patientId: patient.id }),
    ...waitingFor(draft, patient),
    ...(patient?.index.birthDate === undefined ? {} : { birthDate: patient.index.birthDate }),
    ...(draft.expectedDelivery === undefined ? {} : { expectedDelivery: draft.expectedDelivery }),
  }
}
