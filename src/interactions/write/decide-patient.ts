/** A Patient as it would be, and what that does to its plans (R6, R8, R14a, R15). */
import { checkBirthDate, checkNumberKept, checkNumbersAgree } from '../../domain/upload/completeness.ts'
import { isSameContent } from '../../domain/upload/same-content.ts'
import { SYSTEM } from '../../fhir/canonicals.ts'
import { type Issue, isError, issue } from '../../fhir/outcome.ts'
import type { LockKey, Row, RowIndex, Token } from '../../store/store.ts'
import type { Draft } from './change.ts'
import { namingLocks } from './naming-locks.ts'
import { indexWithNotices } from './number-facts.ts'
import { indexWithPatient, ownNumberOf, planFactsOf } from './plan-facts.ts'
import { refuseSecondHolder } from './resolve-target.ts'
import { nextVersion, pendingOf, say, setPending, type Target, type Workspace } from './workspace.ts'

type PatientDraft = Extract<Draft, { kind: 'Patient' }>

/** Notes the Patient's next state and re-reads the facts of its plans; refuses what would hide a child. */
export async function decidePatient(work: Workspace, target: Target, draft: PatientDraft): Promise<void> {
  const { change, before } = target
  const patientBefore = before as Row<'Patient'> | undefined
  const isSame = patientBefore?.resource !== undefined && isSameContent(patientBefore.resource, draft.resource)
  if (target.how === 'held' && !isSame) return say(work, change, issue('DUPLICATE_IDENTIFIER', 'Patient.identifier'))
  await lockChild(work, target, draft)
  await refuseSecondHolder(work, target)
  const after = nextVersion<'Patient'>(work, {
    type: 'Patient',
    id: target.id,
    method: change.method === 'POST' ? 'POST' : 'PUT',
    before,
    resource: draft.resource,
    index: indexOf(draft),
  })
  if (isSame && patientBefore !== undefined) {
    setPending(work, { before: patientBefore, after: patientBefore, rewritten: false })
    return
  }
  setPending(work, { ...(before === undefined ? {} : { before }), after, rewritten: true })
  for (const plan of await plansToLink(work, after)) await relinkPlan(work, target, { plan, patient: after })
}

async function lockChild(work: Workspace, target: Target, draft: PatientDraft): Promise<void> {
  const { owner } = work.facts
  const numbers = [draft.nhsNumber, target.before?.index.nhsNumber].filter((one) => one !== undefined)
  await work.unit.lock([
    { kind: 'patient', owner, patientId: target.id },
    ...namingLocks(work, ownTokens(draft.identifiers)),
    ...[...new Set(numbers)].flatMap((nhsNumber): LockKey[] => [
      { kind: 'child', owner, nhsNumber },
      { kind: 'number', nhsNumber },
    ]),
  ])
}

function indexOf(draft: PatientDraft): RowIndex {
  return {
    identifiers: draft.identifiers,
    unique: draft.unique,
    ...(draft.nhsNumber === undefined ? {} : { nhsNumber: draft.nhsNumber }),
    ...(draft.birthDate === undefined ? {} : { birthDate: draft.birthDate }),
  }
}

/** Plans that refer to this Patient, and plans of its number that refer to none. */
async function plansToLink(work: Workspace, patient: Row<'Patient'>): Promise<readonly Row<'EpisodeOfCare'>[]> {
  const rows = work.unit.of(work.facts.owner, 'EpisodeOfCare')
  const linked = await rows.search({ criteria: [{ field: 'patientId', anyOf: [patient.id] }], limit: MOST_PLANS })
  const waiting = await plansWaiting(work, patient)
  if (patient.index.nhsNumber === undefined) return [...linked, ...waiting]
  const named = await rows.search({
    criteria: [
      { field: 'nhsNumber', anyOf: [patient.index.nhsNumber] },
      { field: 'patientId', missing: true },
    ],
    limit: MOST_PLANS,
  })
  return [...linked, ...named, ...waiting]
}

/** Plans that name this Patient by an identifier of the authority's own and had none to refer to (R8). An identifier that two Patients share names neither. */
async function plansWaiting(work: Workspace, patient: Row<'Patient'>): Promise<readonly Row<'EpisodeOfCare'>[]> {
  const { owner } = work.facts
  const found = await work.unit.plansNaming(owner, ownTokens(patient.index.identifiers))
  const meant: Row<'EpisodeOfCare'>[] = []
  for (const plan of found) {
    if (plan.index.patientToken === undefined) continue
    const criteria = [{ field: 'identifier' as const, tokens: [plan.index.patientToken] }]
    const holders = await work.unit.of(owner, 'Patient').search({ criteria, limit: 2 })
    if (holders.every(({ id }) => id === patient.id)) meant.push(plan)
  }
  return meant
}

const ownTokens = (tokens: readonly Token[]): readonly Token[] =>
  tokens.filter(({ system }) => system !== SYSTEM.nhsNumber)

/** Far more plans than one LA can hold for one child. */
const MOST_PLANS = 500

async function relinkPlan(
  work: Workspace,
  target: Target,
  pair: { plan: Row<'EpisodeOfCare'>; patient: Row<'Patient'> },
): Promise<void> {
  const { plan, patient } = pair
  const indexed = await indexWithNotices(work.unit, indexWithPatient(plan, patient, work.facts.numberRange), plan)
  say(work, target.change, ...indexed.issues.map((one) => ({ ...one, expression: 'Patient.identifier' })))
  const after: Row<'EpisodeOfCare'> = { ...plan, index: indexed.index }
  const faults = findFaults(work, { before: plan, after, patient })
  say(work, target.change, ...faults)
  if (faults.length === 0 && pendingOf(work, 'EpisodeOfCare', plan.id) === undefined)
    setPending(work, { before: plan, after, rewritten: false })
}

/** What the Patient's change would do wrong to a plan, with places in the Patient. */
function findFaults(
  work: Workspace,
  rows: { before: Row<'EpisodeOfCare'>; after: Row<'EpisodeOfCare'>; patient: Row<'Patient'> },
): readonly Issue[] {
  const { today, owner, numberRange } = work.facts
  const before = planFactsOf(rows.before, owner)
  const after = planFactsOf(rows.after, owner)
  const ofNumber = [
    ...checkNumbersAgree(ownNumberOf(rows.before, numberRange), rows.patient.index.nhsNumber),
    ...checkNumberKept(before, after, today),
  ]
  const ofBirth = checkBirthDate(after, after.birthDate, today).filter(isError)
  return [
    ...ofNumber.map((one) => ({ ...one, expression: 'Patient.identifier' })),
    ...ofBirth.map((one) => ({ ...one, expression: 'Patient.birthDate' })),
  ]
}
