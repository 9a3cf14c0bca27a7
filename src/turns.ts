/** Long work in short turns: a check must not wait for a long list (register.md P1). */
import { setImmediate } from 'node:timers/promises'

/** Does `work` for each, one after the other; after every few of them the event loop is let go on. Rejects with the first error. */
export async function inTurns<T>(
  all: Iterable<T>,
  everyFew: number,
  work: (one: T) => void | Promise<void>,
): Promise<void> {
  let count = 0
  for (const one of all) {
    await work(one)
    count += 1
    if (count % everyFew === 0) await setImmediate()
  }
}

/** A list in parts of at most `length`, in their order; none for an empty one. Pure. */
export function slicesOf<T>(all: readonly T[], length: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / length) }, (_, at) => all.slice(at * length, (at + 1) * length))
}
