/** Period and status of a plan: whole London days that can be right (register.md R11), and the status that follows from them (R12). */

import type { EpisodeOfCare, Period } from '@medplum/fhirtypes'
import { isObject } from '../../fhir/json-object.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'
import type { LondonDay } from '../brands.ts'
import { addCalendarMonths, parseDay } from '../london-day.ts'
import { statusOn } from '../visibility.ts'
import { textOf } from './tolerant.ts'

const EARLIEST_START = '1990-01-01'
const MOST_MONTHS_AHEAD = 12
const WHOLE_DAY = 'A whole day is needed: YYYY-MM-DD.'

export interface ParsedPeriod {
  readonly issues: readonly Issue[]
  readonly start?: LondonDay
  readonly end?: LondonDay
}

/** Start and end as London days, plausible or not; issues for what is missing or no whole day. Pure. */
export function parsePeriod(period: Period | undefined, place: string): ParsedPeriod {
  if (!isObject(period)) return { issues: period === undefined ? [missing(`${place}.start`)] : [] }
  const start = parseWholeDay(period.start, `${place}.start`)
  const end = parseWholeDay(period.end, `${place}.end`)
  return {
    issues: [...(period.start === undefined ? [missing(`${place}.start`)] : []), ...start.issues, ...end.issues],
    ...(start.day === undefined ? {} : { start: start.day }),
    ...(end.day === undefined ? {} : { end: end.day }),
  }
}

const missing = (place: string): Issue => issue('PROFILE', place, 'A plan needs the day it starts.')

/** The London day of a date or dateTime; PROFILE for a partial date, DATE_IMPLAUSIBLE for a day that no calendar has, INVALID_RESOURCE for other text. Nothing for an absent one. Pure. */
export function parseWholeDay(
  value: unknown,
  place: string,
): { readonly issues: readonly Issue[]; readonly day?: LondonDay } {
  const text = textOf(value)
  if (text === undefined) return { issues: [] }
  const day = parseDay(text)
  if (day !== undefined) return { issues: [], day }
  if (/^\d{4}(-\d{2})?$/.test(text)) return { issues: [issue('PROFILE', place, WHOLE_DAY)] }
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return { issues: [issue('DATE_IMPLAUSIBLE', place)] }
  return { issues: [issue('INVALID_RESOURCE', place, 'Not a date or dateTime. Send YYYY-MM-DD.')] }
}

/** R11: end before start; a start before 1990; a start or an end more than one year ahead. A late end is fine (R5). Pure. */
export function checkPeriod(period: ParsedPeriod, place: string, today: LondonDay): readonly Issue[] {
  const { start, end } = period
  const latest = addCalendarMonths(today, MOST_MONTHS_AHEAD)
  const issues: Issue[] = []
  if (start !== undefined && (start < EARLIEST_START || start > latest))
    issues.push(issue('DATE_IMPLAUSIBLE', `${place}.start`))
  if (end !== undefined && end > latest) issues.push(issue('DATE_IMPLAUSIBLE', `${place}.end`))
  if (start !== undefined && end !== undefined && end < start) issues.push(issue('END_BEFORE_START', `${place}.end`))
  return issues
}

/** Whether a sent status says that the plan was a mistake (R4, R12). Pure. */
export function isWithdrawnStatus(status: unknown): boolean {
  return status === 'entered-in-error' || status === 'cancelled'
}

/** R12: waitlist and onhold are refused; a status that the dates contradict is corrected, which an information issue says. Pure. */
export function checkStatus(
  status: EpisodeOfCare['status'] | undefined,
  dates: { readonly start: LondonDay; readonly end?: LondonDay },
  today: LondonDay,
): readonly Issue[] {
  if (status === undefined || status === 'entered-in-error') return []
  const place = 'EpisodeOfCare.status'
  if (status === 'cancelled') return [issue('STATUS_CORRECTED', place, 'cancelled is kept as entered-in-error.')]
  const right = statusOn({ type: 'CPP', withdrawn: false, ...dates }, today)
  return status === right ? [] : [issue('STATUS_CORRECTED', place, `The dates make the status ${right}.`)]
}

/** STATUS_NOT_TAKEN for waitlist and onhold, which need no dates to be refused. Pure. */
export function checkStatusIsTaken(status: unknown): readonly Issue[] {
  return status === 'waitlist' || status === 'onhold' ? [issue('STATUS_NOT_TAKEN', 'EpisodeOfCare.status')] : []
}
