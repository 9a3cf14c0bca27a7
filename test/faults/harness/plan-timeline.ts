/** A plan's versions beside what was asked for: when each may have begun to be seen, and from when on it must be. */
import type { Operation, PlanVersion, PlanWrite, StoredPlan } from './operation.ts'

/** What callers know of one value of a plan. */
export interface KnownValue {
  readonly plan: string
  readonly child: string
  readonly value: string
  readonly hides: boolean
  /** Earliest instant at which it was asked for. */
  invokedAt: number
  /** Earliest instant at which it was acknowledged; Infinity when it never was. */
  ackedAt: number
  /** Versions that acknowledgements named. */
  readonly ackedVersions: Set<number>
  /** Whether it may be there at all: some attempt was not refused. */
  isPossible: boolean
  readonly operations: number[]
}

export interface Timeline {
  readonly plan: string
  readonly child: string
  readonly values: ReadonlyMap<string, KnownValue>
  /** Absent when the register holds nothing of the plan. */
  readonly stored?: StoredPlan
}

/** One timeline for each plan that was ever asked for. Pure. */
export function buildTimelines(operations: readonly Operation[], plans: readonly StoredPlan[]): Map<string, Timeline> {
  const stored = new Map(plans.map((one) => [one.plan, one]))
  const values = new Map<string, Map<string, KnownValue>>()
  for (const operation of operations) {
    for (const write of operation.writes ?? []) {
      const ofPlan = values.get(write.plan) ?? new Map<string, KnownValue>()
      values.set(write.plan, ofPlan)
      ofPlan.set(write.value, addTo(ofPlan.get(write.value), write, operation))
    }
  }
  return new Map(
    [...values].map(([plan, known]) => {
      const [first] = known.values()
      const found = stored.get(plan)
      return [
        plan,
        { plan, child: first?.child ?? '', values: known, ...(found === undefined ? {} : { stored: found }) },
      ]
    }),
  )
}

function addTo(known: KnownValue | undefined, write: PlanWrite, operation: Operation): KnownValue {
  const { plan, child, value, hides } = write
  const fresh = { plan, child, value, hides, invokedAt: Number.POSITIVE_INFINITY, ackedAt: Number.POSITIVE_INFINITY }
  const so = known ?? { ...fresh, ackedVersions: new Set<number>(), isPossible: false, operations: [] }
  so.operations.push(operation.id)
  so.invokedAt = Math.min(so.invokedAt, operation.invokedAt)
  if (write.outcome !== 'fail') so.isPossible = true
  if (write.outcome === 'ok') {
    so.ackedAt = Math.min(so.ackedAt, operation.completedAt)
    if (write.version !== undefined) so.ackedVersions.add(write.version)
  }
  return so
}

/** State of a plan at a place of its history; place 0 is before it was filed. */
export interface Place {
  readonly place: number
  readonly version?: PlanVersion
}

/** The places that something which began and ended then may have seen: from the newest acknowledged before it began, to the newest asked for before it ended. Pure. */
export function placesSeen(timeline: Timeline, began: number, ended: number): readonly Place[] {
  const versions = timeline.stored?.versions ?? []
  let from = 0
  let to = 0
  for (const [at, version] of versions.entries()) {
    const known = timeline.values.get(version.value)
    if (known === undefined) continue
    if (known.ackedAt < began) from = at + 1
    if (known.invokedAt < ended) to = at + 1
  }
  const places: Place[] = []
  for (let place = from; place <= Math.max(from, to); place += 1) {
    const version = versions[place - 1]
    places.push({ place, ...(version === undefined ? {} : { version }) })
  }
  return places
}
