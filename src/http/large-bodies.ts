/** Large bodies are parsed one after the other, with room for everyone else between them: when all councils send at once, checks go on (register.md P1; issue 8, item 4). */
import { setTimeout as pause } from 'node:timers/promises'

/** Parsing more than this takes longer than a check may have to wait for. */
const LARGE_BYTES = 64 * 1024

export interface LargeBodies {
  /** Runs `parse` at once for a small body; for a large one when those before it were parsed and as much time again was left to others. Throws what it throws. */
  parse<T>(bytes: number, parse: () => T): Promise<T>
}

/** Nobody waits. Timers only. */
export function buildLargeBodies(): LargeBodies {
  let last: Promise<unknown> = Promise.resolve()
  return {
    async parse(bytes, parse) {
      if (bytes < LARGE_BYTES) return parse()
      const before = last
      const { promise, resolve } = Promise.withResolvers<void>()
      last = promise
      await before
      const startedAt = performance.now()
      try {
        return parse()
      } finally {
        void pause(performance.now() - startedAt).then(resolve)
      }
    },
  }
}
