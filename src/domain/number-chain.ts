/** Chains of replaced NHS numbers (register.md R23), on any form of the number: plain, or its key. */

/** Number → the one that has replaced it. */
export type Replacements<N extends string> = ReadonlyMap<N, N>

/** The last number of the chain that a number stands in: the child. A number that was never replaced is its own last. Throws on a circle, which wouldLoop keeps out. Pure. */
export function lastNumber<N extends string>(replacements: Replacements<N>, number: N): N {
  const seen = new Set<N>()
  let last = number
  for (let next = replacements.get(last); next !== undefined; next = replacements.get(last)) {
    if (seen.has(last)) throw new Error('replaced numbers form a circle')
    seen.add(last)
    last = next
  }
  return last
}

/** Whether replacing one number by another would close a circle (IDENTITY_LOOP). Pure. */
export function wouldLoop<N extends string>(replacements: Replacements<N>, from: N, to: N): boolean {
  return from === to || lastNumber(without(replacements, from), to) === from
}

/** All numbers of the child that a number stands for, itself included: an answer under any of them shows the plans of all. Pure. */
export function numbersOfChild<N extends string>(replacements: Replacements<N>, number: N): ReadonlySet<N> {
  const child = lastNumber(replacements, number)
  const others = [...replacements.keys()].filter((one) => lastNumber(replacements, one) === child)
  return new Set([child, number, ...others])
}

/** The replacements without that of one number: before it gets another, or after a correction. Pure. */
export function without<N extends string>(replacements: Replacements<N>, number: N): Replacements<N> {
  return new Map([...replacements].filter(([from]) => from !== number))
}
