/** Tells of new events whichever process committed them, by a change stream (delivery.md "From check to endpoint", step 2). A hint only: what is due is found by state. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChangeStream } from 'mongodb'
import { MongoServerError } from 'mongodb'
import type { DeliveryCollections, EventDoc } from './delivery-collections.ts'
import type { EventWatch, EventWatcher } from './delivery-store.ts'

/** Between a stream that broke and the next. */
const AGAIN_MS = 1_000
/** Not allowed to watch (13, 8000); a database that has no streams (40573). */
const REFUSALS: ReadonlySet<unknown> = new Set([13, 8_000, 40_573])

/** Opens the stream in the background, and again whenever it breaks; gives up only where it is refused. */
export function watchEvents({ events }: DeliveryCollections, watcher: EventWatcher): EventWatch {
  const closing = new AbortController()
  let stream: ChangeStream<EventDoc> | undefined

  async function follow(onOpen: () => void): Promise<void> {
    stream = events.watch<EventDoc>([{ $match: { operationType: 'insert' } }, { $project: { _id: 1 } }])
    try {
      // The first call opens it; what was committed before is looked for once it is open.
      await stream.tryNext()
      onOpen()
      watcher.onEvents()
      while (!closing.signal.aborted) {
        await stream.next()
        watcher.onEvents()
      }
    } finally {
      await stream.close().catch(() => undefined)
    }
  }

  async function followOn(): Promise<void> {
    for (let isTold = false; !closing.signal.aborted; ) {
      try {
        await follow(() => {
          isTold = false
        })
      } catch (error) {
        if (closing.signal.aborted) return
        const isRefused = error instanceof MongoServerError && REFUSALS.has(error.code)
        if (isRefused || !isTold) watcher.onFault(isRefused ? 'refused' : 'broken')
        if (isRefused) return
        isTold = true
        await sleep(AGAIN_MS, undefined, { signal: closing.signal }).catch(() => undefined)
      }
    }
  }

  void followOn()
  return {
    close() {
      closing.abort()
      // The database may take a second to answer what it was last asked: nobody waits for that.
      stream?.close().catch(() => undefined)
    },
  }
}
