/** Connections on which nothing but refusals come: they are closed, so that a flood pays for new ones (security.md "Abuse and bad input"). */
import type { Socket } from 'node:net'
import type { Exchange } from './exchange.ts'

/** So many refusals in a row. A client whose token has just run out gets a new one long before. */
const MOST_REFUSALS = 32
/** Not who one is, or too much. */
const REFUSALS: ReadonlySet<number> = new Set([401, 429, 503])
/** A body of more than this is not read off only to be refused. */
const MOST_READ_OFF_BYTES = 256 * 1024

const inARow = new WeakMap<Socket, number>()

/** Whether the connection is to be closed with this answer: too many refusals in a row, or a large body that is refused unread. No I/O. */
export function isFlooding({ req }: Pick<Exchange, 'req'>, status: number): boolean {
  if (!REFUSALS.has(status)) {
    inARow.delete(req.socket)
    return false
  }
  const refusals = (inARow.get(req.socket) ?? 0) + 1
  inARow.set(req.socket, refusals)
  return refusals >= MOST_REFUSALS || Number(req.headers['content-length'] ?? 0) > MOST_READ_OFF_BYTES
}
