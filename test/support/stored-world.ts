/** What tests of the work of the day look at in a server's database: events by plan, and the lease of the work of the day. */
import { MongoClient } from 'mongodb'
import type { RegisterEvent, Topic } from '../../src/domain/events.ts'
import { UNTIL } from '../../src/store/delivery-leases.ts'
import { LEASE_MS } from '../../src/store/delivery-store.ts'
import type { TestServer } from './server.ts'

interface StoredEvent {
  readonly _id: string
  readonly event: RegisterEvent
}
interface StoredLease {
  readonly _id: string
  readonly holder: string
  readonly token: number
  readonly until: Date
}

const STUCK = 'a process that is stuck'

export interface StoredWorld {
  /** Events of one topic that name this plan, oldest first. */
  eventsOf(topic: Topic, planId: string): Promise<readonly RegisterEvent[]>
  /** How many events of one topic there are. */
  countEvents(topic: Topic): Promise<number>
  /** Gives the work of the day to a process that never does it, until it is freed. */
  blockDaily(): Promise<void>
  freeDaily(): Promise<void>
  close(): Promise<void>
}

export function openStoredWorld(server: TestServer): StoredWorld {
  const { mongodbUrl = '', mongodbDatabase } = server.context.config
  const client = new MongoClient(mongodbUrl, { serverSelectionTimeoutMS: 5000 })
  const db = client.db(mongodbDatabase)
  const events = db.collection<StoredEvent>('events')
  const leases = db.collection<StoredLease>('leases')
  let renewal: NodeJS.Timeout | undefined
  const hold = async (from: Partial<StoredLease>): Promise<void> => {
    const token = { $add: ['$token', 1] }
    await leases.updateOne({ _id: 'daily', ...from }, [{ $set: { holder: STUCK, until: UNTIL, token } }])
  }
  return {
    async eventsOf(topic, planId) {
      const filter = { 'event.topic': topic, 'event.plans.id': planId }
      return (await events.find(filter).sort({ 'event.at': 1 }).toArray()).map(({ event }) => event)
    },
    countEvents: (topic) => events.countDocuments({ 'event.topic': topic }),
    async blockDaily() {
      await hold({})
      // No lease lasts longer than LEASE_MS; once freed it is not taken back by a renewal under way
      renewal = setInterval(() => void hold({ holder: STUCK }).catch(() => undefined), LEASE_MS / 4)
    },
    async freeDaily() {
      clearInterval(renewal)
      await leases.updateOne({ _id: 'daily' }, { $set: { holder: '', until: new Date(0) }, $inc: { token: 1 } })
    },
    async close() {
      clearInterval(renewal)
      await client.close()
    },
  }
}
