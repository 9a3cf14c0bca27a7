/** A plan as it is stored → the facts that the rules speak of. */
import type { AuthorityCode, LondonDay, NhsNumber, PlanType, ResourceId } from './brands.ts'
import type { PlanFacts } from './plan.ts'

/** What of a stored plan's version the rules need; days are YYYY-MM-DD. */
export interface StoredPlan {
  readonly id: ResourceId
  readonly version: number
  readonly index: {
    readonly flagId?: ResourceId
    readonly planType?: PlanType
    readonly start?: string
    readonly end?: string
    readonly withdrawn?: boolean
    readonly nhsNumber?: NhsNumber
    readonly birthDate?: string
    readonly expectedDelivery?: string
  }
}

/** Facts of a stored plan of this LA. Throws when it is no plan that this server wrote. Pure. */
export function planFactsOf(row: StoredPlan, owner: AuthorityCode): PlanFacts {
  const { index } = row
  if (index.planType === undefined || index.start === undefined || index.flagId === undefined) {
    throw new Error(`EpisodeOfCare/${row.id} lacks its index`)
  }
  return {
    id: row.id,
    version: row.version,
    flagId: index.flagId,
    owner,
    type: index.planType,
    start: index.start as LondonDay,
    ...(index.end === undefined ? {} : { end: index.end as LondonDay }),
    withdrawn: index.withdrawn === true,
    ...(index.nhsNumber === undefined ? {} : { nhsNumber: index.nhsNumber }),
    ...(index.birthDate === undefined ? {} : { birthDate: index.birthDate }),
    ...(index.expectedDelivery === undefined ? {} : { expectedDelivery: index.expectedDelivery as LondonDay }),
  }
}
