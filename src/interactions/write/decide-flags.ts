/** The Flag of every plan that a transaction touches: kept by the server, one per plan (R14). */
import type { ResourceId } from '../../domain/brands.ts'
import { buildFlag } from '../../domain/upload/build-flag.ts'
import { checkFlag, type PlanOfFlag } from '../../domain/upload/check-flag.ts'
import type { FlagDraft, Token } from '../../domain/upload/draft.ts'
import { isSameContent } from '../../domain/upload/same-content.ts'
import { isSameToken } from '../../domain/upload/tolerant.ts'
import { SYSTEM } from '../../fhir/canonicals.ts'
import { issue } from '../../fhir/outcome.ts'
import type { Row } from '../../store/store.ts'
import { inTurns } from '../../turns.ts'
import { parseId } from '../owned-rows.ts'
import type { Change } from './change.ts'
import { deletionOf } from './decide-delete.ts'
import { planFactsOf } from './plan-facts.ts'
import { flagFactsOf, flagIdOf, flagIndexOf } from './plan-flag.ts'
import { findHolder } from './resolve-target.ts'
import { standsAsItWas } from './stands-as-it-was.ts'
import { nextVersion, pendingOf, pendingRows, rowAfter, say, setPending, type Workspace } from './workspace.ts'

/** Decided before the event loop is let go on. */
const FLAGS_A_TURN = 16

interface Brought {
  readonly change: Change
  readonly flag: FlagDraft
}

/** Notes the Flags that are due, and what the brought ones get wrong. Run when all plans are decided. */
export async function decideFlags(work: Workspace, changes: readonly Change[]): Promise<void> {
  const brought = await assignToPlans(work, changes)
  for (const planId of brought.keys()) await touchPlan(work, planId)
  await inTurns(pendingRows(work, 'EpisodeOfCare'), FLAGS_A_TURN, async (plan) => {
    const flag = brought.get(plan.id)
    if (flag !== undefined || !standsAsItWas(work, plan)) await decideFlag(work, plan, flag)
  })
}

/** Which plan each brought Flag signals; a Flag without a plan of this LA is refused. */
async function assignToPlans(work: Workspace, changes: readonly Change[]): Promise<ReadonlyMap<ResourceId, Brought>> {
  const brought = new Map<ResourceId, Brought>()
  for (const change of changes) {
    if (change.draft?.kind !== 'Flag') continue
    const planId = await planIdOf(work, change, change.draft)
    if (planId === undefined)
      say(
        work,
        change,
        issue('INVALID_REFERENCE', `Flag.extension`, 'The Flag names no plan that your authority filed (flag-detail).'),
      )
    else if (brought.has(planId))
      say(work, change, issue('INVALID_BUNDLE', 'Flag.extension', 'Two Flags of one plan. Send one.'))
    else brought.set(planId, { change, flag: change.draft })
  }
  return brought
}

async function planIdOf(work: Workspace, change: Change, flag: FlagDraft): Promise<ResourceId | undefined> {
  const target = work.targets.get(change)
  const plan = await findPlan(work, flag)
  if (plan === undefined || plan.deleted) return undefined
  if (target?.how === 'update' && target.id !== plan.index.flagId) {
    say(work, change, issue('FLAG_DISAGREES', 'Flag.extension', 'A Flag stays with its plan.'))
  }
  return plan.id
}

async function findPlan(work: Workspace, flag: FlagDraft): Promise<Row<'EpisodeOfCare'> | undefined> {
  const { planReference, planIdentifier } = flag
  if (planReference !== undefined) {
    const id = work.byFullUrl.get(planReference)?.id ?? parseId(planReference.replace(/^EpisodeOfCare\//, ''))
    return id === undefined ? undefined : rowAfter(work, 'EpisodeOfCare', id)
  }
  if (planIdentifier === undefined) return undefined
  const brought = pendingRows(work, 'EpisodeOfCare').find((row) =>
    row.index.unique.some((one) => isSameToken(one, planIdentifier)),
  )
  const held = brought ?? (await findHolder(work, 'EpisodeOfCare', [planIdentifier]))
  return held === undefined ? undefined : rowAfter(work, 'EpisodeOfCare', held.id)
}

async function touchPlan(work: Workspace, planId: ResourceId): Promise<void> {
  if (pendingOf(work, 'EpisodeOfCare', planId) !== undefined) return
  const plan = await work.unit.of(work.facts.owner, 'EpisodeOfCare').find(planId)
  if (plan !== undefined) setPending(work, { before: plan, after: plan, rewritten: false })
}

async function decideFlag(work: Workspace, plan: Row<'EpisodeOfCare'>, brought: Brought | undefined): Promise<void> {
  const { today } = work.facts
  const before = await flagBefore(work, plan)
  if (plan.deleted) return deleteFlag(work, before)
  if (brought !== undefined) {
    work.flagOf.set(brought.change, flagIdOf(plan))
    say(work, brought.change, ...checkFlag(brought.flag.resource, await planOfFlag(work, plan), today))
  }
  const flag = buildFlag(flagFactsOf(plan, work.facts.owner, brought?.flag.resource ?? before?.resource), today)
  const index = flagIndexOf(plan, flag)
  if (
    before?.resource !== undefined &&
    isSameContent(before.resource, flag) &&
    before.resource.status === flag.status
  ) {
    return setPending(work, { before, after: { ...before, index }, rewritten: false })
  }
  const method = before === undefined ? 'POST' : 'PUT'
  const { id: _id, ...resource } = flag
  const after = nextVersion<'Flag'>(work, { type: 'Flag', id: flagIdOf(plan), method, before, resource, index })
  setPending(work, { ...(before === undefined ? {} : { before }), after, rewritten: true })
}

async function flagBefore(work: Workspace, plan: Row<'EpisodeOfCare'>): Promise<Row<'Flag'> | undefined> {
  const isNewPlan = pendingOf(work, 'EpisodeOfCare', plan.id)?.before === undefined
  return isNewPlan ? undefined : work.unit.of(work.facts.owner, 'Flag').find(flagIdOf(plan))
}

/** What a brought Flag may call its plan and whom it is about. */
async function planOfFlag(work: Workspace, plan: Row<'EpisodeOfCare'>): Promise<PlanOfFlag> {
  const { patientId, nhsNumber } = plan.index
  const patient = patientId === undefined ? undefined : await rowAfter(work, 'Patient', patientId)
  const named = plan.resource?.patient.identifier
  const ofPlan: Token[] =
    named === undefined
      ? []
      : [
          {
            ...(named.system === undefined ? {} : { system: named.system }),
            ...(named.value === undefined ? {} : { value: named.value }),
          },
        ]
  const ofNumber: Token[] = nhsNumber === undefined ? [] : [{ system: SYSTEM.nhsNumber, value: nhsNumber }]
  return {
    ...planFactsOf(plan, work.facts.owner),
    references: [`EpisodeOfCare/${plan.id}`, ...urlsOf(work, plan.id)],
    identifiers: plan.index.identifiers,
    patientReferences: patientId === undefined ? [] : [`Patient/${patientId}`, ...urlsOf(work, patientId)],
    patientIdentifiers: [...ofPlan, ...ofNumber, ...(patient?.index.identifiers ?? [])],
  }
}

/** The fullUrls by which this Bundle calls a resource. */
function urlsOf(work: Workspace, id: ResourceId): readonly string[] {
  return [...work.byFullUrl].filter(([, target]) => target.id === id).map(([url]) => url)
}

function deleteFlag(work: Workspace, before: Row<'Flag'> | undefined): void {
  if (before === undefined || before.deleted) return
  setPending(work, { before, after: deletionOf(work, before), rewritten: true })
}
