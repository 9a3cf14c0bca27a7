/** `Subscription/[id]/$resend` (OperationDefinition subscription-resend; delivery.md "Recovery"): what waits is due at once, and the events asked for are sent once more under their numbers. */
import type { Context } from '../context.ts'
import { buildOutcome, issue } from '../fhir/outcome.ts'
import type { NumberRange } from '../store/delivery-store.ts'
import type { Handler } from './interaction.ts'
import { NUMBER_INPUTS, parseNumberRange } from './subscription/number-range.ts'
import { parseOperationInput } from './subscription/operation-input.ts'
import { getOwnSubscription, type OwnSubscription } from './subscription/own-subscription.ts'
import { queueAgain } from './subscription/queue-again.ts'
import { requestAgain } from './subscription/request-again.ts'

/** Answers what was queued. A Subscription in error is requested again, as sending needs a good handshake; one that is off stays off. */
export const handleSubscriptionResend: Handler = async (request, caller, context) => {
  const input = parseOperationInput(request, NUMBER_INPUTS)
  const { eventsSinceNumber, eventsUntilNumber } = input.values
  const asked = parseNumberRange(input)
  const own = await getOwnSubscription(request, caller, context)
  const isAsked = eventsSinceNumber !== undefined || eventsUntilNumber !== undefined
  const queued = isAsked ? await queueAgain(context, own.row.id, { ...asked, at: request.at }) : undefined
  const words = [...(isAsked ? [queuedWords(queued)] : []), await resume(context, own, queued !== undefined)].join(' ')
  context.wakeDelivery()
  const { id, version } = own.row
  const audit = { entities: [{ type: 'Subscription', id, version }], authorities: [own.caller.authority] }
  return { status: 200, resource: buildOutcome([issue('SUCCESS', undefined, words)]), audit }
}

function queuedWords(range: NumberRange | undefined): string {
  if (range === undefined) return 'There is no event of these numbers in the last 90 days.'
  const { from, through } = range
  return from === through ? `Event ${from} is sent once more.` : `Events ${from} to ${through} are sent once more.`
}

/** `isDue`: what was queued has made what waits due already. */
async function resume(context: Context, { row, resource }: OwnSubscription, isDue: boolean): Promise<string> {
  switch (resource.status) {
    case 'error':
      await requestAgain(context, row)
      return 'The Subscription was in error and is requested again: after a good handshake, what waits follows.'
    case 'off':
      return 'The Subscription is off: set it to requested, and what waits follows.'
    default:
      if (!isDue) await context.deliveries.makeDue(row.id)
      return 'What waits is due at once.'
  }
}
