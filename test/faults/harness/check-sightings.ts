/** What checks and reads saw is what stood while they ran: no false "nothing known", nothing outdated, nothing half (P1; R2, R4, R16). Pure. */
import type { Operation, SeenPlan, Violation } from './operation.ts'
import { type Place, placesSeen, type Timeline } from './plan-timeline.ts'

/** Violations of every answered check and read. */
export function checkSightings(
  timelines: ReadonlyMap<string, Timeline>,
  operations: readonly Operation[],
): Violation[] {
  const byChild = Map.groupBy(timelines.values(), (one) => one.child)
  const planOfId = new Map(
    [...timelines.values()].flatMap(({ stored, plan }) => (stored === undefined ? [] : [[stored.id, plan] as const])),
  )
  const answered = operations.filter((one) => one.outcome === 'ok').sort((a, b) => a.completedAt - b.completedAt)
  const seen: Sighting[] = answered.flatMap((operation): Sighting[] => {
    if (operation.check?.plans !== undefined) {
      const shown = operation.check.plans
      return (byChild.get(operation.check.child) ?? []).map((timeline) => ({
        operation,
        timeline,
        shown: shown.find((one) => planOfId.get(one.id) === timeline.plan),
        isCheck: true,
      }))
    }
    const timeline = operation.read === undefined ? undefined : timelines.get(operation.read.plan)
    return timeline === undefined ? [] : [{ operation, timeline, shown: operation.read?.seen, isCheck: false }]
  })
  return [...seen.flatMap(checkPlace), ...checkForwards(seen), ...checkStrangers(planOfId, answered)]
}

interface Sighting {
  readonly operation: Operation
  readonly timeline: Timeline
  readonly shown: SeenPlan | undefined
  /** Withdrawn plans are hidden from checks, and shown to their authority. */
  readonly isCheck: boolean
}

function checkPlace(sighting: Sighting): Violation[] {
  const { operation, timeline, shown } = sighting
  const places = placesSeen(timeline, operation.invokedAt, operation.completedAt)
  if (places.some((place) => isAsShown(place, sighting))) return []
  const could = places.map(({ version }) => version?.value ?? 'nothing').join(' or ')
  return [
    {
      rule: shown === undefined ? 'no false "nothing known"' : 'what is shown is what stands',
      words: `${timeline.plan} was shown as ${shown?.start ?? 'nothing'}; it was ${could}`,
      operations: [operation.id],
    },
  ]
}

function isAsShown({ version }: Place, { shown, isCheck }: Sighting): boolean {
  const stands =
    version === undefined || version.value === 'deleted' || (isCheck && version.hides) ? undefined : version
  if (shown?.version !== undefined && shown.version !== stands?.version) return false
  return shown?.start === stands?.value
}

/** What was seen once is not unseen: a check that begins after another was answered sees the same or a later version. */
function checkForwards(sightings: readonly Sighting[]): Violation[] {
  const byPlan = Map.groupBy(sightings, (one) => one.timeline.plan)
  return [...byPlan.values()].flatMap((ofPlan) => {
    const done = ofPlan.flatMap((one) => {
      const place = one.shown === undefined ? undefined : placeOf(one.timeline, one.shown.start)
      return place === undefined ? [] : [{ place, completedAt: one.operation.completedAt, id: one.operation.id }]
    })
    const newest = buildNewest(done)
    return ofPlan.flatMap((one) => {
      const before = newest(one.operation.invokedAt)
      if (before === undefined) return []
      const versions = one.timeline.stored?.versions ?? []
      const isLater = versions
        .slice(before.place - 1)
        .some((version, at) => isAsShown({ place: before.place + at, version }, one))
      if (isLater) return []
      return [
        {
          rule: 'what was shown once is not unshown',
          words: `${one.timeline.plan} was shown as ${one.shown?.start ?? 'nothing'} after version ${before.place} had been`,
          operations: [before.id, one.operation.id],
        },
      ]
    })
  })
}

function placeOf(timeline: Timeline, value: string): number | undefined {
  const at = timeline.stored?.versions.findIndex((one) => one.value === value) ?? -1
  return at < 0 ? undefined : at + 1
}

interface Done {
  readonly place: number
  readonly completedAt: number
  readonly id: number
}

/** Finds the newest place that was seen by something answered before an instant. */
function buildNewest(done: readonly Done[]): (before: number) => Done | undefined {
  const rising: Done[] = []
  for (const one of done.toSorted((a, b) => a.completedAt - b.completedAt)) {
    if (one.place > (rising.at(-1)?.place ?? 0)) rising.push(one)
  }
  return (before) => rising.findLast((one) => one.completedAt < before)
}

/** A check shows plans of the child that was asked for, and no others. */
function checkStrangers(planOfId: ReadonlyMap<string, string>, answered: readonly Operation[]): Violation[] {
  return answered.flatMap((operation) =>
    (operation.check?.plans ?? [])
      .filter((one) => !planOfId.has(one.id))
      .map((one) => ({
        rule: 'what is shown is what stands',
        words: `a check showed ${one.id}, which no history has`,
        operations: [operation.id],
      })),
  )
}
