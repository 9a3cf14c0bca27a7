/** One AuditEvent for each answer that needs one, none twice, and in a check's what was shown (P2; security.md "Audit"). Pure. */
import type { Operation, StoredAudit, Violation } from './operation.ts'
import type { Timeline } from './plan-timeline.ts'

/** Early refusals that are counted and summed up, not recorded one by one. */
const SUMMED_UP: ReadonlySet<number> = new Set([401, 429])

/** Violations of the log, by request id. `timelines` tells versions by their start dates. */
export function checkAudits(
  operations: readonly Operation[],
  audits: readonly StoredAudit[],
  timelines: ReadonlyMap<string, Timeline>,
): Violation[] {
  const recorded = Map.groupBy(audits, (one) => one.requestId)
  const byId = new Map(audits.map((one) => [one.id, one]))
  const attempts = Map.groupBy(operations, (one) => one.requestId)
  const versions = buildVersions(timelines)
  return [
    ...[...attempts].flatMap(([requestId, ofOne]) => checkRequest(ofOne, recorded.get(requestId) ?? [])),
    ...operations.flatMap((one) => checkDisclosed(one, byId, versions)),
  ]
}

function checkRequest(attempts: readonly Operation[], records: readonly StoredAudit[]): Violation[] {
  const [first] = attempts
  if (first === undefined) return []
  const wrong = (words: string): Violation => ({
    rule: 'one audit for each answer',
    words: `${first.kind}: ${words} (records ${records.map((one) => one.status).join(', ') || 'none'})`,
    operations: attempts.map((one) => one.id),
  })
  const successes = records.filter((one) => one.status < 400).length
  const isAcknowledged = attempts.some(({ outcome, status = 0 }) => outcome === 'ok' && status < 400)
  const most = first.kind === 'batch' ? Math.max(1, first.writes?.length ?? 1) : 1
  const found: Violation[] = []
  if (isAcknowledged && successes === 0) found.push(wrong('it was answered and not recorded'))
  if (successes > most) found.push(wrong(`it was recorded ${successes} times`))
  if (!attempts.some((one) => one.outcome !== 'fail') && successes > 0)
    found.push(wrong('it was refused and recorded as done'))
  return [...found, ...checkRefusals(attempts, records, wrong)]
}

/** A refusal that was answered has one record; one that may have been on its way when the connection broke has at most one. */
function checkRefusals(
  attempts: readonly Operation[],
  records: readonly StoredAudit[],
  wrong: (words: string) => Violation,
): Violation[] {
  const answered = attempts.filter(({ status = 0 }) => status >= 400 && status < 500 && !SUMMED_UP.has(status))
  const refused = records.filter((one) => one.status >= 400 && one.status < 500 && !SUMMED_UP.has(one.status))
  const broken = attempts.filter((one) => one.status === undefined || one.status === 503).length
  if (refused.length < answered.length) return [wrong('a refusal was answered and not recorded')]
  return refused.length > answered.length + broken ? [wrong('a refusal was recorded twice')] : []
}

type Versions = ReadonlyMap<string, number>

/** `id start` → version. */
function buildVersions(timelines: ReadonlyMap<string, Timeline>): Versions {
  return new Map(
    [...timelines.values()].flatMap(({ stored }) =>
      (stored?.versions ?? []).map((one) => [`${stored?.id} ${one.value}`, one.version] as const),
    ),
  )
}

/** The record names the plans that the answer showed, at their versions. */
function checkDisclosed(operation: Operation, byId: ReadonlyMap<string, StoredAudit>, versions: Versions): Violation[] {
  const { check } = operation
  if (operation.outcome !== 'ok' || check?.auditId === undefined) return []
  const record = byId.get(check.auditId)
  const wrong = (words: string): Violation[] => [
    { rule: 'nothing is disclosed that is not recorded', words, operations: [operation.id] },
  ]
  if (record === undefined) return wrong(`the AuditEvent ${check.auditId} of the answer is not there`)
  if (record.requestId !== operation.requestId) return wrong(`the AuditEvent ${check.auditId} is of another request`)
  const shown = (check.plans ?? []).map((one) => `${one.id}/${versions.get(`${one.id} ${one.start}`)}`).sort()
  const named = record.entities.filter((one) => one.type === 'EpisodeOfCare').map((one) => `${one.id}/${one.version}`)
  return shown.join() === named.sort().join() ? [] : wrong(`shown ${shown.join()}, recorded ${named.join()}`)
}
