/** Birth dates of the scenario children: who becomes how old on which day. */
import type { LondonDay } from '../domain/brands.ts'

/** The birth date of someone who becomes `years` old on `day`. Where that birth date would be a 29 February that did not exist, the day before (`earlier`) or after (`later`). Pure. */
export function birthdayBefore(day: LondonDay, years: number, missing: 'earlier' | 'later'): string {
  const year = Number(day.slice(0, 4)) - years
  const isLeap = new Date(Date.UTC(year, 1, 29)).getUTCMonth() === 1
  if (day.slice(5) !== '02-29' || isLeap) return `${year}-${day.slice(5)}`
  return missing === 'earlier' ? `${year}-02-28` : `${year}-03-01`
}
