/** Closes new audit records under a seal every few seconds, one process at a time by a lease, beside the requests and without touching them (security.md "Audit"; issue 6). */
import { type Look, type Round, runRound, type SealParts } from './seal-round.ts'

export interface SealLoop {
  /** A round now, after one that is under way. Throws StoreError, ChainBroken. */
  run(look?: Look): Promise<void>
  /** Ends after the seal that is being made, and frees the lease. */
  stop(): Promise<void>
}

const EVERY_MS = 5_000
/** Rounds between two looks at the last ten minutes, at the last two hours, and at all of history: a minute, an hour, a day. */
const RECENT_EVERY = 12
const HOURS_EVERY = 720
const WHOLE_EVERY = 17_280
/** The first look at all of history, five minutes after the start. */
const WHOLE_FIRST = 60

/** Begins at once. Faults are logged, each once until it changes, counted, and tried again. */
export function startSealing(parts: SealParts & { readonly everyMs?: number }): SealLoop {
  const { context, seals, everyMs = EVERY_MS } = parts
  const holder = context.newId()
  let isStopped = false
  const round: Omit<Round, 'look'> = { holder, isStopped: () => isStopped, seen: undefined }
  let timer: NodeJS.Timeout | undefined
  let last: Promise<void> = Promise.resolve()
  let fault = ''

  function run(look: Look = 'new'): Promise<void> {
    const next = last.then(async () => {
      if (isStopped) return
      const now = { ...round, look }
      try {
        await runRound(parts, now)
      } finally {
        round.seen = now.seen
      }
    })
    last = next.catch(() => undefined)
    return next
  }

  async function again(count: number): Promise<void> {
    try {
      await run(lookOf(count))
      fault = ''
    } catch (error) {
      context.metrics.auditSealFaults.inc()
      const words = error instanceof Error ? error.message : 'unknown'
      if (words !== fault) context.log.error({ fault: words }, 'sealing of the audit failed')
      fault = words
    }
    if (isStopped) return
    timer = setTimeout(() => void again(count + 1), everyMs)
    timer.unref()
  }

  void again(0)
  return {
    run,
    async stop() {
      isStopped = true
      clearTimeout(timer)
      await last
      const lease = await seals.take(holder).catch(() => undefined)
      if (lease !== undefined) await seals.release(lease).catch(() => undefined)
    },
  }
}

function lookOf(count: number): Look {
  if (count % WHOLE_EVERY === WHOLE_FIRST) return 'whole'
  if (count % HOURS_EVERY === 1) return 'hours'
  return count % RECENT_EVERY === 1 ? 'recent' : 'new'
}
