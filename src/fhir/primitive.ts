/** The formats of R4's primitive types (datatypes.html "Primitive Types"): regular expressions, and days that exist. */

const DATE = /^([1-9]\d\d\d|0\d\d[1-9]|0\d[1-9]\d|0[1-9]\d\d)(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$/
const TIME = /^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?$/
const ZONE = /^(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))$/
const DATE_TIME = /^([0-9-]{4,10})(?:T([0-9:.]+)(Z|[+-][0-9:]+))?$/
const WHITE_AT_ENDS = /^\s|\s$/

/** R4 allows tab, line feed and carriage return, and no other control character. */
function hasControl(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at)
    if ((code < 32 && code !== 9 && code !== 10 && code !== 13) || code === 127) return true
  }
  return false
}

type Check = (value: unknown) => boolean
const text = (test: (value: string) => boolean): Check => {
  return (value) => typeof value === 'string' && value.length > 0 && value.length <= 1_048_576 && test(value)
}
const matching = (pattern: RegExp): Check => text((value) => pattern.test(value))
const integer = (least: number): Check => {
  return (value) => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= 2_147_483_647
}
const isUri = text((value) => !/[\s<>"{}|\\^`]/.test(value) && !hasControl(value))
const isString = text((value) => !hasControl(value) && value.trim() !== '')

/** Whether a text is a R4 date (YYYY, YYYY-MM or YYYY-MM-DD) of a day that exists. Pure. */
export function isFhirDate(value: string): boolean {
  if (!DATE.test(value)) return false
  if (value.length < 10) return true
  // Date.UTC rolls 30 February over to March: a day that does not exist comes back as another.
  return new Date(`${value}T00:00:00Z`).toISOString().startsWith(value)
}

/** Whether a text is a R4 dateTime: a date, or a whole day with time and zone. Pure. */
export function isFhirDateTime(value: string): boolean {
  const [, day = '', time, zone = ''] = DATE_TIME.exec(value) ?? []
  if (!isFhirDate(day)) return false
  return time === undefined || (day.length === 10 && TIME.test(time) && ZONE.test(zone))
}

const CHECKS: Readonly<Record<string, Check>> = {
  boolean: (value) => typeof value === 'boolean',
  integer: integer(-2_147_483_648),
  unsignedInt: integer(0),
  positiveInt: integer(1),
  decimal: (value) => typeof value === 'number' && Number.isFinite(value),
  string: isString,
  markdown: isString,
  // An identifier with white space around it would never be found again.
  code: text((value) => !hasControl(value) && !WHITE_AT_ENDS.test(value) && !/\s\s|[\t\n\r]/.test(value)),
  id: matching(/^[A-Za-z0-9\-.]{1,64}$/),
  uri: isUri,
  url: isUri,
  canonical: isUri,
  oid: matching(/^urn:oid:[0-2](\.(0|[1-9]\d*))+$/),
  uuid: matching(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  date: text(isFhirDate),
  dateTime: text(isFhirDateTime),
  instant: text((value) => value.length > 10 && isFhirDateTime(value)),
  time: matching(TIME),
  base64Binary: text((value) => /^[A-Za-z0-9+/\s]+={0,2}$/.test(value) && value.replace(/\s/g, '').length % 4 === 0),
  xhtml: text(() => true),
}

export const PRIMITIVE_TYPES: ReadonlySet<string> = new Set(Object.keys(CHECKS))

/** Whether a JSON value is a well-formed value of a R4 primitive type. Unknown types have no value that fits. Pure. */
export function isPrimitiveValue(type: string, value: unknown): boolean {
  return CHECKS[type]?.(value) ?? false
}
