/** What a new London day changes of one stored plan (register.md R12, R14): the status of the plan and of its Flag, as new versions by the server itself. What the NHS sees never waits for it. */
import type { EpisodeOfCare } from '@medplum/fhirtypes'
import type { AuditRecord } from '../domain/audit-record.ts'
import { londonDayOf } from '../domain/london-day.ts'
import { buildFlag } from '../domain/upload/build-flag.ts'
import { statusOn } from '../domain/visibility.ts'
import type { OwnedType, Row, Unit } from '../store/store.ts'
import type { WriteFacts } from './write/change.ts'
import { dueAtOnce } from './write/due-at-once.ts'
import { planFactsOf, withTurn } from './write/plan-facts.ts'
import { flagFactsOf, flagIdOf, flagIndexOf } from './write/plan-flag.ts'
import { nextVersion } from './write/workspace.ts'

export interface TurnFacts {
  readonly at: Date
  /** Gives the same id for the same parts. */
  readonly keyedId: (parts: readonly string[]) => string
}

type Facts = Pick<WriteFacts, 'at' | 'owner' | 'today'> & Pick<TurnFacts, 'keyedId'>

/**
 * Brings one plan and its Flag to the day of `at`: new versions only where the day changes a status, with one audit record
 * of the server. The plan is read again, so what another process or the authority did meanwhile stands, and doing it twice
 * does nothing. Writes in the transaction it is given.
 */
export async function turnPlan(unit: Unit, seen: Row<'EpisodeOfCare'>, { at, keyedId }: TurnFacts): Promise<void> {
  if (seen.owner === 'directory') return
  const facts = { at, keyedId, owner: seen.owner, today: londonDayOf(at) }
  const plan = await unit.of(facts.owner, 'EpisodeOfCare').find(seen.id)
  if (plan?.resource === undefined || plan.index.turnsOn === undefined || plan.index.turnsOn > facts.today) return
  const flag = await unit.of(facts.owner, 'Flag').find(flagIdOf(plan))
  const written = [
    ...(await writePlan(unit, { plan, resource: plan.resource }, facts)),
    ...(await writeFlag(unit, { plan, flag }, facts)),
  ]
  if (written.length > 0) await unit.appendAudit(auditOf(written, facts))
}

async function writePlan(
  unit: Unit,
  { plan, resource }: { readonly plan: Row<'EpisodeOfCare'>; readonly resource: EpisodeOfCare },
  facts: Facts,
): Promise<readonly Row<OwnedType>[]> {
  const known = planFactsOf(plan, facts.owner)
  const status = statusOn(known, facts.today)
  if (status === resource.status) {
    await unit.reindex('EpisodeOfCare', plan.id, withTurn(plan, known, facts.today).index)
    return []
  }
  const next = nextVersion<'EpisodeOfCare'>(
    { facts },
    {
      type: 'EpisodeOfCare',
      id: plan.id,
      method: 'PUT',
      before: plan,
      resource: { ...resource, status },
      index: { ...plan.index, status },
    },
  )
  const after = withTurn(next, known, facts.today)
  await unit.put(after)
  // of a birth before its start; a new number is told at 08:00
  const events = dueAtOnce({ before: plan, after }, facts).filter(({ topic }) => topic === 'baby-born')
  await unit.appendEvents(events)
  return [next]
}

async function writeFlag(
  unit: Unit,
  { plan, flag }: { readonly plan: Row<'EpisodeOfCare'>; readonly flag: Row<'Flag'> | undefined },
  facts: Facts,
): Promise<readonly Row<OwnedType>[]> {
  const due = buildFlag(flagFactsOf(plan, facts.owner, flag?.resource), facts.today)
  const { id: _id, ...resource } = due
  if (flag?.resource?.status === resource.status) return []
  const next = nextVersion<'Flag'>(
    { facts },
    {
      type: 'Flag',
      id: flagIdOf(plan),
      method: flag === undefined ? 'POST' : 'PUT',
      before: flag,
      resource,
      index: flagIndexOf(plan, due),
    },
  )
  await unit.put(next)
  return [next]
}

/** The server is its own caller; the authority reads it as it reads what it wrote itself. */
function auditOf(written: readonly Row<OwnedType>[], { at, owner, keyedId }: Facts): AuditRecord {
  const entities = written.map(({ type, id, version }) => ({ type, id, version, owner }))
  const id = keyedId(['turn-of-day', ...entities.map((one) => `${one.type}/${one.id}/${one.version}`)])
  const nhsNumber = written.map((row) => row.index.nhsNumber).find((one) => one !== undefined)
  return {
    id,
    recorded: at.toISOString(),
    interaction: 'update',
    action: 'U',
    outcome: '0',
    status: 200,
    codes: [],
    route: 'EpisodeOfCare/[id]',
    requestId: id,
    caller: { kind: 'server', clientId: '', tokenId: '' },
    ...(nhsNumber === undefined ? {} : { nhsNumber }),
    entities,
    authorities: [owner],
  }
}
