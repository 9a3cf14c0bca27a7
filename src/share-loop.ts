/** Once a second each server process tells the others what it saw of users who check much, and learns what they saw: limits and the sequence detector hold over all of them, and no check waits for it (docs/decisions/0006). */
import type { Context } from './context.ts'
import type { Allowance } from './http/allowance.ts'
import { parseSightings } from './interactions/check/sighting.ts'

export interface Sharing {
  /** Tells and learns now. */
  round(): Promise<void>
  stop(): Promise<void>
}

interface ShareParts {
  readonly context: Pick<Context, 'enumeration' | 'log' | 'newId' | 'store'>
  readonly allowance: Allowance
}

const EVERY_MS = 1_000
/** Messages may become visible a little later than their time says. */
const OVERLAP_MS = 5_000

/** Begins with what stands: a process that starts anew knows who is stopped. */
export function startSharing({ context, allowance }: ShareParts): Sharing {
  const { enumeration, store } = context
  const self = context.newId()
  let isStopped = false
  let timer: NodeJS.Timeout | undefined
  let last: Promise<void> = Promise.resolve()
  let newestMs: number | undefined
  let seen = new Map<string, number>()

  async function tellAndLearn(): Promise<void> {
    const sightings = enumeration.takeSightings()
    if (sightings.length > 0) await store.board.post(self, JSON.stringify(sightings))
    const since = newestMs === undefined ? undefined : new Date(newestMs - OVERLAP_MS)
    for (const { id, at, text } of await store.board.read(self, since)) {
      newestMs = Math.max(newestMs ?? 0, at.getTime())
      if (seen.has(id)) continue
      seen.set(id, at.getTime())
      for (const sighting of parseSightings(text)) {
        enumeration.learn(sighting)
        // what was seen before this process began is no part of its minute
        if (since !== undefined) await allowance.addChecks(sighting.userId, sighting.checks)
      }
    }
    const oldestMs = (newestMs ?? 0) - 2 * OVERLAP_MS
    seen = new Map([...seen].filter(([, atMs]) => atMs >= oldestMs))
  }

  function round(): Promise<void> {
    last = last.then(tellAndLearn).catch((error: unknown) => {
      context.log.warn({ fault: error instanceof Error ? error.name : 'unknown' }, 'sightings not shared')
    })
    return last
  }

  function later(): void {
    timer = setTimeout(() => void round().then(() => isStopped || later()), EVERY_MS)
    timer.unref()
  }

  void round().then(() => isStopped || later())
  return {
    round,
    async stop() {
      isStopped = true
      clearTimeout(timer)
      await last
    },
  }
}
