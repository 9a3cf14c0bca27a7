/** From when until when a report reaches: whole London days on the command line, instants to the server (register.md P5). */
import type { LondonDay } from '../../domain/brands.ts'
import { addDays, londonDayOf, londonInstant, parseDay } from '../../domain/london-day.ts'
import { CliError, EXIT } from '../io.ts'

export interface ReportPeriod {
  /** Both included. */
  readonly from: LondonDay
  readonly until: LondonDay
}

/** The days asked for; up to today where no end is given. Throws CliError. Pure. */
export function parsePeriod(options: { readonly from?: string; readonly until?: string }, now: Date): ReportPeriod {
  if (options.from === undefined) throw new CliError(EXIT.usage, '--from is needed: the first day, such as 2026-05-01.')
  const from = dayOf('--from', options.from)
  const until = options.until === undefined ? londonDayOf(now) : dayOf('--until', options.until)
  if (until < from) throw new CliError(EXIT.usage, '--until must not be before --from.')
  return { from, until }
}

/** Each day of it, last first. Pure. */
export function* daysOf({ from, until }: ReportPeriod): Generator<ReportPeriod> {
  for (let day = until; day >= from; day = addDays(day, -1)) yield { from: day, until: day }
}

/** The period as `date` parameters of a search: instants, as London's days are not those of UTC. Pure. */
export function dateParameters({ from, until }: ReportPeriod): readonly (readonly ['date', string])[] {
  return [
    ['date', `ge${londonInstant(from, 0).toISOString()}`],
    ['date', `lt${londonInstant(addDays(until, 1), 0).toISOString()}`],
  ]
}

function dayOf(option: string, text: string): LondonDay {
  const day = text.length === 10 ? parseDay(text) : undefined
  if (day === undefined) throw new CliError(EXIT.usage, `${option} must be a day, such as 2026-05-01.`)
  return day
}
