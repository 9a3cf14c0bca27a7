/** NHS numbers (register.md R1): what is one, and whether a URL holds one (interface.md "REST", NHS_NUMBER_IN_URL). */
import type { NhsNumber } from './brands.ts'

/** Which numbers a deployment takes: the never-issued range 999 000 0000 – 999 999 9999 (sandbox), or all but it (production). */
export type NumberRange = 'test' | 'real'

export type ParsedNhsNumber =
  | { readonly nhsNumber: NhsNumber; readonly code?: never }
  | { readonly code: 'INVALID_NHS_NUMBER' | 'TEST_NUMBER_REQUIRED'; readonly nhsNumber?: never }

const PLAIN = /^[0-9]{10}$/
const SPACED = /^[0-9]{3} [0-9]{3} [0-9]{4}$/
const TEN_EQUAL = /^([0-9])\1{9}$/
const TEST_RANGE_PREFIX = '999'

/**
 * Parses ten digits, plain or in 3-3-4 form with single spaces, into a number without spaces. Refuses everything else
 * (full-width digits, letters, ten equal digits, a wrong check digit) and numbers of the other range. Pure.
 */
export function parseNhsNumber(text: unknown, range: NumberRange): ParsedNhsNumber {
  const digits = typeof text === 'string' ? digitsOf(text) : undefined
  if (digits === undefined || !isRight(digits)) return { code: 'INVALID_NHS_NUMBER' }
  if (digits.startsWith(TEST_RANGE_PREFIX) !== (range === 'test')) return { code: 'TEST_NUMBER_REQUIRED' }
  return { nhsNumber: digits as NhsNumber }
}

function digitsOf(text: string): string | undefined {
  if (PLAIN.test(text)) return text
  return SPACED.test(text) ? text.replaceAll(' ', '') : undefined
}

/** Modulus 11: weights 10 to 2 over nine digits; 11 stands for 0, and 10 equals no digit. */
function isRight(tenDigits: string): boolean {
  if (TEN_EQUAL.test(tenDigits)) return false
  let sum = 0
  for (let place = 0; place < 9; place++) sum += Number(tenDigits[place]) * (10 - place)
  return (11 - (sum % 11)) % 11 === Number(tenDigits[9])
}

/** A whole token: no letter or digit stands beside it. After decoding a space may still be written as `+`. */
const TOKEN = /(?<![0-9A-Za-z])(?:[0-9]{10}|[0-9]{3}[ +][0-9]{3}[ +][0-9]{4})(?![0-9A-Za-z])/g
/** Proxies and careless clients encode twice; deeper than this is no accident. */
const DECODE_ROUNDS = 3

/**
 * Whether a URL's path or query holds an NHS number of any range as a whole token of ten digits, plain or in 3-3-4
 * form, also percent-encoded. No group of a UUID has ten digits, so UUIDs are not touched. Pure.
 */
export function holdsNhsNumber(text: string): boolean {
  let seen = text
  for (let round = 0; round <= DECODE_ROUNDS; round++) {
    for (const [token] of seen.matchAll(TOKEN)) if (isRight(token.replaceAll(/[ +]/g, ''))) return true
    const decoded = decodePercent(seen)
    if (decoded === seen) return false
    seen = decoded
  }
  return false
}

/** Decodes each `%xx` by itself, a byte of UTF-8 to some letter that is no token's: decodeURIComponent would throw on a stray percent sign and let the rest pass unseen. */
function decodePercent(text: string): string {
  if (!text.includes('%')) return text
  return text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
