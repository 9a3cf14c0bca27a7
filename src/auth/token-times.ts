/** The time claims of a JWT (RFC 7519 §4.1.4–4.1.6), judged by the injected clock. */

/** How far the clocks of others may run ahead of ours. */
const SKEW_MS = 10_000

export interface TimeRule {
  /** Most milliseconds that exp may lie ahead. */
  readonly mostAheadMs: number
  /** Most milliseconds that iat may lie back. */
  readonly mostAgeMs: number
  readonly needsIssuedAt: boolean
}

/** What is wrong with exp, nbf and iat at `nowMs`; undefined when nothing is. Pure. */
export function findTimeFault(
  claims: Readonly<Record<string, unknown>>,
  nowMs: number,
  rule: TimeRule,
): string | undefined {
  const { exp, nbf, iat } = claims
  if (!isInstant(exp)) return 'exp is missing or no number'
  if (exp * 1000 <= nowMs) return 'expired'
  if (exp * 1000 > nowMs + rule.mostAheadMs) return 'exp is too far ahead'
  if (nbf !== undefined && (!isInstant(nbf) || nbf * 1000 > nowMs + SKEW_MS)) return 'nbf is ahead or no number'
  if (iat === undefined) return rule.needsIssuedAt ? 'iat is missing' : undefined
  if (!isInstant(iat) || iat * 1000 > nowMs + SKEW_MS) return 'iat is ahead or no number'
  return iat * 1000 < nowMs - rule.mostAgeMs - SKEW_MS ? 'iat is too long ago' : undefined
}

function isInstant(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
}
