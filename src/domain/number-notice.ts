/** What the NHS says of its numbers, and what follows from it (register.md R23, R24). */
import type { LondonDay, NhsNumber } from './brands.ts'
import { lastNumber, numbersOfChild, type Replacements, wouldLoop } from './number-chain.ts'

/** A number that is out of use. */
export interface NumberLink {
  readonly from: NhsNumber
  /** Absent when it was replaced by nothing (adoption). */
  readonly to?: NhsNumber
  /** Instant of the notice. */
  readonly at: string
}

/** A baby born to a mother. */
export interface Birth {
  readonly mother: NhsNumber
  readonly baby: NhsNumber
  readonly birthDate: LondonDay
  /** Instant of the notice. */
  readonly at: string
}

/** All that was said of the numbers of one child, and of the babies born under them. */
export interface NumberNotices {
  readonly links: readonly NumberLink[]
  readonly births: readonly Birth[]
}

/** What the notices mean for a plan filed under one number. */
export interface NumberFacts {
  /** The last number of its chain, when it was replaced. */
  readonly newNumber?: NhsNumber
  /** Out of use, replaced or not. */
  readonly isRetired: boolean
  /** Babies born to the person, oldest notice first. */
  readonly babyNumbers: readonly NhsNumber[]
}

/** Number → the one that has replaced it; adopted ones are replaced by nothing. Pure. */
export function replacementsOf(links: readonly NumberLink[]): Replacements<NhsNumber> {
  return new Map(links.flatMap(({ from, to }) => (to === undefined ? [] : [[from, to] as const])))
}

/** What the notices of a number's chain mean for a plan filed under it. Pure. */
export function factsOfNumber({ links, births }: NumberNotices, number: NhsNumber): NumberFacts {
  const replacements = replacementsOf(links)
  const last = lastNumber(replacements, number)
  const names = numbersOfChild(replacements, number)
  const babies = births.filter(({ mother }) => names.has(mother)).sort(oldestFirst)
  return {
    ...(last === number ? {} : { newNumber: last }),
    isRetired: links.some(({ from }) => from === number),
    babyNumbers: [...new Set(babies.map(({ baby }) => baby))],
  }
}

function oldestFirst(a: Birth, b: Birth): number {
  return a.at < b.at || (a.at === b.at && a.baby < b.baby) ? -1 : 1
}

/** A notice of the number feed. */
export type NumberNotice =
  | { readonly reason: 'superseded'; readonly from: NhsNumber; readonly to: NhsNumber }
  | { readonly reason: 'invalid'; readonly from: NhsNumber }
  | { readonly reason: 'correction'; readonly from: NhsNumber; readonly to?: NhsNumber }

export type DecidedNotice =
  | { readonly kind: 'loop' }
  | { readonly kind: 'nothing-new' }
  | { readonly kind: 'changed'; readonly undone?: NumberLink; readonly made?: NumberLink }

/**
 * What a notice does to the links that stand. A number has one successor: a later notice takes the place of an earlier
 * one. A correction undoes the link that it names, and only that. Pure.
 */
export function decideNotice(links: readonly NumberLink[], notice: NumberNotice, at: string): DecidedNotice {
  const { from } = notice
  const to = 'to' in notice ? notice.to : undefined
  if (from === to) return { kind: 'loop' }
  const standing = links.find((link) => link.from === from)
  if (notice.reason === 'correction') {
    const isMeant = standing !== undefined && (to === undefined || standing.to === to)
    return isMeant ? { kind: 'changed', undone: standing } : { kind: 'nothing-new' }
  }
  if (standing !== undefined && standing.to === to) return { kind: 'nothing-new' }
  if (to !== undefined && wouldLoop(replacementsOf(links), from, to)) return { kind: 'loop' }
  const made = { from, ...(to === undefined ? {} : { to }), at }
  return { kind: 'changed', made, ...(standing === undefined ? {} : { undone: standing }) }
}

/** The links after a decided notice. Pure. */
export function linksAfter(
  links: readonly NumberLink[],
  decided: Extract<DecidedNotice, { kind: 'changed' }>,
): readonly NumberLink[] {
  const { undone, made } = decided
  const kept = links.filter(({ from }) => from !== undone?.from)
  return made === undefined ? kept : [...kept, made]
}
