/** Running through numbers (security.md "Abuse and bad input"): which checks of one user look like a search of the number range rather than care of children. */
import type { NhsNumber } from './brands.ts'

/** Checks older than this are no part of a run. */
export const RUN_WINDOW_MS = 15 * 60_000
/** How long a user who ran through numbers is stopped. */
export const STOP_MS = 15 * 60_000
/** Most steps between two numbers that count as neighbours; a step is one of the nine digits' values, check digit aside. */
export const NEAR_STEPS = 10
/** So many neighbours, asked for in rising or in falling order, are a run. Triplets are three, and a ward round has no order. */
export const ORDERED_RUN = 8
/** So many neighbours are a run in any order. */
export const CLUSTER = 20
/** So many numbers one after the other at the same distance, wider than that of neighbours, are a run. */
export const STRIDE_RUN = 6
/** Distinct numbers that are remembered of a user: more than a minute's and a quarter of an hour's allowance need. */
export const MOST_REMEMBERED = 128

/** One number that a user asked for, the first time within the window. */
export interface Asked {
  /** The first nine digits as a number: neighbours differ by little. */
  readonly position: number
  readonly atMs: number
}

/** A run: what gave it away. */
export type Run = 'ordered' | 'cluster' | 'stride'

/** Where a number stands in the range: the check digit follows from the rest. Pure. */
export function positionOf(nhsNumber: NhsNumber): number {
  return Number(nhsNumber.slice(0, 9))
}

/** What is remembered after one more check, oldest first: a number asked for again counts once, what is too old not at all. Pure. */
export function noteAsked(before: readonly Asked[], asked: Asked): readonly Asked[] {
  const recent = before.filter((one) => Math.abs(asked.atMs - one.atMs) < RUN_WINDOW_MS)
  if (recent.some((one) => one.position === asked.position)) return recent
  return [...recent, asked].slice(-MOST_REMEMBERED)
}

/** The run that the last of these checks belongs to; undefined for the work of an honest user. Pure. */
export function findRun(asked: readonly Asked[]): Run | undefined {
  const last = asked.at(-1)
  if (last === undefined) return undefined
  if (isStride(asked.slice(-STRIDE_RUN).map((one) => one.position))) return 'stride'
  const near = neighboursOf(last.position, asked)
  if (near.length >= CLUSTER) return 'cluster'
  return longestOrder(near) >= ORDERED_RUN ? 'ordered' : undefined
}

/** Positions of the numbers that hang together with this one by near steps, in the order asked. */
function neighboursOf(position: number, asked: readonly Asked[]): readonly number[] {
  const sorted = asked.map((one) => one.position).sort((a, b) => a - b)
  const at = sorted.indexOf(position)
  let first = at
  let last = at
  while (first > 0 && stepBetween(sorted, first - 1) <= NEAR_STEPS) first -= 1
  while (last < sorted.length - 1 && stepBetween(sorted, last) <= NEAR_STEPS) last += 1
  const [from = position, to = position] = [sorted[first], sorted[last]]
  return asked.map((one) => one.position).filter((one) => one >= from && one <= to)
}

function stepBetween(sorted: readonly number[], at: number): number {
  return (sorted[at + 1] ?? 0) - (sorted[at] ?? 0)
}

/** Length of the unbroken rising or falling order that ends with the last. */
function longestOrder(positions: readonly number[]): number {
  return Math.max(
    orderLength(positions, (a, b) => a < b),
    orderLength(positions, (a, b) => a > b),
  )
}

function orderLength(positions: readonly number[], follows: (a: number, b: number) => boolean): number {
  let length = positions.length === 0 ? 0 : 1
  for (let at = positions.length - 1; at > 0; at -= 1) {
    if (!follows(positions[at - 1] ?? 0, positions[at] ?? 0)) break
    length += 1
  }
  return length
}

function isStride(positions: readonly number[]): boolean {
  if (positions.length < STRIDE_RUN) return false
  const steps = positions.slice(1).map((one, at) => one - (positions[at] ?? 0))
  const [first = 0] = steps
  return Math.abs(first) > NEAR_STEPS && steps.every((step) => step === first)
}

/** Time over which checks that find nothing are counted, from the first of them. */
export const MISS_WINDOW_MS = 60 * 60_000
/** With fewer checks no ratio says anything: about one child in a hundred is known to the register. */
export const MISS_CHECKS = 300
/** From this part on of checks that find nothing, an alert; it stops no one. */
export const MISS_RATIO = 0.99

/** Checks of one user since the window began. */
export interface MissCount {
  readonly sinceMs: number
  readonly checks: number
  readonly misses: number
  readonly alerted: boolean
}

/** The count with one more check, and whether it calls for an alert, once a window. Pure. */
export function countMiss(
  before: MissCount | undefined,
  check: { readonly atMs: number; readonly isMiss: boolean },
): { readonly count: MissCount; readonly alert: boolean } {
  const goesOn = before !== undefined && Math.abs(check.atMs - before.sinceMs) < MISS_WINDOW_MS
  const start = goesOn ? before : { sinceMs: check.atMs, checks: 0, misses: 0, alerted: false }
  const count = { ...start, checks: start.checks + 1, misses: start.misses + (check.isMiss ? 1 : 0) }
  const alert = !count.alerted && count.checks >= MISS_CHECKS && count.misses >= count.checks * MISS_RATIO
  return { count: { ...count, alerted: count.alerted || alert }, alert }
}
