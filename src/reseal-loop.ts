/** After a rotation: seals old records again in the background, one process at a time, slowly enough that callers notice nothing (docs/operating.md "Keys"). */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from './context.ts'
import type { Reseal } from './store/mongo-store.ts'
import type { ResealPage } from './store/reseal.ts'

export interface ResealLoop {
  /** The first data key is another: looks once every process must seal with it. */
  wake(): void
  /** Ends after the page that is being worked on. */
  stop(): Promise<void>
}

export interface ResealParts {
  readonly context: Pick<Context, 'log' | 'metrics' | 'newId'>
  readonly reseal: Reseal
  /** From waking to looking: what other processes still seal with the old key is found then. */
  readonly afterMs?: number
}

const AFTER_MS = 30_000
const PAUSE_MS = 20
const AGAIN_MS = 60_000

/** Looks once after the start, and after each waking; while the database is not there, or another process has the lease, again in a minute. */
export function startReseal({ context, reseal, afterMs = AFTER_MS }: ResealParts): ResealLoop {
  const holder = context.newId()
  let isStopped = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

  function later(ms: number): void {
    clearTimeout(timer)
    if (isStopped) return
    timer = setTimeout(() => {
      running = running.then(look)
    }, ms)
    timer.unref()
  }

  async function look(): Promise<void> {
    try {
      if (isStopped || (await reseal.isDone())) return
      if (!(await runPasses({ context, reseal }, holder, () => isStopped))) later(AGAIN_MS)
    } catch (error) {
      context.log.error({ fault: error instanceof Error ? error.message : 'unknown' }, 'sealing again failed')
      later(AGAIN_MS)
    }
  }

  later(afterMs)
  return {
    wake: () => later(afterMs),
    async stop() {
      isStopped = true
      clearTimeout(timer)
      await running
    },
  }
}

/** Passes until one finds nothing to do. False when another process is at it, or it was stopped. */
async function runPasses(
  { context, reseal }: Pick<ResealParts, 'context' | 'reseal'>,
  holder: string,
  isStopped: () => boolean,
): Promise<boolean> {
  const { log, metrics } = context
  let lease = await reseal.take(holder)
  if (lease === undefined) return false
  const total = await reseal.count()
  let looked = 0
  const mayGoOn = async (done: ResealPage): Promise<boolean> => {
    looked += done.looked
    metrics.resealed.inc(done.resealed)
    metrics.resealWaiting.set(Math.max(0, total - looked))
    if (isStopped()) return false
    if (done.resealed > 0) await sleep(PAUSE_MS)
    lease = await reseal.take(holder)
    return lease !== undefined
  }
  try {
    for (;;) {
      const { isWhole, resealed, locked, unopened } = await reseal.run({ mayGoOn })
      if (isWhole) {
        log.info('all records are under the first data key')
        return true
      }
      if (isStopped() || lease === undefined) return false
      if (resealed > 0) continue
      log.error({ locked, unopened }, 'records stay under an older data key: keep it')
      return true
    }
  } finally {
    metrics.resealWaiting.set(0)
    if (lease !== undefined) await reseal.release(lease)
  }
}
