/** Whose use of the register stands out against others of the same job role (issue 6, 9): the median and its median absolute deviation (MAD), which a few outliers cannot move. */
import type { UserUsage } from './audit-usage.ts'

export type Measure =
  | 'checks'
  | 'miss-ratio'
  | 'out-of-hours'
  | 'organizations'
  | 'settings'
  | 'one-child'
  | 'refused'
  | 'stopped'
  | 'miss-alerts'

export interface Finding {
  readonly measure: Measure
  readonly value: number
  /** Of those compared with; absent where one alone is enough. */
  readonly median?: number
  /** What the value lies above. */
  readonly limit?: number
}

export interface UnusualUser {
  readonly usage: UserUsage
  readonly findings: readonly Finding[]
  /** Those compared with: persons of the same role, or everyone where the role has too few. */
  readonly compared: { readonly with: 'role' | 'all'; readonly users: number }
}

/** So many deviations above the median stand out. */
export const DEVIATIONS = 3.5
/** MAD × this is a standard deviation where values are spread normally. */
const MAD_SCALE = 1.4826
/** With fewer of a role, everyone is compared with. */
export const LEAST_OF_ROLE = 5
/** A ratio of fewer checks than this says nothing. */
export const LEAST_CHECKS = 20

interface Compared {
  readonly measure: Measure
  /** Undefined: not to be judged by this. */
  readonly of: (usage: UserUsage) => number | undefined
  /** Values up to this never stand out. */
  readonly floor: number
  /** The least that one deviation counts as: where all are alike, a small difference is none. */
  readonly spread: number
}

const ratio = (part: number, usage: UserUsage): number | undefined =>
  usage.checks < LEAST_CHECKS ? undefined : part / usage.checks

/** What is compared, with its floors. */
export const COMPARED: readonly Compared[] = [
  { measure: 'checks', of: ({ checks }) => checks, floor: 20, spread: 4 },
  { measure: 'miss-ratio', of: (usage) => ratio(usage.misses, usage), floor: 0.5, spread: 0.05 },
  { measure: 'out-of-hours', of: (usage) => ratio(usage.outOfHours, usage), floor: 0.5, spread: 0.1 },
  { measure: 'organizations', of: ({ organizations }) => organizations, floor: 2, spread: 0.5 },
  { measure: 'settings', of: ({ settings }) => settings, floor: 3, spread: 0.5 },
  { measure: 'one-child', of: ({ mostOfOneChild }) => mostOfOneChild, floor: 5, spread: 1 },
  { measure: 'refused', of: ({ refused }) => refused, floor: 5, spread: 1 },
]

/** Those who stand out, most findings first; the stopped and the alerted always. Pure. */
export function findUnusual(usages: readonly UserUsage[]): readonly UnusualUser[] {
  const all = peersOf(usages, 'all')
  const unusual: UnusualUser[] = []
  for (const ofRole of Map.groupBy(usages, ({ user }) => user.roleCode).values()) {
    const peers = ofRole.length < LEAST_OF_ROLE ? all : peersOf(ofRole, 'role')
    for (const usage of ofRole) {
      const findings = [...findAlerts(usage), ...findOutliers(usage, peers)]
      if (findings.length > 0) unusual.push({ usage, findings, compared: peers.compared })
    }
  }
  return unusual.sort(mostFirst)
}

interface Peers {
  readonly compared: UnusualUser['compared']
  readonly limits: readonly { readonly median: number; readonly limit: number }[]
}

function peersOf(usages: readonly UserUsage[], which: 'role' | 'all'): Peers {
  const limits = COMPARED.map(({ of, floor, spread }) => {
    const values = usages.flatMap((usage) => of(usage) ?? [])
    const median = medianOf(values)
    const deviation = medianOf(values.map((value) => Math.abs(value - median))) * MAD_SCALE
    return { median, limit: Math.max(floor, median + DEVIATIONS * Math.max(deviation, spread)) }
  })
  return { compared: { with: which, users: usages.length }, limits }
}

function findOutliers(usage: UserUsage, { limits }: Peers): Finding[] {
  return COMPARED.flatMap(({ measure, of }, at) => {
    const value = of(usage)
    const against = limits[at]
    return value === undefined || against === undefined || value <= against.limit
      ? []
      : [{ measure, value, ...against }]
  })
}

function findAlerts({ stopped, missAlerts }: UserUsage): Finding[] {
  return [
    ...(stopped > 0 ? [{ measure: 'stopped', value: stopped } as const] : []),
    ...(missAlerts > 0 ? [{ measure: 'miss-alerts', value: missAlerts } as const] : []),
  ]
}

/** The middle of these values; 0 of none. Pure. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}

function mostFirst(a: UnusualUser, b: UnusualUser): number {
  const byStops = b.usage.stopped - a.usage.stopped
  if (byStops !== 0) return byStops
  const byFindings = b.findings.length - a.findings.length
  return byFindings !== 0 ? byFindings : b.usage.checks - a.usage.checks
}

/** How it is judged, for whoever reads the report. */
export const METHOD = `Each person is compared with all others of the same job role in the period (with everyone, where fewer than ${LEAST_OF_ROLE} have the role). A value stands out when it lies above the median plus ${DEVIATIONS} times the spread (1.4826 x the median absolute deviation, with a least spread for each measure) and above a floor. Ratios are judged from ${LEAST_CHECKS} checks on. Out of hours: not Monday to Friday, 08:00 to 18:00 in London. Whoever was stopped for numbers in sequence, or alerted on for misses, is always named. To stand out is a question to ask, not a finding of wrong.`
