/** What else an administrator orders of a lane (delivery.md "Recovery"; issue 7): a pause, its end, and that events are sent once more. The owner's Subscription stays as it is. */
import type { Context } from '../context.ts'
import { fhirError } from '../fhir/fhir-error.ts'
import type { Lane } from '../store/delivery-store.ts'
import type { FhirRequest, FhirResponse, Handler } from './interaction.ts'
import { getLane } from './lanes.ts'
import { NUMBER_INPUTS, parseNumberRange } from './subscription/number-range.ts'
import { parseOperationInput } from './subscription/operation-input.ts'
import { queueAgain } from './subscription/queue-again.ts'

/** Nothing more is sent, what is under way ends; numbering goes on. NOT_FOUND when there is no such lane. */
export const handlePauseLane: Handler = async (request, _caller, context) => {
  const lane = await getLane(request, context)
  const isChanged = await context.deliveries.setPaused(lane.id, true)
  return answer(lane, { paused: isChanged ? [lane.id] : [] })
}

/** What waits is due at once, and the 72 hours begin anew. NOT_FOUND when there is no such lane. */
export const handleResumeLane: Handler = async (request, _caller, context) => {
  const lane = await getLane(request, context)
  const isChanged = await context.deliveries.setPaused(lane.id, false)
  context.wakeDelivery()
  return answer(lane, { resumed: isChanged ? [lane.id] : [] })
}

/** Delivered events once more, by `eventsSinceNumber` and `eventsUntilNumber` in the address; what waits comes anyway. One of them is needed: a lane without numbers is released. */
export const handleResendLane: Handler = async (request, _caller, context) => {
  const queued = await resend(request, context)
  context.wakeDelivery()
  return queued
}

async function resend(request: FhirRequest, context: Context): Promise<FhirResponse> {
  const input = parseOperationInput(request, NUMBER_INPUTS)
  const { eventsSinceNumber, eventsUntilNumber } = input.values
  if (eventsSinceNumber === undefined && eventsUntilNumber === undefined)
    throw fhirError('INVALID_PARAMETER', undefined, 'Say eventsSinceNumber, eventsUntilNumber or both.')
  const asked = parseNumberRange(input)
  const lane = await getLane(request, context)
  const range = await queueAgain(context, lane.id, { ...asked, at: request.at })
  return answer(lane, { queued: range ?? null })
}

function answer({ id }: Lane, body: unknown): FhirResponse {
  return { status: 200, body, audit: { entities: [{ type: 'Subscription', id }] } }
}
