/** An access of a child (R18 to R22): its incident, the history line, and the events to every LA with a visible plan. */
import { type Access, authoritiesOf, SHOWN_ACCESSES } from '../../domain/access-history.ts'
import type { ChildKey, NhsNumber } from '../../domain/brands.ts'
import { buildAccessEvents, noteOpened, type RegisterEvent } from '../../domain/events.ts'
import { decideAccess as decideIncident } from '../../domain/incident.ts'
import type { PlanFacts } from '../../domain/plan.ts'
import type { ChildState, Unit } from '../../store/store.ts'
import type { Check } from '../cpis-check.ts'

export interface DecidedAccess {
  readonly childKey: ChildKey
  /** The number that was asked for. */
  readonly asked: NhsNumber
  readonly made: Access
  /** The accesses before this one, newest first. */
  readonly before: readonly Access[]
  readonly events: readonly RegisterEvent[]
  readonly state: ChildState
}

/** What a hit makes of the child's incident and history. The child is locked first, so that simultaneous checks get one incident with distinct legs. */
export async function decideAccess(
  unit: Unit,
  check: Check,
  found: { readonly plans: readonly PlanFacts[]; readonly childKey: ChildKey },
): Promise<DecidedAccess> {
  const { childKey, plans } = found
  const { request, context, asked, auditId } = check
  const { state, carried } = decideIncident(await unit.lockChild(childKey), request.at, keyed(check, 'incident'))
  let count = 0
  const events = buildAccessEvents({
    plans,
    incident: state.incident,
    carried,
    setting: asked.setting.code,
    auditId,
    at: request.at,
    today: request.today,
    // the same ids when the transaction runs again
    newId: () => context.store.keyedId(['event', auditId, String(count++)]),
  })
  return {
    childKey,
    asked: asked.nhsNumber,
    made: buildAccess(check, plans, carried),
    before: await unit.accesses(childKey, { limit: SHOWN_ACCESSES }),
    events,
    state: { ...state, incident: noteOpened(state.incident, events) },
  }
}

/** Writes the access: the child's state, the history line and the events. The audit record must stand already: a repeated check collides on it and on nothing else. */
export async function writeAccess(unit: Unit, access: DecidedAccess): Promise<void> {
  const { childKey, asked, made, events, state } = access
  await unit.saveChild(childKey, state)
  await unit.appendAccess({ childKey, asked }, made)
  await unit.appendEvents(events)
}

function keyed(check: Check, what: string): string {
  return check.context.store.keyedId([what, check.auditId])
}

function buildAccess(check: Check, plans: readonly PlanFacts[], incident: Access['incident']): Access {
  const { request, caller, asked, auditId } = check
  return {
    id: auditId,
    at: request.at.toISOString(),
    user: caller.user,
    organization: caller.organization,
    ...(asked.site === undefined ? {} : { site: asked.site }),
    setting: asked.setting.code,
    incident,
    authorities: authoritiesOf(plans),
  }
}
