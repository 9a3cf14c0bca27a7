/** What a notification cannot be faster than, in the same run: the same signed Bundle posted bare to the same endpoints, and one bare transaction that writes an event. */
import { type Document, MongoClient } from 'mongodb'
import { Agent, request } from 'undici'
import { DATABASE } from './arena.ts'
import type { Sample } from './endpoints.ts'
import type { Random } from './random.ts'

const FLOOR_DATABASE = 'cpis_bench_floor'

export interface NotifyFloor {
  /** Posts the Bundle once and waits for its answer. */
  post(origin: string): Promise<void>
  /** Writes one event in a transaction of its own: snapshot, majority, journal. */
  transaction(): Promise<void>
  close(): Promise<void>
}

/** Needs an event to have been made. */
export async function openNotifyFloor(url: string, { headers, body }: Sample, random: Random): Promise<NotifyFloor> {
  const client = new MongoClient(url, { compressors: ['none'], writeConcern: { w: 'majority', journal: true } })
  const sample = await client.db(DATABASE).collection('events').findOne()
  if (sample === null) throw new Error('No event was made: nothing to measure the floor with.')
  const target = client.db(FLOOR_DATABASE).collection<Document & { _id: string }>('events')
  await target.createIndex({ state: 1, at: 1, _id: 1 })
  const dispatcher = new Agent({ pipelining: 1 })
  return {
    async post(origin) {
      const reply = await request(`${origin}/notifications`, { method: 'POST', headers, body, dispatcher })
      await reply.body.dump()
      if (reply.statusCode !== 200) throw new Error(`A bare POST was answered ${reply.statusCode}.`)
    },
    async transaction() {
      const session = client.startSession()
      try {
        session.startTransaction({
          readConcern: { level: 'snapshot' },
          writeConcern: { w: 'majority', journal: true },
        })
        await target.insertOne({ ...sample, _id: random.uuid(), at: new Date().toISOString() }, { session })
        await session.commitTransaction()
      } finally {
        await session.endSession()
      }
    },
    async close() {
      await Promise.all([client.close(), dispatcher.close()])
    },
  }
}
