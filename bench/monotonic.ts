/** One clock for all processes of this machine: monotonic, in ms since it was started. */
import process from 'node:process'

export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
