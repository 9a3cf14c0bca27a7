/** How the register answers while it is in trouble: only as it may, within a bound, and again soon after (architecture.md "Laws"; measures.md "faults"). Pure. */
import type { FaultRecord, Operation, Violation } from './operation.ts'

/** After the last fault is healed, checks are answered again within this time. */
export const RECOVERY_MS = 30_000
/** An answer, of whatever kind, comes within this time: two times the 5 s for which a transaction is tried again and its commit repeated, 5 s for an operation that hangs in each, and as long again to record the refusal. */
export const ANSWER_MS = 30_000

const SAID = new Set([200, 201, 204, 401, 404, 409, 410, 412, 422, 429, 503])
const COME_BACK = new Set([429, 503])

/** Violations of single answers, and of the time to recover. */
export function checkAnswers(operations: readonly Operation[], faults: readonly FaultRecord[]): Violation[] {
  return [...operations.flatMap(checkAnswer), ...faults.flatMap(checkRecovery)]
}

function checkAnswer(operation: Operation): Violation[] {
  const { kind, status, outcome, broke, retryAfter, completedAt, invokedAt, id } = operation
  const wrong = (rule: string, words: string): Violation => ({ rule, words: `${kind}: ${words}`, operations: [id] })
  const found: Violation[] = []
  if (status !== undefined && !SAID.has(status)) found.push(wrong('no answer but the allowed ones', `${status}`))
  if (status !== undefined && COME_BACK.has(status) && !/^\d+$/.test(retryAfter ?? '')) {
    found.push(wrong('503 and 429 say when to come back', `${status} without Retry-After`))
  }
  if (kind === 'refused-transaction' && outcome === 'ok') found.push(wrong('what is bad is refused', `${status}`))
  const ms = Math.round(completedAt - invokedAt)
  if (broke === 'timeout' || ms > ANSWER_MS) found.push(wrong('an answer in bounded time', `${ms} ms`))
  return found
}

function checkRecovery({ name, words, healedAt, recoveredAt }: FaultRecord): Violation[] {
  const ms = recoveredAt === undefined ? undefined : Math.round(recoveredAt - healedAt)
  if (ms !== undefined && ms <= RECOVERY_MS) return []
  return [
    {
      rule: 'checks are answered again within 30 s',
      words: `${name} (${words}): ${ms ?? 'not'} ms after it was healed`,
    },
  ]
}
