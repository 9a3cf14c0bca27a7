/** Queues events of a Subscription to be sent once more under their numbers (delivery.md "Recovery"). */
import type { Context } from '../../context.ts'
import type { ResourceId } from '../../domain/brands.ts'
import type { NumberRange } from '../../store/delivery-store.ts'
import { earliestEvent } from './number-range.ts'

/** The numbers queued: those asked for that there are and that are not too old; undefined for none. Database I/O. */
export async function queueAgain(
  context: Context,
  id: ResourceId,
  { at, ...asked }: NumberRange & { readonly at: Date },
): Promise<NumberRange | undefined> {
  const [first] = await context.deliveries.numbered(id, { ...asked, since: earliestEvent(at), limit: 1 })
  const last = (await context.deliveries.lastNumbers([id])).get(id)
  if (first === undefined || last === undefined) return undefined
  const range = { from: first.number, through: Math.min(asked.through, last) }
  await context.deliveries.queueAgain(id, { ...range, asked: context.newId() })
  return range
}
