/** Turns of large Bundles: a few at a time are carried out, authorities in rotation, so that a night in which all councils send at once leaves the database and the process to the checks (issue 8, item 4; register.md P1). */
import { fhirError } from '../../fhir/fhir-error.ts'

/** Bundles with more entries than this take turns; smaller ones are over soon enough to wait for nobody. */
export const LARGE_BUNDLE = 20
/** One computes while the others are with the database. */
const AT_ONCE = 3
/** With the work after it, shorter than a silent connection lasts. */
const MOST_WAIT_MS = 30_000

export interface BundleTurns {
  /** Runs `work` when it is this authority's turn. Throws UNAVAILABLE, with nothing begun, when that takes too long. */
  take<T>(authority: string, work: () => Promise<T>): Promise<T>
}

interface Waiting {
  readonly begin: () => void
}

/** Nobody works or waits. Timers only. */
export function buildBundleTurns({ atOnce = AT_ONCE, mostWaitMs = MOST_WAIT_MS } = {}): BundleTurns {
  let working = 0
  /** In the order of their last turn: who had one goes to the end. */
  const queues = new Map<string, Waiting[]>()

  function next(): void {
    const [first] = queues
    if (first === undefined || working >= atOnce) return
    const [authority, [waiting, ...others]] = first
    queues.delete(authority)
    if (others.length > 0) queues.set(authority, others)
    waiting?.begin()
  }

  function wait(authority: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const leave = (): void => {
      const others = (queues.get(authority) ?? []).filter((one) => one !== waiting)
      if (others.length > 0) queues.set(authority, others)
      else queues.delete(authority)
      reject(fhirError('UNAVAILABLE'))
    }
    const timer = setTimeout(leave, mostWaitMs)
    const waiting: Waiting = {
      begin: () => {
        clearTimeout(timer)
        working += 1
        resolve()
      },
    }
    queues.set(authority, [...(queues.get(authority) ?? []), waiting])
    next()
    return promise
  }

  return {
    async take(authority, work) {
      await wait(authority)
      try {
        return await work()
      } finally {
        working -= 1
        next()
      }
    },
  }
}
