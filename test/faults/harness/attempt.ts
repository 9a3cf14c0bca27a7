/** One operation, sent until it is known how it ended: each attempt is recorded with its own outcome. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Came, Sent } from './caller.ts'
import type { Operation, Outcome } from './operation.ts'
import { AGAIN_MS, type Part } from './world.ts'

/** A caller gives a doubtful operation up after this time. */
const GIVE_UP_MS = 90_000

/** What an answer tells of the operation, beside how it ended. */
export type Details = Pick<Operation, 'writes' | 'together' | 'check' | 'read'>

export interface Attempt {
  readonly kind: Operation['kind']
  readonly sent: Omit<Sent, 'requestId'>
  /** The same for every repetition; absent: a new one for each. */
  readonly requestId?: string
  /** Statuses below 400 and these are answers; the rest of 4xx refuses. */
  readonly alsoOk?: readonly number[]
  /** Of an attempt that ended so. */
  readonly details: (came: Came, outcome: Outcome) => Details
}

export interface Ended {
  readonly outcome: Outcome
  readonly came: Came
}

/** Sends once, and again while nobody knows what happened. Ends `unknown` only when patience does. */
export async function attempt(part: Part, one: Attempt): Promise<Ended> {
  const giveUpAt = performance.now() + GIVE_UP_MS
  for (;;) {
    const ended = await attemptOnce(part, one)
    const isToTryAgain = ended.outcome === 'unknown' || ended.came.broke === 'refused' || ended.came.status === 401
    if (!isToTryAgain || performance.now() > giveUpAt) return ended
    await sleep(AGAIN_MS)
  }
}

/** Sends once and records it. */
export async function attemptOnce({ world, name, random }: Part, one: Attempt): Promise<Ended> {
  const { recorder, caller } = world
  const requestId = one.requestId ?? random.uuid()
  let id = 0
  const came = await caller.send({ ...one.sent, requestId }, (invokedAt) => {
    id = recorder.invoke({ worker: name, kind: one.kind, requestId, invokedAt })
  })
  const outcome = outcomeOf(came, one.alsoOk ?? [])
  const { invokedAt, completedAt, status, broke, retryAfter } = came
  recorder.complete({
    id,
    worker: name,
    kind: one.kind,
    requestId,
    invokedAt,
    completedAt,
    outcome,
    ...(status === undefined ? {} : { status }),
    ...(broke === undefined ? {} : { broke }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...one.details(came, outcome),
  })
  return { outcome, came }
}

/** 5xx and a broken connection leave it open; 429 and 401 come before anything is done. */
function outcomeOf({ status, broke }: Came, alsoOk: readonly number[]): Outcome {
  if (status === undefined) return broke === 'refused' ? 'fail' : 'unknown'
  if (status < 400 || alsoOk.includes(status)) return 'ok'
  return status >= 500 ? 'unknown' : 'fail'
}
