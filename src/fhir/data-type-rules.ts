/** Rules of R4 data types that the walk keeps itself: references point at what the profile allows, periods do not end before they start. */
import type { FaultList } from './fault-list.ts'
import type { JsonObject } from './json-object.ts'

const RELATIVE = /^([A-Z][A-Za-z]{1,40})(?:\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?|\?.+)$/
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\S+$/i
const ABSOLUTE_TYPE = /\/([A-Z][A-Za-z]{1,40})\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/

/** R4 references.html: literal (relative, absolute, urn, conditional) or by type. Contained ones are refused with contained. */
export function checkReference(value: JsonObject, targets: readonly string[], at: string, faults: FaultList): void {
  const { reference, type } = value
  if (typeof reference === 'string') checkLiteral(reference, targets, at, faults)
  if (typeof type === 'string' && targets.length > 0 && !targets.includes(type)) {
    faults.add('PROFILE', `${at}.type`, `This must refer to ${targets.join(' or ')}.`)
  }
}

function checkLiteral(reference: string, targets: readonly string[], at: string, faults: FaultList): void {
  const relative = RELATIVE.exec(reference)
  if (relative === null && !ABSOLUTE.test(reference)) {
    faults.add('INVALID_RESOURCE', `${at}.reference`, 'Not a reference that can be followed: send Type/id or urn:uuid.')
    return
  }
  const type = relative?.[1] ?? ABSOLUTE_TYPE.exec(reference)?.[1]
  if (type !== undefined && targets.length > 0 && !targets.includes(type)) {
    faults.add('PROFILE', `${at}.reference`, `This must refer to ${targets.join(' or ')}.`)
  }
}

/** Of a plan the rule END_BEFORE_START reports it (interface.md "Errors": one fault, one report). */
const PERIODS_OF_RULES: ReadonlySet<string> = new Set(['EpisodeOfCare.period'])

/** per-1: the end is not before the start. Told only when it is certain, whatever the precision of the two. */
export function checkPeriod(value: JsonObject, at: string, faults: FaultList): void {
  const { start, end } = value
  if (typeof start !== 'string' || typeof end !== 'string' || PERIODS_OF_RULES.has(at)) return
  if (isCertainlyBefore(end, start)) faults.add('INVALID_RESOURCE', at, 'The end is before the start.')
}

function isCertainlyBefore(a: string, b: string): boolean {
  if (a.includes('T') && b.includes('T')) return Date.parse(a) < Date.parse(b)
  const length = Math.min(10, a.length, b.length)
  const [dayA, dayB] = [a.slice(0, length), b.slice(0, length)]
  if (a.includes('T') === b.includes('T')) return dayA < dayB
  // A day without zone and an instant with one may differ by a day and mean the same.
  return Date.parse(dayB) - Date.parse(dayA) > 86_400_000
}
