/** eventsSinceNumber and eventsUntilNumber of $events and $resend (Backport 1.1.0: strings in R4), both inclusive. */
import type { ParameterSpec } from '../../fhir/parameters.ts'
import type { NumberRange } from '../../store/delivery-store.ts'
import { type OperationInput, wrongInput } from './operation-input.ts'

export const NUMBER_INPUTS = {
  eventsSinceNumber: { type: 'valueString', min: 0, max: 1 },
  eventsUntilNumber: { type: 'valueString', min: 0, max: 1 },
} as const satisfies ParameterSpec

/** So far back events can be had again (delivery.md "Recovery"). */
const DAYS_BACK = 90
const DAY_MS = 24 * 60 * 60 * 1000

/** The numbers asked for; open ends reach as far as there are any. Throws INVALID_PARAMETER with the place. Pure. */
export function parseNumberRange({ values, placeOf }: OperationInput<typeof NUMBER_INPUTS>): NumberRange {
  const read = (name: keyof typeof NUMBER_INPUTS, open: number): number => {
    const text = values[name]
    if (text === undefined) return open
    if (/^\d{1,15}$/.test(text)) return Number(text)
    throw wrongInput(placeOf(name), `${name} must be an event number: a whole number as a string.`)
  }
  const from = Math.max(read('eventsSinceNumber', 1), 1)
  const through = read('eventsUntilNumber', Number.MAX_SAFE_INTEGER)
  if (through < from && values.eventsUntilNumber !== undefined)
    throw wrongInput(placeOf('eventsUntilNumber'), 'eventsUntilNumber must not be below eventsSinceNumber.')
  return { from, through }
}

/** The instant from which on events can be had again. Pure. */
export function earliestEvent(at: Date): string {
  return new Date(at.getTime() - DAYS_BACK * DAY_MS).toISOString()
}
