/** Days, times, numbers and names as people in England say them; every day is a London day (register.md P5). */
import { londonDayOf } from '../domain/london-day.ts'

const LONDON = 'Europe/London'

const dayMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', timeZone: 'UTC' })
const dayMonthYear = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  timeZone: 'UTC',
})
const clockTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: LONDON })

/** `3 May 2026`, or `3 May` when the year is that of `beside` (YYYY-MM-DD). A partial date stays as it is. Pure. */
export function sayDay(day: string, beside?: string): string {
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) return day
  const format = beside !== undefined && beside.slice(0, 4) === day.slice(0, 4) ? dayMonth : dayMonthYear
  return format.format(new Date(`${day}T00:00:00Z`))
}

/** `09:12` in London. Pure. */
export function sayTime(at: Date): string {
  return clockTime.format(at)
}

/** `3 May 2026 12:00`: day and time in London. Pure. */
export function sayInstant(instant: string): string {
  const at = new Date(instant)
  return `${sayDay(londonDayOf(at))} ${sayTime(at)}`
}

/** `999 597 3952`: the 3-3-4 form; anything else stays as it is. Pure. */
export function sayNumber(nhsNumber: string): string {
  return nhsNumber.replace(/^(\d{3})(\d{3})(\d{4})$/, '$1 $2 $3')
}

/** `1 plan`, `2 plans`. Pure. */
export function sayCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** `R. Khan` of "Ravi Khan" or "KHAN, Ravi"; a single word stays. Pure. */
export function shortName(name: string): string {
  const [last = '', first] = name.includes(',') ? name.split(',') : []
  const words = (first === undefined ? name : `${first.trim()} ${last.trim()}`).trim().split(/\s+/)
  const [given, ...rest] = words
  const family = rest.at(-1)
  if (given === undefined || family === undefined) return name
  return `${given.slice(0, 1).toUpperCase()}. ${family.slice(0, 1)}${tail(family)}`
}

/** An all-capitals family name reads better in its own case. */
function tail(family: string): string {
  const rest = family.slice(1)
  return rest === rest.toUpperCase() ? rest.toLowerCase() : rest
}
