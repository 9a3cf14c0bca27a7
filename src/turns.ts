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
