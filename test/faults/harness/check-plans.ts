/** Nothing acknowledged is lost, bundles are all or nothing, versions have no gap and no fork (measures.md "faults"; R15, R16). Pure. */
import type { Operation, StoredPlan, Violation } from './operation.ts'
import type { KnownValue, Timeline } from './plan-timeline.ts'

/** What the history of each plan breaks of what was acknowledged. */
export function checkPlans(timelines: ReadonlyMap<string, Timeline>, operations: readonly Operation[]): Violation[] {
  return [
    ...[...timelines.values()].flatMap((one) => [
      ...checkVersions(one),
      ...checkAcknowledged(one),
      ...checkInvented(one),
      ...checkOrder(one),
    ]),
    ...checkTogether(timelines, operations),
  ]
}

/** Versions run from 1 without a gap or a fork, and what is read is the last of them. */
function checkVersions({ plan, stored }: Timeline): Violation[] {
  if (stored === undefined) return []
  const versions = stored.versions.map((one) => one.version)
  const found: Violation[] = []
  if (versions.some((version, at) => version !== at + 1)) {
    found.push({ rule: 'versions without gap or fork', words: `${plan} has versions ${versions.join(', ')}` })
  }
  const last = stored.versions.at(-1)
  const expected = last === undefined || last.value === 'deleted' ? undefined : last.version
  if (stored.current !== expected) {
    found.push({
      rule: 'what is read is the last version',
      words: `${plan} reads as version ${stored.current}, its history ends with ${last?.version} (${last?.value})`,
    })
  }
  return found
}

/** Every acknowledged value stands in the history, at the version the answer named. */
function checkAcknowledged({ plan, stored, values }: Timeline): Violation[] {
  return [...values.values()].flatMap((known) => {
    if (known.ackedAt === Number.POSITIVE_INFINITY) return []
    const at = stored?.versions.find((one) => one.value === known.value)
    if (at === undefined) return [lost(known, 'is not in its history')]
    if (at.hides !== known.hides) return [lost(known, `is ${at.hides ? '' : 'not '}hidden`)]
    const other = [...known.ackedVersions].find((version) => version !== at.version)
    return other === undefined
      ? []
      : [lost(known, `was acknowledged as version ${other} and is version ${at.version} of ${plan}`)]
  })
}

const lost = (known: KnownValue, words: string): Violation => ({
  rule: 'nothing acknowledged is lost',
  words: `${known.plan} ${known.value} ${words}`,
  operations: known.operations,
})

/** Every version was asked for, by something that was not refused, and stands there once. */
function checkInvented({ plan, stored, values }: Timeline): Violation[] {
  const seen = new Set<string>()
  return (stored?.versions ?? []).flatMap(({ value, version }) => {
    const known = values.get(value)
    const operations = known?.operations ?? []
    if (known === undefined) return [{ rule: 'nothing is invented', words: `${plan} version ${version} is ${value}` }]
    if (!known.isPossible) {
      return [{ rule: 'what was refused is not there', words: `${plan} version ${version} is ${value}`, operations }]
    }
    if (seen.has(value)) return [{ rule: 'one write, one version', words: `${plan} has ${value} twice`, operations }]
    seen.add(value)
    return []
  })
}

/** What was acknowledged before another was asked for stands before it. */
function checkOrder({ plan, stored, values }: Timeline): Violation[] {
  const inOrder = (stored?.versions ?? []).flatMap((one) => values.get(one.value) ?? [])
  const found: Violation[] = []
  let latestInvoked = Number.NEGATIVE_INFINITY
  for (const known of inOrder) {
    if (known.ackedAt < latestInvoked) {
      found.push({
        rule: 'versions in the order of their acknowledgement',
        words: `${plan}: ${known.value} was acknowledged before a version under it was asked for`,
        operations: known.operations,
      })
    }
    latestInvoked = Math.max(latestInvoked, known.invokedAt)
  }
  return found
}

/** The writes of one transaction are all there or none (R16). */
function checkTogether(timelines: ReadonlyMap<string, Timeline>, operations: readonly Operation[]): Violation[] {
  const groups = Map.groupBy(
    operations.filter((one) => one.together !== undefined),
    (one) => one.together,
  )
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    const writes = first?.writes ?? []
    const there = writes.filter(({ plan, value }) => isThere(timelines.get(plan)?.stored, value))
    if (there.length === 0 || there.length === writes.length) return []
    const missing = writes.filter((one) => !there.includes(one)).map((one) => `${one.plan} ${one.value}`)
    return [
      {
        rule: 'a transaction is all or nothing',
        words: `${there.length} of ${writes.length} are there; not ${missing.join(', ')}`,
        operations: group.map((one) => one.id),
      },
    ]
  })
}

function isThere(stored: StoredPlan | undefined, value: string): boolean {
  return stored?.versions.some((one) => one.value === value) ?? false
}
