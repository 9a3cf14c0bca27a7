/** A deletion as it would be (R4; R14; interface.md "REST"): 410 afterwards, out of searches, history kept. */
import { issue } from '../../fhir/outcome.ts'
import type { OwnedType, Row } from '../../store/store.ts'
import { pendingOf, say, setPending, type Target, type Workspace } from './workspace.ts'

/** Notes the deletion, or why it is refused. What is not there, or is deleted already, is no fault. */
export async function decideDelete(work: Workspace, target: Target): Promise<void> {
  const { before, change } = target
  if (before === undefined || before.deleted) return
  if (change.type === 'Flag') return say(work, change, issue('FLAG_KEPT_BY_PLAN'))
  if (change.type === 'Organization') return say(work, change, issue('METHOD_NOT_ALLOWED'))
  if (change.type === 'Patient' && (await hasPlans(work, before))) return say(work, change, issue('PATIENT_HAS_PLANS'))
  setPending(work, { before, after: deletionOf(work, before), rewritten: true })
}

async function hasPlans(work: Workspace, patient: Row<OwnedType>): Promise<boolean> {
  const plans = await work.unit
    .of(work.facts.owner, 'EpisodeOfCare')
    .search({ criteria: [{ field: 'patientId', anyOf: [patient.id] }], limit: 50 })
  return plans.some((plan) => pendingOf(work, 'EpisodeOfCare', plan.id)?.after.deleted !== true)
}

/** The version that says that a row is gone. Pure. */
export function deletionOf<T extends OwnedType>(work: Workspace, before: Row<T>): Row<T> {
  const { resource: _gone, ...rest } = before
  return {
    ...rest,
    version: before.version + 1,
    lastUpdated: work.facts.at.toISOString(),
    method: 'DELETE',
    deleted: true,
    index: { ...before.index, unique: [] },
  }
}
