/** Events that wait, written as the dispatcher would have numbered them: straight into the database, while the server is stopped. */
import { MongoClient } from 'mongodb'
import type { AuthorityCode, ResourceId } from '../src/domain/brands.ts'
import { type DeliveryDoc, deliveryCollections } from '../src/store/delivery-collections.ts'
import { DATABASE } from './arena.ts'
import type { Council } from './councils.ts'
import type { Random } from './random.ts'

const DOCUMENTS_AT_ONCE = 5_000

export interface Seed {
  readonly mongodbUrl: string
  readonly random: Random
}

/** `each` more events wait in the lane of every one of these councils. */
export async function seedWaiting(
  { mongodbUrl, random }: Seed,
  councils: readonly Council[],
  each: number,
): Promise<void> {
  const client = new MongoClient(mongodbUrl, { compressors: ['none'], writeConcern: { w: 1 }, ignoreUndefined: true })
  try {
    const { deliveries, laneNumbers } = deliveryCollections(client.db(DATABASE))
    for (const council of councils) {
      const subscription = council.subscription as ResourceId
      const last = (await laneNumbers.findOne({ _id: subscription }))?.last ?? 0
      for (let done = 0; done < each; done += DOCUMENTS_AT_ONCE) {
        const count = Math.min(DOCUMENTS_AT_ONCE, each - done)
        const docs = Array.from({ length: count }, (_, at) => deliveryOf(council, last + done + at + 1, random))
        await deliveries.insertMany(docs, { ordered: false })
      }
      await laneNumbers.updateOne({ _id: subscription }, { $set: { last: last + each } }, { upsert: true })
    }
    // What was loaded is on the disk before anything is measured
    await client.db('admin').command({ fsync: 1 })
  } finally {
    await client.close()
  }
}

function deliveryOf({ gss, subscription }: Council, number: number, random: Random): DeliveryDoc {
  return {
    _id: `${subscription}:${number}`,
    subscription: subscription as ResourceId,
    number,
    state: 'waiting',
    event: {
      id: random.uuid(),
      at: new Date().toISOString(),
      topic: 'child-checked',
      authority: gss as AuthorityCode,
      plans: [{ id: random.uuid() as ResourceId, version: 1, type: 'CPP' }],
      caseStatus: 'open',
      setting: 'emergency-department',
      incident: { id: random.uuid(), leg: 1, inSixMonths: 1 },
      auditId: random.uuid(),
    },
  }
}
