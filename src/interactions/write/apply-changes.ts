/** A set of changes inside one transaction, all or nothing: targets, Patients, plans, overlaps, Flags, then the writes (R10 to R16). */
import { type Issue, isError, issue } from '../../fhir/outcome.ts'
import type { OwnedType, Row, Unit } from '../../store/store.ts'
import { inTurns } from '../../turns.ts'
import type { Applied, Change, WriteFacts } from './change.ts'
import { checkOverlaps } from './check-overlaps.ts'
import { decideDelete } from './decide-delete.ts'
import { decideFlags } from './decide-flags.ts'
import { decideOrganization, decideSubscription } from './decide-others.ts'
import { decidePatient } from './decide-patient.ts'
import { decidePlan } from './decide-plan.ts'
import { dueAtOnce, withTold } from './due-at-once.ts'
import { planFactsOf, withTurn } from './plan-facts.ts'
import { resolveTarget } from './resolve-target.ts'
import { isSameIndex } from './stands-as-it-was.ts'
import { issuesOf, openWorkspace, pendingOf, say, type Target, type Workspace } from './workspace.ts'

/** Decided before the event loop is let go on. */
const CHANGES_A_TURN = 16

export type AppliedOrIssues =
  | {
      readonly applied: readonly Applied[]
      /** Whether an authority is told something of it. */
      readonly hasEvents: boolean
    }
  | { readonly issues: readonly Issue[] }

/**
 * Carries out changes of one LA, or nothing of them: then all faults, in the order of the changes, with their places.
 * Reads and writes the database; may be called again when the transaction is tried again.
 */
export async function applyChanges(
  unit: Unit,
  changes: readonly Change[],
  facts: WriteFacts,
): Promise<AppliedOrIssues> {
  const work = openWorkspace(unit, facts)
  await inTurns(changes, CHANGES_A_TURN, (change) => resolveTarget(work, change))
  refuseDoubles(work, changes)
  await decideContent(work, changes)
  await checkOverlaps(work, changes)
  await decideFlags(work, changes)
  const issues = changes.flatMap((change) => issuesOf(work, change))
  if (issues.some(isError)) return { issues: issues.filter(isError) }
  const hasEvents = await write(work)
  return { applied: changes.map((change) => appliedOf(work, change)), hasEvents }
}

/** Deletes first, then Patients, then what refers to them. */
async function decideContent(work: Workspace, changes: readonly Change[]): Promise<void> {
  const deletions = changes.filter((change) => change.method === 'DELETE')
  for (const change of deletions) await withTarget(work, change, (target) => decideDelete(work, target))
  for (const kind of ['Patient', 'EpisodeOfCare', 'Organization', 'Subscription'] as const) {
    const ofKind = changes.filter((change) => change.draft?.kind === kind)
    await inTurns(ofKind, CHANGES_A_TURN, (change) => withTarget(work, change, (target) => decideOne(work, target)))
  }
}

async function withTarget(work: Workspace, change: Change, decide: (target: Target) => Promise<void>): Promise<void> {
  const target = work.targets.get(change)
  if (target !== undefined && target.how !== 'matched') await decide(target)
}

function decideOne(work: Workspace, target: Target): Promise<void> {
  const { draft } = target.change
  switch (draft?.kind) {
    case 'Patient':
      return decidePatient(work, target, draft)
    case 'EpisodeOfCare':
      return decidePlan(work, target, draft)
    case 'Organization':
      return decideOrganization(work, target, draft)
    case 'Subscription':
      return decideSubscription(work, target, draft)
    default:
      return Promise.resolve()
  }
}

/** One resource may stand only once in a Bundle (R4 http.html#trules). */
function refuseDoubles(work: Workspace, changes: readonly Change[]): void {
  const seen = new Set<string>()
  for (const change of changes) {
    const target = work.targets.get(change)
    if (target === undefined || target.how === 'matched') continue
    const key = `${change.type}/${target.id}`
    if (seen.has(key))
      say(
        work,
        change,
        issue('INVALID_BUNDLE', undefined, 'Two entries of the Bundle mean one resource. Send it once.'),
      )
    seen.add(key)
  }
  refuseSharedIdentifiers(work, changes)
}

/** Two new plans (or Patients) with one identifier are one resource sent twice. */
function refuseSharedIdentifiers(work: Workspace, changes: readonly Change[]): void {
  const seen = new Set<string>()
  for (const change of changes) {
    if (work.targets.get(change)?.how !== 'new') continue
    for (const text of identityTexts(change)) {
      if (seen.has(text))
        say(
          work,
          change,
          issue(
            'INVALID_BUNDLE',
            `${change.type}.identifier`,
            'Two entries of the Bundle carry one identifier. Send it once.',
          ),
        )
      seen.add(text)
    }
  }
}

function identityTexts(change: Change): readonly string[] {
  const { draft } = change
  if (draft?.kind === 'Patient' && draft.nhsNumber !== undefined) return [`Patient ${draft.nhsNumber}`]
  if (draft?.kind !== 'EpisodeOfCare') return []
  return draft.identifiers.map((one) => `EpisodeOfCare ${JSON.stringify([one.system, one.value])}`)
}

/** Versions, indexes that changed without one, and what the authority is told at once: true when there is something of that. */
async function write(work: Workspace): Promise<boolean> {
  let hasEvents = false
  for (const { before, after: decided, rewritten } of work.pending.values()) {
    const { after, events } = isPlanRow(decided) ? dated(work, before, decided) : { after: decided, events: [] }
    if (rewritten) await work.unit.put(after)
    else if (before !== undefined && !isSameIndex(before, after))
      await work.unit.reindex(after.type, after.id, after.index)
    await work.unit.appendEvents(events)
    hasEvents ||= events.length > 0
  }
  return hasEvents
}

/** A plan with the days that the work of the day goes by, and what its authority is told at once. */
function dated(work: Workspace, before: Row<OwnedType> | undefined, decided: Row<'EpisodeOfCare'>) {
  const { today, owner } = work.facts
  const after = withTurn(decided, planFactsOf(decided, owner), today)
  const events = dueAtOnce({ before: isPlanRow(before) ? before : undefined, after }, work.facts)
  return { after: withTold(after, events, work.facts), events }
}

function isPlanRow(row: Row<OwnedType> | undefined): row is Row<'EpisodeOfCare'> {
  return row?.type === 'EpisodeOfCare'
}

function appliedOf(work: Workspace, change: Change): Applied {
  const target = work.targets.get(change)
  const row = target === undefined ? undefined : rowOf(work, change, target)
  const isNew = row !== undefined && pendingOf(work, row.type, row.id)?.before === undefined && target?.how === 'new'
  const issues = issuesOf(work, change)
  const isUnchanged = row !== undefined && target?.before !== undefined && row.version === target.before.version
  const remarks = isUnchanged
    ? [...issues, { ...issue('UNCHANGED'), ...(change.place === '' ? {} : { expression: change.place }) }]
    : issues
  if (change.method === 'DELETE') return { change, status: 204, issues, ...(row === undefined ? {} : { row }) }
  return { change, status: isNew ? 201 : 200, issues: remarks, ...(row === undefined ? {} : { row }) }
}

function rowOf(work: Workspace, change: Change, target: Target): Row<OwnedType> | undefined {
  const id = change.type === 'Flag' ? (work.flagOf.get(change) ?? target.id) : target.id
  return pendingOf(work, change.type, id)?.after ?? target.before
}
