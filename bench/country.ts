/** The country in proportion: 153 authorities by size, and children of whom a few are asked for again and again. Pure but for the seeded randomness. */
import { LOCAL_AUTHORITIES, type LocalAuthority } from '../src/sandbox/authorities.ts'
import type { Random } from './random.ts'

/** The largest authorities have some thirty times the children of the smallest, and the largest tenth about a third of all. */
const FLATTEN = 5

/** Authorities with their share of all children; the order is shuffled by the seed, the shares are Zipf's with a flat head. */
export function buildCountry(
  random: Random,
): readonly { readonly authority: LocalAuthority; readonly share: number }[] {
  const order = LOCAL_AUTHORITIES.map((authority) => ({ authority, key: random.fraction() })).sort(
    (a, b) => a.key - b.key,
  )
  const weights = order.map((_, rank) => 1 / (rank + FLATTEN))
  const all = weights.reduce((sum, one) => sum + one, 0)
  return order.map(({ authority }, rank) => ({ authority, share: (weights[rank] ?? 0) / all }))
}

/** Picks an authority, the larger the more often. */
export function buildAuthorityPicker(random: Random): () => LocalAuthority {
  const country = buildCountry(random)
  const bounds: number[] = []
  let sum = 0
  for (const { share } of country) {
    sum += share
    bounds.push(sum)
  }
  const [first] = country
  if (first === undefined) throw new Error('The country has no authority.')
  return () => {
    const at = random.fraction()
    const found = bounds.findIndex((bound) => at < bound)
    return (country[found] ?? first).authority
  }
}

/** A place from 0 to below `count`, low ones far more often: the tenth of the children who are seen most have nearly half of all accesses. */
export function pickHeavy(count: number, random: Random): number {
  return Math.floor(count * random.fraction() ** 3)
}
