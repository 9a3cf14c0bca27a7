/** The syntax of R4 search values (search.html 3.1.1.4): names with modifiers, or-lists, tokens, dates with prefixes. No meaning yet. */

/** `patient:identifier` → name and modifier. Pure. */
export function parseName(text: string): { readonly name: string; readonly modifier?: string } {
  const colon = text.indexOf(':')
  return colon === -1 ? { name: text } : { name: text.slice(0, colon), modifier: text.slice(colon + 1) }
}

/** Splits an or-list at commas that are not escaped, and takes `\,` `\|` `\$` `\\` back. Pipes of tokens stay escaped for splitToken. Pure. */
export function splitOr(text: string): readonly string[] {
  return splitAt(text, ',')
}

export interface SearchToken {
  /** Absent: any system; empty: no system. */
  readonly system?: string
  /** Absent: any value of the system. */
  readonly value?: string
}

/** `system|value`, `|value`, `system|` or `value`. Undefined when empty. Pure. */
export function parseToken(text: string): SearchToken | undefined {
  const parts = splitAt(text, '|').map(unescapeText)
  const [first = '', second] = parts
  if (parts.length > 2) return undefined
  if (second === undefined) return first === '' ? undefined : { value: first }
  if (second === '') return first === '' ? undefined : { system: first }
  return { system: first, value: second }
}

/** Takes escapes back in a plain string value. Pure. */
export function unescapeText(text: string): string {
  return text.replace(/\\([\\,|$])/g, '$1')
}

function splitAt(text: string, separator: string): readonly string[] {
  const parts: string[] = []
  let part = ''
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at)
    if (char === '\\') {
      part += char + text.charAt(at + 1)
      at += 1
    } else if (char === separator) {
      parts.push(part)
      part = ''
    } else part += char
  }
  return [...parts, part]
}

export const DATE_PREFIXES = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'] as const
export type DatePrefix = (typeof DATE_PREFIXES)[number]

export interface SearchDate {
  readonly prefix: DatePrefix
  /** The precision as sent: 4, 7, 10 characters for year, month, day; else an instant. */
  readonly text: string
  /** First instant of the span, and the first behind it, ISO 8601 UTC. */
  readonly from: string
  readonly before: string
}

const DATE =
  /^(eq|ne|gt|lt|ge|le|sa|eb|ap)?(\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?)?)?)$/

/** A date of any precision with its prefix; undefined when it is none. Dates without a zone are taken as UTC spans. Pure. */
export function parseSearchDate(text: string): SearchDate | undefined {
  const [, prefix = 'eq', date] = DATE.exec(text) ?? []
  const span = date === undefined ? undefined : spanOf(date)
  const known = DATE_PREFIXES.find((one) => one === prefix)
  return span === undefined || date === undefined || known === undefined
    ? undefined
    : { prefix: known, text: date, ...span }
}

function spanOf(date: string): { from: string; before: string } | undefined {
  // R4 datatypes.html#date: there is no year 0
  if (date.startsWith('0000')) return undefined
  if (date.length <= 10) {
    const from = new Date(`${date}${'-01-01'.slice(date.length - 4)}T00:00:00Z`)
    if (Number.isNaN(from.getTime()) || !from.toISOString().startsWith(date)) return undefined
    const before = new Date(from)
    if (date.length === 4) before.setUTCFullYear(from.getUTCFullYear() + 1)
    else if (date.length === 7) before.setUTCMonth(from.getUTCMonth() + 1)
    else before.setUTCDate(from.getUTCDate() + 1)
    return { from: textOf(from), before: textOf(before) }
  }
  const zoned = /(Z|[+-]\d\d:\d\d)$/.test(date) ? date : `${date}Z`
  const from = new Date(zoned)
  if (Number.isNaN(from.getTime())) return undefined
  return { from: textOf(from), before: textOf(new Date(from.getTime() + widthMs(date))) }
}

/** Behind every instant that is stored. Instants are compared as text, and that of the year 10000 would stand before all others. */
export const END_OF_TIME = '9999-12-32T00:00:00.000Z'

function textOf(instant: Date): string {
  return instant.getUTCFullYear() > 9999 ? END_OF_TIME : instant.toISOString()
}

function widthMs(date: string): number {
  if (/T\d\d:\d\d(Z|[+-]|$)/.test(date)) return 60_000
  return date.includes('.') ? 1 : 1000
}
