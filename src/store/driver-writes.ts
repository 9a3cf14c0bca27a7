/**
 * Mends the driver (mongodb 7.9.0): between the end of a connection and the event that tells of it, a command written to it waits for
 * ever for room in a socket that is gone, and with it the check that asked. Such a connection is given up at once, as the driver
 * does a moment later, and the operation fails as with any connection that has ended: it is tried again or answered 503.
 */
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { MongoNetworkError } from 'mongodb'

/** What of the driver's own Connection is touched. */
export interface DriverConnection {
  readonly socket: Pick<Socket, 'destroyed'>
  onError(error: Error): void
}

type Write = (this: DriverConnection, ...given: unknown[]) => Promise<void>

const CONNECTION = 'mongodb/lib/cmap/connection.js'

/** The way a connection writes, mended. */
function writeUnlessGone(write: Write): Write {
  return async function (this: DriverConnection, ...given) {
    if (!this.socket.destroyed) return write.apply(this, given)
    const error = new MongoNetworkError('The connection has ended.')
    this.onError(error)
    throw error
  }
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
