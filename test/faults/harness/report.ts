/** What a run is told as: what was done, how it ended, how long the register took to be there again, and what it broke. Pure. */
import type { FaultRecord, History, Operation, Violation } from './operation.ts'

export interface Report {
  readonly seed: number
  readonly topology: string
  readonly workers: number
  readonly seconds: number
  /** Faults by name; those that could not be run, with the reason. */
  readonly faults: Readonly<Record<string, number>>
  readonly notRun: Readonly<Record<string, string>>
  readonly operations: number
  /** `check ok` → how many. */
  readonly outcomes: Readonly<Record<string, number>>
  readonly statuses: Readonly<Record<string, number>>
  readonly unknown: number
  readonly slowestAnswerMs: number
  readonly recoveryMs: { readonly p50: number; readonly max: number }
  readonly plans: number
  readonly versions: number
  readonly audits: number
  readonly events: number
  readonly delivered: number
  readonly waiting: number
  readonly notifications: number
  /** Lines of error level in the server's log. */
  readonly errorLines: number
  readonly violations: readonly Violation[]
}

export interface RunFacts {
  readonly seed: number
  readonly topology: string
  readonly workers: number
  readonly seconds: number
  readonly notRun: Readonly<Record<string, string>>
  readonly errorLines: number
}

/** Counts and times of a run, with its violations. */
export function buildReport(history: History, violations: readonly Violation[], facts: RunFacts): Report {
  const { operations, faults, aftermath } = history
  const asked = new Set(operations.flatMap((one) => (one.writes ?? []).map((write) => write.plan)))
  const plans = aftermath.plans.filter((one) => asked.has(one.plan))
  return {
    ...facts,
    faults: countBy(faults, (one) => one.name),
    operations: operations.length,
    outcomes: countBy(operations, (one) => `${one.kind} ${one.outcome}`),
    statuses: countBy(operations, (one) => String(one.status ?? one.broke)),
    unknown: operations.filter((one) => one.outcome === 'unknown').length,
    slowestAnswerMs: Math.round(operations.reduce((most, one) => Math.max(most, durationOf(one)), 0)),
    recoveryMs: recoveryOf(faults),
    plans: plans.length,
    versions: plans.reduce((sum, one) => sum + one.versions.length, 0),
    audits: aftermath.audits.length,
    events: aftermath.events.length,
    delivered: aftermath.deliveries.filter((one) => one.state === 'delivered').length,
    waiting: aftermath.deliveries.filter((one) => one.state === 'waiting').length,
    notifications: aftermath.subscriptions.reduce((sum, one) => sum + one.told.length, 0),
    violations,
  }
}

const durationOf = ({ completedAt, invokedAt }: Operation): number => completedAt - invokedAt

function countBy<T>(from: readonly T[], name: (one: T) => string): Record<string, number> {
  const groups = [...Map.groupBy(from, name)].map(([key, same]) => [key, same.length] as const)
  return Object.fromEntries(groups.sort(([a], [b]) => a.localeCompare(b)))
}

function recoveryOf(faults: readonly FaultRecord[]): Report['recoveryMs'] {
  const times = faults.flatMap(({ healedAt, recoveredAt }) =>
    recoveredAt === undefined ? [] : [recoveredAt - healedAt],
  )
  const sorted = times.map(Math.round).sort((a, b) => a - b)
  return { p50: sorted[Math.floor((sorted.length - 1) / 2)] ?? 0, max: sorted.at(-1) ?? 0 }
}

/** Lines for a person. */
export function reportLines(report: Report): readonly string[] {
  const { violations, outcomes, statuses } = report
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')
  return [
    `seed ${report.seed}, ${report.topology}, ${report.workers} server process${report.workers === 1 ? '' : 'es'}, ${report.seconds} s`,
    `faults        ${list(report.faults)}`,
    ...Object.entries(report.notRun).map(([name, why]) => `NOT RUN       ${name}: ${why}`),
    `operations    ${report.operations}: ${list(outcomes)}`,
    `answers       ${list(statuses)}; slowest ${report.slowestAnswerMs} ms`,
    `unknown       ${report.unknown} attempts of which nobody heard how they ended`,
    `recovery      p50 ${report.recoveryMs.p50} ms, longest ${report.recoveryMs.max} ms from healing to the next answered check`,
    `holds         ${report.plans} plans in ${report.versions} versions, ${report.audits} audit records, ${report.events} events`,
    `told          ${report.delivered} numbers delivered by ${report.notifications} notifications, ${report.waiting} waiting`,
    `server log    ${report.errorLines} lines of error level`,
    `violations    ${violations.length}`,
    ...violations
      .slice(0, MOST_SHOWN)
      .map(
        ({ rule, words, operations = [] }) =>
          `  ${rule}: ${words}${operations.length === 0 ? '' : ` [operations ${operations.slice(0, 8).join(', ')}]`}`,
      ),
    ...(violations.length > MOST_SHOWN ? [`  … and ${violations.length - MOST_SHOWN} more`] : []),
  ]
}

const MOST_SHOWN = 30
