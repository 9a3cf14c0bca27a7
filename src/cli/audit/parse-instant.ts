/** Bounds of time on the command line: an instant, or a day (UTC). */
import { CliError, EXIT } from '../io.ts'

const SHAPE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/

/** ISO 8601 in UTC with milliseconds. Throws CliError. Pure. */
export function parseInstant(option: string, text: string): string {
  const at = new Date(SHAPE.test(text) ? text : Number.NaN)
  if (Number.isNaN(at.getTime()))
    throw new CliError(EXIT.usage, `${option}: must be a day or an instant, such as 2026-05-03T08:00:00Z.`)
  return at.toISOString()
}
