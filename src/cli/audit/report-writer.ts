/** How a report leaves: text, CSV that no spreadsheet takes for formulas, or one FHIR Bundle; each record as it comes, so that nothing is gathered. */
import type { Resource } from '@medplum/fhirtypes'
import { writeCsvLine } from '../csv.ts'
import type { Io } from '../io.ts'

export const FORMATS = ['text', 'csv', 'fhir'] as const
export type Format = (typeof FORMATS)[number]

/** One line of CSV (RFC 4180) in which a cell that a spreadsheet would calculate begins with an apostrophe (OWASP, CSV injection). Pure. */
export function writeSafeCsvLine(cells: readonly string[]): string {
  return writeCsvLine(
    cells.map((cell) => (/^[\s\uFEFF]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20\t\r]/.test(cell) ? `'${cell}` : cell)),
  )
}

export interface BundleWriter {
  add(fullUrl: string, resource: Resource): void
  /** Ends the Bundle; without it what was written is no JSON, and can be taken for no whole report. */
  end(): void
}

/** Writes a Bundle of type collection entry by entry. */
export function openBundle(io: Io, timestamp: Date): BundleWriter {
  const head = { resourceType: 'Bundle', type: 'collection', timestamp: timestamp.toISOString() }
  let isEmpty = true
  return {
    add(fullUrl, resource) {
      const entry = JSON.stringify({ fullUrl, resource })
      io.out(isEmpty ? `${JSON.stringify(head).slice(0, -1)},"entry":[\n${entry}` : `,\n${entry}`)
      isEmpty = false
    },
    end() {
      io.out(isEmpty ? `${JSON.stringify(head)}\n` : '\n]}\n')
    },
  }
}
