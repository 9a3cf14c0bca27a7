/** Newline-delimited JSON (application/fhir+ndjson): one resource a line, each line read by itself, so that a bad one does not stop the rest. */
import { parseStrictJson, type StrictJson } from './json.ts'
import { type Issue, issue } from './outcome.ts'

export interface NdjsonLine {
  /** Counted from 1, blank lines included. */
  readonly line: number
  readonly parsed: StrictJson
}

/** A body of lines, as a request carries it. */
export interface Ndjson {
  readonly lines: readonly NdjsonLine[]
}

const MOST_NODES_A_LINE = 10_000
const LINE_FEED = 0x0a

/** The lines that are not blank, or TOO_MANY_ENTRIES. Pure. */
export function parseNdjson(bytes: Uint8Array, mostLines: number): Ndjson | { readonly issue: Issue } {
  const lines: NdjsonLine[] = []
  let line = 0
  for (let from = 0; from < bytes.length; ) {
    const found = bytes.indexOf(LINE_FEED, from)
    const to = found === -1 ? bytes.length : found
    line += 1
    const part = bytes.subarray(from, to)
    if (part.some((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0d)) {
      if (lines.length === mostLines) return { issue: tooMany(mostLines) }
      lines.push({ line, parsed: parseStrictJson(part, { maxNodes: MOST_NODES_A_LINE }) })
    }
    from = to + 1
  }
  return { lines }
}

/** Pure. */
export function tooMany(most: number): Issue {
  return issue('TOO_MANY_ENTRIES', undefined, `At most ${most.toLocaleString('en-GB')} entries are taken at once.`)
}
