/** What a run says while it goes on: a line on standard error, so that standard output has the tables alone. */
import process from 'node:process'

export function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
