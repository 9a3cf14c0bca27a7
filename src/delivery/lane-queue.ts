/** Runs lanes side by side: a bounded number at once, round robin, each lane once at a time (delivery.md step 3). */
import type { LaneName } from '../store/delivery-store.ts'

export interface LaneQueue {
  /** Adds lanes behind those that wait; one that is running gets another turn afterwards. */
  add(names: readonly LaneName[]): void
  /** Starts no more turns; resolves when those running have ended, or after the time given. */
  stop(withinMs: number): Promise<void>
}

/** `run` works one turn and says whether the lane wants another; it must not reject. */
export function buildLaneQueue(run: (name: LaneName) => Promise<boolean>, mostAtOnce: number): LaneQueue {
  const ready = new Map<string, LaneName>()
  const running = new Map<string, Promise<void>>()
  const again = new Set<string>()
  let isStopped = false

  function pump(): void {
    for (const [id, name] of ready) {
      if (isStopped || running.size >= mostAtOnce) return
      ready.delete(id)
      running.set(id, runOne(name))
    }
  }

  async function runOne(name: LaneName): Promise<void> {
    const wantsMore = await run(name)
    running.delete(name.id)
    if (again.delete(name.id) || wantsMore) ready.set(name.id, name)
    pump()
  }

  return {
    add(names) {
      for (const name of names) {
        if (running.has(name.id)) again.add(name.id)
        else if (!ready.has(name.id)) ready.set(name.id, name)
      }
      pump()
    },
    async stop(withinMs) {
      isStopped = true
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, withinMs)
      })
      await Promise.race([Promise.all(running.values()), late])
      clearTimeout(timer)
    },
  }
}
