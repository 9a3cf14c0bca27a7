/** Bounds how many of the same calls are under way, so that calls which wait for others in the database leave its connections to everyone else. No I/O of its own. */

/** The same function; past `most` at once, calls wait their turn in order. */
export function atMost<A extends readonly unknown[], T>(
  most: number,
  work: (...given: A) => Promise<T>,
): (...given: A) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (...given) => {
    if (running >= most) {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.push(resolve)
      await promise
    } else {
      running += 1
    }
    try {
      return await work(...given)
    } finally {
      // Whoever waits takes over the place.
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
