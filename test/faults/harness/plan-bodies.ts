/** What writers file: plans whose start date names their state, alone and in Bundles. Pure. */
import type { EpisodeOfCare } from '@medplum/fhirtypes'
import { planOf } from '../../support/plans.ts'

export const PLAN_SYSTEM = 'https://derbyshire.example/plan'
const FIRST_DAY = Date.UTC(2012, 0, 1)
const DAY_MS = 86_400_000

/** The start date of the nth state of a child's plans: another day for each. */
export function dayOf(nth: number): string {
  return new Date(FIRST_DAY + nth * DAY_MS).toISOString().slice(0, 10)
}

export interface PlanState {
  /** The authority's own identifier. */
  readonly plan: string
  readonly child: string
  readonly type: 'CPP' | 'LAC'
  readonly value: string
  readonly isWithdrawn?: boolean
}

export function planBody({ plan, child, type, value, isWithdrawn = false }: PlanState): EpisodeOfCare {
  return planOf({
    identifier: plan,
    nhsNumber: child,
    type,
    start: value,
    ...(isWithdrawn ? { status: 'entered-in-error' } : {}),
  })
}

export interface BundleEntry {
  readonly method: 'POST' | 'PUT'
  readonly url: string
  readonly resource: object
  readonly ifMatch?: string
}

/** With an identifier by which a repetition is known (R15). */
export function bundleOf(type: 'transaction' | 'batch', identifier: string, entries: readonly BundleEntry[]): object {
  return {
    resourceType: 'Bundle',
    type,
    identifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${identifier}` },
    entry: entries.map(({ method, url, resource, ifMatch }) => ({
      resource,
      request: { method, url, ...(ifMatch === undefined ? {} : { ifMatch }) },
    })),
  }
}

/** A conditional update by the authority's own identifier. */
export function byIdentifier(plan: string): string {
  return `EpisodeOfCare?identifier=${encodeURIComponent(`${PLAN_SYSTEM}|${plan}`)}`
}
