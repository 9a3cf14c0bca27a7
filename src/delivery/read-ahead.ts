/** Reads waiting events ahead while a lane's turn lasts: once numbered they never change (delivery.md step 3). */
import type { ResourceId } from '../domain/brands.ts'
import type { DeliveryStore, NumberedEvent } from '../store/delivery-store.ts'

/** Events read at once when only some are asked for. */
const AHEAD = 32

export interface ReadAhead {
  /** As DeliveryStore.waiting, from what was read before when all that is asked for is there. */
  readonly waiting: DeliveryStore['waiting']
  /** Reads what comes after this number, to be asked for soon. */
  prepare(id: ResourceId, after: number): Promise<void>
}

/** For one turn of one lane. What is numbered meanwhile is read when asked for. */
export function buildReadAhead({ waiting }: Pick<DeliveryStore, 'waiting'>): ReadAhead {
  let read: readonly NumberedEvent[] = []
  return {
    async waiting(id, after, limit) {
      const known = read.filter(({ number }) => number > after && number <= after + limit)
      if (known.length === limit) return known
      read = await waiting(id, after, Math.max(limit, AHEAD))
      return read.slice(0, limit)
    },
    async prepare(id, after) {
      read = await waiting(id, after, AHEAD)
    },
  }
}
