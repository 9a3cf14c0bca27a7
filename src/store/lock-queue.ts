/** The queue in this process behind each lock: MongoDB makes transactions that collide fail at once, so that without a queue many callers of one child would only get in each other's way. */

/** Thrown inside a transaction that must stand behind another one of this process: it is run again when its turn has come. */
export class NotYourTurn extends Error {}

/** How long a transaction stands in line, in ms. */
export interface Patience {
  /** While nobody in front goes on. */
  readonly stuckMs: number
  /** In a line that moves. */
  readonly mostMs: number
}

/** The locks of one transaction over its runs. */
export interface LockQueue {
  /** Notes that the transaction takes this lock; throws NotYourTurn when another one of this process queues for it. */
  enter(key: string): void
  /** Waits until all noted locks are this transaction's; false when that took too long. */
  wait(patience: Patience): Promise<boolean>
  /** Lets the next ones go. */
  leave(): void
}

/** One for each open store. */
export interface LockQueues {
  open(): LockQueue
}

/** Those who wait for one lock: the turn of the last of them, and when one of them last left. */
interface Line {
  tail: Promise<void>
  movedAt: number
}

/** Empty queues. No I/O. */
export function buildLockQueues(): LockQueues {
  const lines = new Map<string, Line>()
  return { open: () => openQueue(lines) }
}

function openQueue(lines: Map<string, Line>): LockQueue {
  const noted = new Set<string>()
  let held: readonly string[] = []
  let leave = (): void => undefined

  return {
    enter(key) {
      noted.add(key)
      if (lines.has(key) && !held.includes(key)) throw new NotYourTurn()
    },
    async wait(patience) {
      leave()
      const keys = [...noted]
      const before = keys.map((key) => lines.get(key)?.tail)
      // All places are taken in one go, so two transactions never wait for each other.
      const turn = Promise.withResolvers<void>()
      const mine = keys.map((key) => standIn(lines, key, turn.promise))
      held = keys
      leave = () => {
        for (const [at, line] of mine.entries()) {
          line.movedAt = performance.now()
          if (line.tail === turn.promise) lines.delete(keys[at] ?? '')
        }
        held = []
        leave = () => undefined
        turn.resolve()
      }
      const arrived = Promise.all(before).then(() => true)
      if (await arrivesInTime(arrived, mine, patience)) return true
      // Whoever stands behind must still wait for those in front.
      const giveUp = leave
      arrived.then(giveUp, giveUp)
      leave = () => undefined
      return false
    },
    leave: () => leave(),
  }
}

function standIn(lines: Map<string, Line>, key: string, turn: Promise<void>): Line {
  const line = lines.get(key) ?? { tail: turn, movedAt: 0 }
  line.tail = turn
  lines.set(key, line)
  return line
}

/** False when nobody in front has moved for too long, or all of it took too long. */
async function arrivesInTime(
  arrived: Promise<boolean>,
  lines: readonly Line[],
  { stuckMs, mostMs }: Patience,
): Promise<boolean> {
  const since = performance.now()
  for (;;) {
    const movedAt = Math.max(since, ...lines.map((line) => line.movedAt))
    const until = Math.min(movedAt + stuckMs, since + mostMs)
    const leftMs = until - performance.now()
    if (await settlesWithin(arrived, leftMs)) return true
    if (leftMs <= 0) return false
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
