/** Seeded randomness, so that a run can be repeated: numbers, UUIDs and test NHS numbers from one 32-bit seed. */

export interface Random {
  /** At least 0, below 1. */
  fraction(): number
  /** A whole number from 0 to below `bound`. */
  below(bound: number): number
  /** RFC 9562 version 4 in form; not secret. */
  uuid(): string
  /** A valid NHS number of the range that is never issued. */
  nhsNumber(): string
}

/** The same seed gives the same row (sfc32, Chris Doty-Humphrey, warmed up by 16 rounds). No I/O. */
export function buildRandom(seed: number): Random {
  let [a, b, c, d] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, seed | 0]
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return t >>> 0
  }
  for (let round = 0; round < 16; round++) next()
  const fraction = (): number => next() / 2 ** 32
  const below = (bound: number): number => Math.floor(fraction() * bound)
  const hex = (): string => next().toString(16).padStart(8, '0')
  return {
    fraction,
    below,
    uuid() {
      const [first, second, third, fourth] = [hex(), hex(), hex(), hex()]
      return `${first}-${second.slice(0, 4)}-4${second.slice(5)}-8${third.slice(1, 4)}-${third.slice(4)}${fourth}`
    },
    nhsNumber() {
      for (;;) {
        const nine = `999${String(below(1_000_000)).padStart(6, '0')}`
        const digit = checkDigit(nine)
        if (digit !== undefined) return nine + digit
      }
    },
  }
}

/** Modulus 11 (register.md R1); undefined where no digit is right. */
function checkDigit(nine: string): number | undefined {
  let sum = 0
  for (let place = 0; place < 9; place++) sum += Number(nine[place]) * (10 - place)
  const digit = (11 - (sum % 11)) % 11
  return digit === 10 ? undefined : digit
}
