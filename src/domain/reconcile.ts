/** An authority's own list of plans beside what the register holds of it: where the two have drifted apart (register.md R2, R8, R15, R17). Pure; changes nothing. */
import type { LondonDay, NhsNumber, PlanType } from './brands.ts'
import { daysWithoutNumber, isChased } from './daily-events.ts'
import { addDays, daysBetween } from './london-day.ts'
import type { PlanFacts } from './plan.ts'
import type { Token } from './upload/draft.ts'
import { shownUntil } from './visibility.ts'

/** A plan as the authority's list has it ("there"). */
export interface ListedPlan {
  /** Where it stands in the list: `Bundle.entry[n]` or `line n`. */
  readonly place: string
  readonly identifiers: readonly Token[]
  readonly type: PlanType
  readonly start: LondonDay
  readonly end?: LondonDay
  readonly withdrawn: boolean
  /** Absent when the list does not name the child by a number: then numbers are not compared. */
  readonly nhsNumber?: NhsNumber
}

/** A plan as the register has it ("here"). */
export interface HeldPlan extends PlanFacts {
  readonly identifiers: readonly Token[]
  /** Instant of the first filing. */
  readonly filedAt?: string
}

/** An element that is not the same here and there; absent where it says nothing. */
export interface Difference {
  readonly element: 'type' | 'start' | 'end' | 'nhs-number' | 'withdrawn'
  readonly here?: string
  readonly there?: string
}

export interface Reconciliation {
  /** In the list, not in the register, and the NHS ought to see it today or later. */
  readonly missingHere: readonly ListedPlan[]
  /** In the register, not in the list, and the NHS sees it, will see it, or it waits for its number. */
  readonly missingThere: readonly HeldPlan[]
  readonly different: readonly {
    readonly listed: ListedPlan
    readonly held: HeldPlan
    readonly differences: readonly Difference[]
  }[]
  /** Live plans without an NHS number, with the days for which the number has been outstanding; longest first. */
  readonly parked: readonly { readonly held: HeldPlan; readonly days: number }[]
  /** Live plans whose last day is today or within 30 days; soonest first. */
  readonly endingSoon: readonly { readonly held: HeldPlan; readonly days: number }[]
  /** In both, and the same. */
  readonly same: number
  /** Second and further mentions of one plan in the list. */
  readonly repeated: readonly ListedPlan[]
}

/** A plan that ends within so many days ends soon. */
export const ENDING_SOON_DAYS = 30

/** Compares the whole list with all plans that the register holds of that authority; plans are matched by any identifier of theirs. */
export function reconcile(list: readonly ListedPlan[], held: readonly HeldPlan[], today: LondonDay): Reconciliation {
  const byToken = indexByToken(held)
  const seen = new Set<HeldPlan | string>()
  const repeated: ListedPlan[] = []
  const missingHere: ListedPlan[] = []
  const different: { listed: ListedPlan; held: HeldPlan; differences: readonly Difference[] }[] = []
  let same = 0
  for (const listed of list) {
    const match = listed.identifiers.map((one) => byToken.get(keyOf(one))).find((one) => one !== undefined)
    const marks = [...(match === undefined ? [] : [match]), ...listed.identifiers.map(keyOf)]
    const isRepeated = marks.some((one) => seen.has(one))
    for (const mark of marks) seen.add(mark)
    if (isRepeated) repeated.push(listed)
    else if (match === undefined) {
      if (!listed.withdrawn && !isOver(listed, today)) missingHere.push(listed)
    } else {
      const differences = compare(match, listed)
      if (differences.length === 0) same += 1
      else different.push({ listed, held: match, differences })
    }
  }
  return {
    missingHere,
    missingThere: held.filter((plan) => !seen.has(plan) && !plan.withdrawn && !isOver(plan, today)).sort(byStart),
    different,
    parked: findParked(held, today),
    endingSoon: findEndingSoon(held, today),
    same,
    repeated,
  }
}

/** Whether list and register say the same of every plan; what waits or ends is no drift. Pure. */
export function hasDrift(
  found: Pick<Reconciliation, 'missingHere' | 'missingThere' | 'different' | 'repeated'>,
): boolean {
  const { missingHere, missingThere, different, repeated } = found
  return missingHere.length + missingThere.length + different.length + repeated.length > 0
}

const keyOf = (token: Token): string => JSON.stringify([token.system ?? '', token.value ?? ''])

/** A live plan before a withdrawn one that freed its identifier (R15). */
function indexByToken(held: readonly HeldPlan[]): ReadonlyMap<string, HeldPlan> {
  const index = new Map<string, HeldPlan>()
  for (const plan of [...held.filter((one) => !one.withdrawn), ...held.filter((one) => one.withdrawn)])
    for (const key of plan.identifiers.map(keyOf)) if (!index.has(key)) index.set(key, plan)
  return index
}

/** No day is left on which R2 shows it. */
function isOver(plan: Pick<ListedPlan, 'end'>, today: LondonDay): boolean {
  const until = shownUntil(plan)
  return until !== undefined && today > until
}

/** A withdrawn plan says nothing more than that. */
function compare(held: HeldPlan, listed: ListedPlan): readonly Difference[] {
  if (held.withdrawn && listed.withdrawn) return []
  if (held.withdrawn !== listed.withdrawn)
    return [{ element: 'withdrawn', here: yesOrNo(held.withdrawn), there: yesOrNo(listed.withdrawn) }]
  return [
    ...differing('type', held.type, listed.type),
    ...differing('start', held.start, listed.start),
    ...differing('end', held.end, listed.end),
    ...(listed.nhsNumber === undefined ? [] : differing('nhs-number', held.nhsNumber, listed.nhsNumber)),
  ]
}

function differing(
  element: Difference['element'],
  here: string | undefined,
  there: string | undefined,
): readonly Difference[] {
  if (here === there) return []
  return [{ element, ...(here === undefined ? {} : { here }), ...(there === undefined ? {} : { there }) }]
}

const yesOrNo = (value: boolean): string => (value ? 'yes' : 'no')

function findParked(held: readonly HeldPlan[], today: LondonDay): Reconciliation['parked'] {
  return held
    .filter((plan) => isChased(plan, today))
    .map((plan) => ({ held: plan, days: plan.filedAt === undefined ? 0 : daysWithoutNumber(plan.filedAt, today) }))
    .sort((a, b) => b.days - a.days || byStart(a.held, b.held))
}

function findEndingSoon(held: readonly HeldPlan[], today: LondonDay): Reconciliation['endingSoon'] {
  const last = addDays(today, ENDING_SOON_DAYS)
  return held
    .flatMap((plan) => {
      const { end } = plan
      const isSoon = end !== undefined && !plan.withdrawn && end >= today && end <= last
      return isSoon ? [{ held: plan, days: daysBetween(today, end) }] : []
    })
    .sort((a, b) => a.days - b.days || byStart(a.held, b.held))
}

/** Then by the authority's own identifier, so that two comparisons of the same say the same in the same order. */
function byStart(a: HeldPlan, b: HeldPlan): number {
  const [one, other] = [a, b].map((plan) => `${plan.start} ${plan.identifiers[0]?.value ?? ''} ${plan.id}`)
  return one === other ? 0 : (one ?? '') < (other ?? '') ? -1 : 1
}
