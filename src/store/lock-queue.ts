/** The queue in this process behind each lock: MongoDB makes transactions that collide fail at once, so that without a queue many callers of one child would only get in each other's way. */

/** Thrown inside a transaction that must stand behind another one of this process: it is run again when its turn has come. */
export class NotYourTurn extends Error {}

/** The locks of one transaction over its runs. */
export interface LockQueue {
  /** Notes that the transaction takes this lock; throws NotYourTurn when another one of this process queues for it. */
  enter(key: string): void
  /** Waits until all noted locks are this transaction's, for at most `forMs`; false when that was too short. */
  wait(forMs: number): Promise<boolean>
  /** Lets the next ones go. */
  leave(): void
}

/** One for each open store. */
export interface LockQueues {
  open(): LockQueue
}

/** Empty queues. No I/O. */
export function buildLockQueues(): LockQueues {
  /** Key → the turn of the last one in its queue. */
  const tails = new Map<string, Promise<void>>()
  return { open: () => openQueue(tails) }
}

function openQueue(tails: Map<string, Promise<void>>): LockQueue {
  const noted = new Set<string>()
  let held = new Map<string, Promise<void>>()
  let leave = (): void => undefined

  return {
    enter(key) {
      noted.add(key)
      const tail = tails.get(key)
      if (tail !== undefined && held.get(key) === undefined) throw new NotYourTurn()
    },
    async wait(forMs) {
      leave()
      const before = [...noted].map((key) => tails.get(key))
      // All places are taken in one go, so two transactions never wait for each other.
      const turn = Promise.withResolvers<void>()
      const mine = new Map([...noted].map((key) => [key, turn.promise]))
      for (const [key, promise] of mine) tails.set(key, promise)
      held = mine
      leave = () => {
        for (const [key, promise] of mine) if (tails.get(key) === promise) tails.delete(key)
        held = new Map()
        leave = () => undefined
        turn.resolve()
      }
      const arrived = Promise.all(before).then(() => true)
      if (await settlesWithin(arrived, forMs)) return true
      // Whoever stands behind must still wait for those in front.
      const giveUp = leave
      arrived.then(giveUp, giveUp)
      leave = () => undefined
      return false
    },
    leave: () => leave(),
  }
}

async function settlesWithin(promise: Promise<boolean>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => late.resolve(false), Math.max(0, ms))
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
