/** Access tokens already verified, by SHA-256, until they expire: a fixed number, the longest unused forgotten first. */
import { hash } from 'node:crypto'
import type { Caller } from './caller.ts'

const MOST_TOKENS = 10_000

interface Remembered {
  readonly caller: Caller
  readonly expiresAtMs: number
}

export class VerifiedTokens {
  readonly #most: number
  readonly #byHash = new Map<string, Remembered>()

  constructor(most = MOST_TOKENS) {
    this.#most = most
  }

  get size(): number {
    return this.#byHash.size
  }

  /** The caller of a token verified before and not expired at `nowMs`. */
  find(token: string, nowMs: number): Caller | undefined {
    const key = hashOf(token)
    const found = this.#byHash.get(key)
    if (found === undefined) return undefined
    this.#byHash.delete(key)
    if (found.expiresAtMs <= nowMs) return undefined
    this.#byHash.set(key, found)
    return found.caller
  }

  add(token: string, caller: Caller, expiresAtMs: number): void {
    const oldest = this.#byHash.keys().next()
    if (this.#byHash.size >= this.#most && oldest.done !== true) this.#byHash.delete(oldest.value)
    this.#byHash.set(hashOf(token), { caller, expiresAtMs })
  }
}

function hashOf(token: string): string {
  return hash('sha256', token, 'base64')
}
