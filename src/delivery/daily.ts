/** The work of the day (register.md R12, R14, R17, R23): at the turn of the London day what it changes, at 08:00 London what authorities are told daily, and once a day what was delivered long ago is removed; by one process at a time, by a lease (architecture.md: delivery/daily). */
import type { Context } from '../context.ts'
import { dailyInstant, hasDailyHourCome } from '../domain/daily-events.ts'
import { londonDayOf } from '../domain/london-day.ts'
import type { DeliveryStore, Lease } from '../store/delivery-store.ts'
import type { Row, Unit } from '../store/store.ts'
import { clearOld } from './clear-old.ts'
import { type Telling, tellPlans } from './daily-telling.ts'
import { describeError } from './describe-error.ts'
import { goRound } from './plan-round.ts'

export type DailyContext = Pick<Context, 'clock' | 'newId' | 'log' | 'store' | 'wakeDelivery'>

/** Brings one plan and its Flag to the day of `at`, in the transaction it is given; doing it twice does nothing. */
export type TurnPlan = (
  unit: Unit,
  plan: Row<'EpisodeOfCare'>,
  facts: { readonly at: Date; readonly keyedId: (parts: readonly string[]) => string },
) => Promise<void>

export interface DailyParts {
  readonly context: DailyContext
  readonly deliveries: Pick<DeliveryStore, 'takeDaily' | 'releaseDaily' | 'clearOld'>
  readonly turnPlan: TurnPlan
}

export interface Daily {
  /** Looks now, after a look that is under way. Does nothing while another process is at it. Throws StoreError while the database is not there. */
  run(): Promise<void>
  /** Begins nothing more and waits for the page that is being worked on. */
  stop(): Promise<void>
}

const LOOK_EVERY_MS = 5_000
/** A filing of just before 08:00 may be stored after it: rounds go on until none can be under way. */
const SETTLED_AFTER_MS = 60_000

/** Looks at once, for days missed and an 08:00 missed today, and then every few seconds by the injected clock. */
export function startDaily(parts: DailyParts): Daily {
  const { context } = parts
  let isStopped = false
  const lookNow = buildLook(parts, () => isStopped)
  let timer: NodeJS.Timeout | undefined
  let last: Promise<void> = Promise.resolve()

  function run(): Promise<void> {
    const next = last.then(() => (isStopped ? undefined : lookNow()))
    last = next.catch(() => undefined)
    return next
  }

  async function lookAgain(): Promise<void> {
    await run().catch((error: unknown) => context.log.error(describeError(error), 'work of the day failed'))
    if (!isStopped) timer = setTimeout(lookAgain, LOOK_EVERY_MS)
  }

  void lookAgain()
  return {
    run,
    async stop() {
      isStopped = true
      clearTimeout(timer)
      await last
    },
  }
}

/** One look at what is due now. Before 08:00, and once all are told, it reads one index and no more. */
function buildLook(parts: DailyParts, isStopped: () => boolean): () => Promise<void> {
  const { context } = parts
  const { store } = context
  /** The London day of which this process knows that all are told. */
  let allToldOn: string | undefined
  /** The London day on which this process saw to it that nothing delivered is kept for too long. */
  let clearedOn: string | undefined

  return async () => {
    const at = context.clock()
    const today = londonDayOf(at)
    const facts = { at, keyedId: store.keyedId }
    const turns = (await store.read.turningPlans(today, { limit: 1 })).length > 0
    const tells = hasDailyHourCome(at) && allToldOn !== today
    if (!turns && !tells && clearedOn === today) return
    await underLease(parts, async (holds) => {
      const mayGoOn = async (): Promise<boolean> => !isStopped() && (await holds())
      if (turns)
        await goRound(context, {
          mayGoOn,
          find: (page) => store.read.turningPlans(today, page),
          work: async (unit, plans) => {
            for (const plan of plans) await parts.turnPlan(unit, plan, facts)
          },
        })
      if (clearedOn !== today && (await clearOld(parts, { at, mayGoOn }))) clearedOn = today
      if (!tells) return
      const tell = (what: Telling): Promise<boolean> =>
        goRound(context, {
          mayGoOn,
          find: (page) => store.read.plansToTell(what, today, page),
          work: (unit, seen) => tellPlans(unit, { what, seen }, facts),
        })
      const isWhole = (await tell('missing')) && (await tell('superseded'))
      if (isWhole && at.getTime() >= dailyInstant(at) + SETTLED_AFTER_MS) allToldOn = today
    })
  }
}

/** Works while this process has the lease. What is done under it is right without it: each plan is read again and changed in one transaction; the lease spares two processes the same work. */
async function underLease(
  { context, deliveries }: DailyParts,
  work: (holds: () => Promise<boolean>) => Promise<void>,
): Promise<void> {
  const holder = context.newId()
  let lease: Lease | undefined
  const take = async (): Promise<boolean> => {
    lease = await deliveries.takeDaily(holder)
    return lease !== undefined
  }
  if (!(await take())) return
  try {
    await work(take)
  } finally {
    if (lease !== undefined) await deliveries.releaseDaily(lease)
  }
}
