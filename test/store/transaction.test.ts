import { once } from 'node:events'
import { createServer, type Server, Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { pino } from 'pino'
import { buildLockQueues, NotYourTurn } from '../../src/store/lock-queue.ts'
import { type OpenStore, openStore } from '../../src/store/mongo-store.ts'
import { auditRecord, NOON, openTestStore, type TestStore } from '../support/test-store.ts'
import { waitFor } from '../support/wait-for.ts'

let opened: TestStore
let proxy: CuttingProxy
let store: OpenStore
beforeAll(async () => {
  opened = await openTestStore()
  proxy = await startCuttingProxy(Number(new URL(opened.database.url).port))
  const options = { database: opened.database.database, keys: opened.keys, log: pino({ level: 'silent' }) }
  // Directly: a replica set's members are known by their own addresses, past the proxy.
  const url = `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`
  store = await openStore({ ...options, url, clock: () => new Date(NOON) })
})
afterAll(async () => {
  await store.close()
  proxy.close()
  await opened.close()
})

test('a commit whose answer is lost is repeated and counts once; the work does not run again', async () => {
  let runs = 0
  proxy.cutAnswerTo('commitTransaction')
  await store.transact(async (unit) => {
    runs++
    await unit.appendAudit(auditRecord('lost-answer'))
  })
  expect(proxy.cuts()).toBe(1)
  expect(runs).toBe(1)
  expect(await opened.store.read.countAudits({ ids: ['lost-answer'] })).toBe(1)
})

test('a connection lost in the middle makes the whole work run again, with one effect', async () => {
  let runs = 0
  proxy.cutAnswerTo('auditEvents')
  await store.transact(async (unit) => {
    runs++
    await unit.appendAudit(auditRecord('lost-insert'))
  })
  expect(proxy.cuts()).toBe(2)
  expect(runs).toBe(2)
  expect(await opened.store.read.countAudits({ ids: ['lost-insert'] })).toBe(1)
})

test('five servers that open a fresh database at once prepare it once', async () => {
  const log = pino({ level: 'silent' })
  const database = `${opened.database.database}_b`
  const options = { url: opened.database.url, database, keys: opened.keys, clock: () => new Date(NOON), log }
  const stores = await Promise.all(Array.from({ length: 5 }, () => openStore(options)))
  const [first] = stores
  const records = await first?.handle.db.collection('migrations').find().sort({ _id: 1 }).toArray()
  const [lease, ...migrations] = (records ?? []).map(({ _id }) => String(_id))
  expect(lease).toBe('lease')
  expect(migrations.length).toBeGreaterThan(1)
  expect(migrations).toEqual(migrations.map((_, n) => `m${String(n + 1).padStart(4, '0')}`))
  await first?.handle.db.dropDatabase()
  await Promise.all(stores.map((one) => one.close()))
})

const LONG = { stuckMs: 5_000, mostMs: 5_000 }

test('a queue that gives up waiting still keeps those behind it in order', async () => {
  const queues = buildLockQueues()
  const [first, second, third] = [queues.open(), queues.open(), queues.open()]
  for (const queue of [first, second, third]) queue.enter('child')
  expect(await first.wait(LONG)).toBe(true)
  expect(() => queues.open().enter('child')).toThrow(NotYourTurn)
  expect(() => queues.open().enter('other child')).not.toThrow()
  first.enter('child')
  expect(await second.wait({ stuckMs: 5, mostMs: 5_000 })).toBe(false)
  let hasArrived = false
  const arrival = third.wait(LONG).then((result) => {
    hasArrived = result
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(hasArrived).toBe(false)
  first.leave()
  await arrival
  expect(hasArrived).toBe(true)
  third.leave()
  await waitFor('an empty queue', () => {
    queues.open().enter('child')
    return true
  })
})

test('who stands in a line that moves is not sent away, however long it is; but not for ever', async () => {
  const queues = buildLockQueues()
  const line = Array.from({ length: 12 }, () => queues.open())
  for (const queue of line) queue.enter('child')
  const begunAt = performance.now()
  // each has its turn for a good part of the time that a standing line is stood in
  const turns = line.map(async (queue) => {
    const hasTurn = await queue.wait({ stuckMs: 1_000, mostMs: 20_000 })
    setTimeout(queue.leave, 150)
    return hasTurn
  })
  const hasty = queues.open()
  expect(() => hasty.enter('child')).toThrow(NotYourTurn)
  const sentAway = hasty.wait({ stuckMs: 10_000, mostMs: 100 })
  expect(await sentAway).toBe(false)
  expect(await Promise.all(turns)).toEqual(Array(12).fill(true))
  expect(performance.now() - begunAt).toBeGreaterThan(1_200)
})

interface CuttingProxy {
  readonly port: number
  /** The next answer to a request that holds this word is dropped, with its connection. */
  cutAnswerTo(word: string): void
  cuts(): number
  close(): void
}

async function startCuttingProxy(target: number): Promise<CuttingProxy> {
  let word: string | undefined
  let cuts = 0
  const sockets = new Set<Socket>()
  const server: Server = createServer((client) => {
    const database = new Socket()
    let isCutting = false
    for (const socket of [client, database]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        client.destroy()
        database.destroy()
      })
    }
    client.on('data', (data) => {
      if (word !== undefined && data.includes(word)) {
        word = undefined
        isCutting = true
      }
      database.write(data)
    })
    database.on('data', (data) => {
      if (!isCutting) return client.write(data)
      cuts++
      client.destroy()
      return false
    })
    database.connect(target, '127.0.0.1')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    cutAnswerTo: (next) => {
      word = next
    },
    cuts: () => cuts,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
