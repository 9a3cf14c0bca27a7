/** Work that is asked for at any time and done once at a time: asked for while it runs, it runs once more (delivery.md "From check to endpoint", step 2). */
import { setTimeout as sleep } from 'node:timers/promises'

export interface Wakeable {
  wake(): void
  /** Starts nothing more; resolves when what runs has ended. */
  stop(): Promise<void>
}

/** `work` must not reject. `gapMs`: the shortest time between two runs. */
export function buildWakeable(work: () => Promise<void>, gapMs = 0): Wakeable {
  const stopping = new AbortController()
  let isWoken = false
  let running: Promise<void> | undefined

  async function run(): Promise<void> {
    while (isWoken && !stopping.signal.aborted) {
      isWoken = false
      await work()
      if (gapMs > 0) await sleep(gapMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
    running = undefined
  }

  return {
    wake() {
      isWoken = true
      running ??= run()
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}
