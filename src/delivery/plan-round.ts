/** Goes once over the plans that some work of the day finds, page by page, in bounded transactions (register.md P5; architecture.md "Laws"). */
import type { Context } from '../context.ts'
import { type PlanPage, type Row, StoreError, type Unit } from '../store/store.ts'
import { describeError } from './describe-error.ts'

type PlanRow = Row<'EpisodeOfCare'>
type RoundContext = Pick<Context, 'store' | 'log' | 'wakeDelivery'>

export interface Round {
  /** The next plans to work on. */
  readonly find: (page: PlanPage) => Promise<readonly PlanRow[]>
  /** Does the work of some plans in one transaction, after reading them again; may run again. */
  readonly work: (unit: Unit, plans: readonly PlanRow[]) => Promise<void>
  /** Asked before each page: false when another process has taken over, or this one stops. */
  readonly mayGoOn: () => Promise<boolean>
}

const PAGE = 100
/** Plans in one transaction: enough to be quick, few enough to keep no upload waiting. */
const TOGETHER = 20

/** True when every plan was worked on; false when it was left early or plans failed: those are found again by the next round. Throws StoreError while the database is not there. */
export async function goRound(context: RoundContext, round: Round): Promise<boolean> {
  let isWhole = true
  let after: PlanRow | undefined
  for (;;) {
    if (!(await round.mayGoOn())) return false
    const page = await round.find({ limit: PAGE, ...(after === undefined ? {} : { after }) })
    after = page.at(-1)
    if (after === undefined) return isWhole
    for (let from = 0; from < page.length; from += TOGETHER) {
      if (!(await workTogether(context, round, page.slice(from, from + TOGETHER)))) isWhole = false
    }
    context.wakeDelivery()
  }
}

/** One transaction for all; when that fails one for each, so that a plan that cannot be worked on stops no other. */
async function workTogether(context: RoundContext, round: Round, plans: readonly PlanRow[]): Promise<boolean> {
  try {
    await workInOne(context, round, plans)
    return true
  } catch (error) {
    throwIfTransient(error)
  }
  let failed = 0
  for (const plan of plans) {
    try {
      await workInOne(context, round, [plan])
    } catch (error) {
      throwIfTransient(error)
      failed += 1
      context.log.error({ plan: plan.id, ...describeError(error) }, 'work of the day failed for a plan')
    }
  }
  return failed === 0
}

function workInOne({ store }: RoundContext, round: Round, plans: readonly PlanRow[]): Promise<void> {
  return store.transact((unit) => round.work(unit, plans))
}

function throwIfTransient(error: unknown): void {
  if (error instanceof StoreError && error.kind === 'transient') throw error
}
