/**
 * Mends how the driver (mongodb 7.9.0) writes to a connection that ends (docs/decisions/0009). Between the end and the event that
 * tells of it, a command waits for ever for room in a socket that is gone, and with it the check that asked. And one that waits for
 * room as it ends fails with the socket's bare error, which has no labels: no transaction is tried again, and a commit falls over it
 * with a TypeError. In both the connection is given up at once, as the driver does a moment later, with the error it expects: the
 * operation is tried again or answered 503.
 */
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { MongoError, MongoNetworkError } from 'mongodb'

/** What of the driver's own Connection is touched. */
export interface DriverConnection {
  readonly socket: Pick<Socket, 'destroyed'>
  onError(error: Error): void
}

type Write = (this: DriverConnection, ...given: unknown[]) => Promise<void>

const CONNECTION = 'mongodb/lib/cmap/connection.js'

/** The way a connection writes, mended. What is wrong with the command itself stays what it is. */
function writeUnlessGone(write: Write): Write {
  return async function (this: DriverConnection, ...given) {
    if (this.socket.destroyed) throw giveUp(this)
    try {
      return await write.apply(this, given)
    } catch (error) {
      throw error instanceof MongoError || !this.socket.destroyed ? error : giveUp(this, error)
    }
  }
}

function giveUp(connection: DriverConnection, cause?: unknown): MongoNetworkError {
  const error = new MongoNetworkError('The connection has ended.', { cause: cause as Error })
  connection.onError(error)
  return error
}

/** For all clients of this process. Throws when the driver is not built as the version that this was written for. */
export function mendDriver(): void {
  const { Connection } = createRequire(import.meta.url)(CONNECTION) as {
    readonly Connection: { readonly prototype: { writeCommand: Write & { isMended?: true } } }
  }
  const { prototype } = Connection
  if (prototype.writeCommand.isMended) return
  prototype.writeCommand = Object.assign(writeUnlessGone(prototype.writeCommand), { isMended: true as const })
}
