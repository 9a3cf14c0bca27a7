/** Collects the faults of one check: each place and code once. */
import type { CatalogueCode } from './catalogue.ts'
import { type Issue, issue } from './outcome.ts'

/** Enough to mend a resource by; a body made of nothing but faults must not become an answer of megabytes. */
const MOST_FAULTS = 200

export class FaultList {
  readonly issues: Issue[] = []
  readonly #seen = new Set<string>()

  /** Adds a fault unless the same code was said of the same place, or 200 were said. */
  add(code: CatalogueCode, place: string, text?: string): void {
    const key = `${code} ${place}`
    if (this.#seen.has(key) || this.#seen.size >= MOST_FAULTS) return
    this.#seen.add(key)
    this.issues.push(issue(code, place, text))
  }

  get count(): number {
    return this.issues.length
  }
}
