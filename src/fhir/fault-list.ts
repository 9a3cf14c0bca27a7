/** Collects the faults of one check: each place and code once. */
import type { CatalogueCode } from './catalogue.ts'
import { type Issue, issue } from './outcome.ts'

export class FaultList {
  readonly issues: Issue[] = []
  readonly #seen = new Set<string>()

  /** Adds a fault unless the same code was said of the same place. */
  add(code: CatalogueCode, place: string, text?: string): void {
    const key = `${code} ${place}`
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    this.issues.push(issue(code, place, text))
  }

  get count(): number {
    return this.issues.length
  }
}
