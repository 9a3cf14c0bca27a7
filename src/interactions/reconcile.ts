/** EpisodeOfCare/$reconcile: an authority posts its whole list of plans and is told where the register has drifted from it (register.md R2, R8, R17; OperationDefinition reconcile). Changes nothing. */
import type { AuthorityCaller } from '../auth/caller.ts'
import type { Context } from '../context.ts'
import type { LondonDay } from '../domain/brands.ts'
import { parseListedPlan } from '../domain/parse-listed-plan.ts'
import { type HeldPlan, type ListedPlan, reconcile } from '../domain/reconcile.ts'
import { fhirError } from '../fhir/fhir-error.ts'
import { type Issue, underPlace } from '../fhir/outcome.ts'
import type { Row, Rows } from '../store/store.ts'
import type { Handler } from './interaction.ts'
import { listedEntries } from './listed-entries.ts'
import { requireAuthority, rowsFor } from './owned-rows.ts'
import { buildReconcileAnswer } from './reconcile/build-answer.ts'
import { planFactsOf } from './write/plan-facts.ts'

/** Most plans of one list. */
export const MOST_LISTED = 10_000
/** Rows of one read. */
const PAGE = 500

/** Always 200 with the whole comparison; entries that cannot be read are told with their place and do not stop the rest. Refuses only a body that is no list. Reads the plans of that authority. */
export const handleReconcile: Handler = async (request, caller, context) => {
  const authority = requireAuthority(caller)
  if (request.parameters.length > 0) throw fhirError('UNKNOWN_PARAMETER')
  const { plans, unreadable, entries } = readList(request.body, context)
  const held = await readHeld(rowsFor(context.store.read, caller, 'EpisodeOfCare'), authority)
  const found = reconcile(plans, held, request.today)
  const answer = { found, unreadable, listed: entries, held: held.length, today: request.today as LondonDay }
  return { status: 200, resource: buildReconcileAnswer(answer) }
}

/** An entry that cannot be compared. */
export interface Unreadable {
  readonly place: string
  readonly issues: readonly Issue[]
}

interface ReadList {
  readonly plans: readonly ListedPlan[]
  readonly unreadable: readonly Unreadable[]
  readonly entries: number
}

function readList(body: unknown, context: Context): ReadList {
  const facts = { numberRange: context.config.mode === 'sandbox' ? ('test' as const) : ('real' as const) }
  const plans: ListedPlan[] = []
  const unreadable: Unreadable[] = []
  const entries = listedEntries(body, MOST_LISTED)
  for (const { place, resourcePlace, value, fault } of entries) {
    const parsed = fault === undefined ? parseListedPlan(value, place, facts) : { issues: [fault] }
    if ('plan' in parsed) plans.push(parsed.plan)
    else unreadable.push({ place, issues: parsed.issues.map((one) => underPlace(resourcePlace, one)) })
  }
  return { plans, unreadable, entries: entries.length }
}

async function readHeld(rows: Rows<'EpisodeOfCare'>, { authority }: AuthorityCaller): Promise<readonly HeldPlan[]> {
  const held: HeldPlan[] = []
  for (let last: Row<'EpisodeOfCare'> | undefined; ; ) {
    const after = last === undefined ? {} : { after: [last.id, last.id] as const }
    const page = await rows.search({ criteria: [], limit: PAGE, ...after })
    held.push(...page.map((row) => heldPlan(row, authority)))
    last = page.at(-1)
    if (page.length < PAGE) return held
  }
}

function heldPlan(row: Row<'EpisodeOfCare'>, authority: AuthorityCaller['authority']): HeldPlan {
  const { identifiers, filedAt } = row.index
  return { ...planFactsOf(row, authority), identifiers, ...(filedAt === undefined ? {} : { filedAt }) }
}
