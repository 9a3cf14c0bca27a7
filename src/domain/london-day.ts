/** Calendar days in Europe/London and their arithmetic (register.md P5, R4 datatypes `date` and `dateTime`). */
import type { LondonDay } from './brands.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const wallClock = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})

/** The day of the last UTC hour asked for: London's midnights and clock changes all fall on whole UTC hours. */
let remembered: { readonly hour: number; readonly day: LondonDay } = { hour: Number.NaN, day: '' as LondonDay }

/** The London calendar day of an instant. Throws RangeError for an invalid Date. Pure; nanoseconds when asked again within the hour. */
export function londonDayOf(instant: Date): LondonDay {
  const hour = Math.floor(instant.getTime() / HOUR_MS)
  if (hour !== remembered.hour) remembered = { hour, day: dayOfUtc(instant.getTime() + offsetMs(instant)) }
  return remembered.day
}

/** London's wall clock less UTC, in milliseconds. */
function offsetMs(instant: Date): number {
  const part: Record<string, number> = {}
  for (const { type, value } of wallClock.formatToParts(instant)) part[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
  const wall = Date.UTC(year, month - 1, day, hour, minute, second)
  return wall - Math.floor(instant.getTime() / 1000) * 1000
}

function dayOfUtc(utcMs: number): LondonDay {
  return new Date(utcMs).toISOString().slice(0, 10) as LondonDay
}

function utcOf(day: LondonDay): number {
  return Date.parse(`${day}T00:00:00Z`)
}

/** The day so many days later (earlier when negative). Pure. */
export function addDays(day: LondonDay, days: number): LondonDay {
  return dayOfUtc(utcOf(day) + days * DAY_MS)
}

/** Whole days from one day to a later one; negative when it is earlier. Pure. */
export function daysBetween(from: LondonDay, to: LondonDay): number {
  return Math.round((utcOf(to) - utcOf(from)) / DAY_MS)
}

/** The instant at which London's clocks show that hour (0–23) of that day; the first of two on the night that has it twice, an hour later on the night that leaves it out. Pure. */
export function londonInstant(day: LondonDay, hour: number): Date {
  return instantOfWallClock(utcOf(day) + hour * HOUR_MS)
}

/** The first instant at which London's clocks show that wall time; where no clock shows it, as if they had not gone forward. */
function instantOfWallClock(wallMs: number): Date {
  const inSummer = new Date(wallMs - HOUR_MS)
  return offsetMs(inSummer) === HOUR_MS ? inSummer : new Date(wallMs)
}

/** The same day or London wall-clock time so many calendar months later (earlier when negative); the last day of the month where the day does not exist. Pure. */
export function addCalendarMonths(from: LondonDay, months: number): LondonDay
export function addCalendarMonths(from: Date, months: number): Date
export function addCalendarMonths(from: LondonDay | Date, months: number): LondonDay | Date {
  if (typeof from === 'string') return shiftMonths(from, months)
  const day = londonDayOf(from)
  const sinceMidnight = from.getTime() + offsetMs(from) - utcOf(day)
  return instantOfWallClock(utcOf(shiftMonths(day, months)) + sinceMidnight)
}

function shiftMonths(day: LondonDay, months: number): LondonDay {
  const index = Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7)) - 1 + months
  const year = Math.floor(index / 12)
  const month = index - year * 12
  return dayOfUtc(Date.UTC(year, month, Math.min(Number(day.slice(8)), lastDayOfMonth(year, month + 1))))
}

/** How many days a month (1–12) has. Pure. */
export function lastDayOfMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate()
}

const DATE = /^([1-9]\d{3})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/
const DATE_TIME =
  /^(\d{4}-\d{2}-\d{2})T(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)$/

/** The London day of a R4 `date` or `dateTime`; undefined for partial dates, days that no calendar has and everything else. Pure. */
export function parseDay(text: unknown): LondonDay | undefined {
  if (typeof text !== 'string') return undefined
  if (isCalendarDay(text)) return text
  const [, date] = DATE_TIME.exec(text) ?? []
  if (date === undefined || !isCalendarDay(date)) return undefined
  // R4 allows a leap second; Date does not know it.
  return londonDayOf(new Date(text.replace(/^(.{17})60/, '$159')))
}

function isCalendarDay(text: string): text is LondonDay {
  const [, year, month, day] = DATE.exec(text) ?? []
  return day !== undefined && Number(day) <= lastDayOfMonth(Number(year), Number(month))
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const

/** A day as people read it, e.g. `3 May 2026`. Pure. */
export function dayInWords(day: LondonDay): string {
  return `${Number(day.slice(8))} ${MONTHS[Number(day.slice(5, 7)) - 1]} ${day.slice(0, 4)}`
}
