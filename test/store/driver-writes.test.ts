/** A command on a connection that has ended (storage.md "Transactions"): it fails, and is not waited for. */

import { createRequire } from 'node:module'
import { Socket } from 'node:net'
import { expect, test } from '@jest/globals'
import { type DriverConnection, mendDriver } from '../../src/store/driver-writes.ts'

test('a command written to a socket that is gone, before the driver has heard of it, fails at once', async () => {
  mendDriver()
  mendDriver()
  const { Connection } = createRequire(import.meta.url)('mongodb/lib/cmap/connection.js')
  const told: Error[] = []
  const connection: DriverConnection = { socket: new Socket().destroy(), onError: (error) => void told.push(error) }
  const command = { toBin: async () => [Buffer.from('a command')] }
  const writing = Connection.prototype.writeCommand.call(connection, command, { agreedCompressor: 'none' })
  await expect(writing).rejects.toMatchObject({ name: 'MongoNetworkError' })
  expect(told).toHaveLength(1)
})
