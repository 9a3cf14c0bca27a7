/** A command on a connection that has ended (storage.md "Transactions"): it fails, and is not waited for. */

import { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import { Socket } from 'node:net'
import { expect, test } from '@jest/globals'
import { type DriverConnection, mendDriver } from '../../src/store/driver-writes.ts'

const COMMAND = { toBin: async () => [Buffer.from('a command')] }
const { Connection } = createRequire(import.meta.url)('mongodb/lib/cmap/connection.js')

async function writing(connection: DriverConnection, command: object = COMMAND): Promise<void> {
  await Connection.prototype.writeCommand.call(connection, command, { agreedCompressor: 'none' })
}

/** A socket without room, as the driver sees it. */
function fullSocket(): EventEmitter & { destroyed: boolean } {
  return Object.assign(new EventEmitter(), { destroyed: false, write: () => false })
}

test('a command written to a socket that is gone, before the driver has heard of it, fails at once', async () => {
  mendDriver()
  mendDriver()
  const told: Error[] = []
  const connection: DriverConnection = { socket: new Socket().destroy(), onError: (error) => void told.push(error) }
  await expect(writing(connection)).rejects.toMatchObject({ name: 'MongoNetworkError' })
  expect(told).toHaveLength(1)
})

test('a socket that ends while a command waits for room fails as the driver expects it: a commit fell over its bare error', async () => {
  mendDriver()
  const socket = fullSocket()
  const written = writing({ socket, onError: () => undefined })
  setImmediate(() => {
    socket.destroyed = true
    socket.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  })
  await expect(written).rejects.toMatchObject({ name: 'MongoNetworkError', cause: { code: 'EPIPE' } })
})

test('what is wrong with a command itself stays what it is', async () => {
  mendDriver()
  const toBin = async (): Promise<never> => Promise.reject(new RangeError('too long'))
  await expect(writing({ socket: fullSocket(), onError: () => undefined }, { toBin })).rejects.toThrow(RangeError)
})
