/** What of the driver's failures leaves the store (storage.md "Transactions"): a broken connection is transient, also where the driver lets the socket's own error through. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, test } from '@jest/globals'
import { MongoError, MongoNetworkError } from 'mongodb'
import { mayRepeatCommit, mayRetryTransaction, toStoreError } from '../../src/store/mongo-errors.ts'
import { StoreError } from '../../src/store/store.ts'

/** As a write to a connection that was reset ends: the driver waits for `drain` and passes on what comes instead. */
function socketError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall, errno: -104 })
}

const kindOf = (error: unknown): string | undefined => {
  const found = toStoreError(error)
  return found instanceof StoreError ? found.kind : undefined
}

test.each([
  ['ECONNRESET', 'write'],
  ['ECONNRESET', 'read'],
  ['EPIPE', 'write'],
  ['ECONNREFUSED', 'connect'],
  ['ETIMEDOUT', 'connect'],
])('P1 a socket that ends with %s at %s is a database that is not there, never an unknown fault', (code, syscall) => {
  expect(kindOf(socketError(code, syscall))).toBe('transient')
})

/** What node itself gives a write to a connection that the other side has ended: an EPIPE that no system call made. */
async function writeAfterEnd(): Promise<Error> {
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined)
  client.resume()
  await once(client, 'end')
  const { promise, resolve, reject } = Promise.withResolvers<Error>()
  client.write('x', (error) => (error ? resolve(error) : reject(new Error('It was written.'))))
  const error = await promise
  client.destroy()
  server.close()
  return error
}

test('P1 a connection that the other side has ended is a database that is not there, and its commit may be repeated', async () => {
  const error = await writeAfterEnd()
  expect(error).toMatchObject({ code: 'EPIPE' })
  expect(error).not.toHaveProperty('syscall')
  expect(kindOf(error)).toBe('transient')
  expect([mayRepeatCommit(error), mayRetryTransaction(error)]).toEqual([true, false])
})

test('its commit may be repeated, its work may not run again on the strength of it: the commit may have been carried out', () => {
  expect(mayRepeatCommit(socketError('ECONNRESET', 'write'))).toBe(true)
  expect(mayRetryTransaction(socketError('ECONNRESET', 'write'))).toBe(false)
})

test('the driver’s own errors are transient, and what is no failure of the database stays what it is', () => {
  expect(kindOf(new MongoNetworkError('connection 1 closed'))).toBe('transient')
  expect(kindOf(new MongoError('anything'))).toBe('transient')
  const ours = new TypeError('a mistake of ours')
  const file = Object.assign(new Error('ENOENT'), { code: 'ENOENT', syscall: 'open' })
  expect([toStoreError(ours), toStoreError(file)]).toEqual([ours, file])
})
