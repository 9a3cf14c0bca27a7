/** Whose a loopback connection is, by its port. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, test } from '@jest/globals'
import { findOwner } from './connection-owner.ts'

test('a connection is of the process that opened it, and of nobody else', async () => {
  const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(client, 'connect')
  const port = client.localPort ?? 0
  expect([findOwner(port, [1, process.pid]), findOwner(port, [1]), findOwner(1, [process.pid])]).toEqual([
    process.pid,
    undefined,
    undefined,
  ])
  client.destroy()
  server.close()
})
