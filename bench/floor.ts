/** The floor: what the bare driver does on the same mongod without HTTP, tokens and rules. One find and one insert in a transaction, and the find alone. */
import { type Document, MongoClient, type TransactionOptions } from 'mongodb'
import { DATABASE } from './arena.ts'
import type { Random } from './random.ts'

const FLOOR_DATABASE = 'cpis_bench_floor'
const OPTIONS: TransactionOptions = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority', journal: true },
}
/** The facts that a check reads of a plan. */
const PROJECTION = { version: 1, owner: 1, planType: 1, start: 1, end: 1, flagId: 1, birthDate: 1, childKey: 1 }

export interface Floor {
  /** (a) One check's reading and writing in one transaction of its own: snapshot, majority, journal. */
  transaction(): Promise<void>
  /** (b) The reading alone. */
  find(): Promise<void>
  close(): Promise<void>
}

/** Copies one audit record of a check, and the indexes it is under, into a database of its own. Needs a check to have been made. */
export async function openFloor(url: string, random: Random): Promise<Floor> {
  const client = new MongoClient(url, { compressors: ['none'], writeConcern: { w: 'majority', journal: true } })
  const plans = client.db(DATABASE).collection('episodesOfCare')
  const audits = client.db(DATABASE).collection('auditEvents')
  const target = client.db(FLOOR_DATABASE).collection<Document & { _id: string }>('auditEvents')
  const sample = await audits.findOne({ operation: 'cpis-check', entities: [] })
  if (sample === null) throw new Error('No check was recorded: nothing to measure the floor with.')
  await target.insertOne({ ...sample, _id: random.uuid() })
  for (const { v: _version, key, ...options } of await audits.indexes()) {
    if (options.name !== '_id_') await target.createIndex(key, options)
  }
  const reading = { projection: PROJECTION }
  const subjectKey = (): string => `h1.${(random.uuid() + random.uuid()).replaceAll('-', '').slice(0, 43)}`
  return {
    async transaction() {
      const key = subjectKey()
      const session = client.startSession()
      try {
        session.startTransaction(OPTIONS)
        await plans.find({ subjectKey: key, live: true }, { ...reading, session }).toArray()
        const document = { ...sample, _id: random.uuid(), subjectKey: key, recorded: new Date().toISOString() }
        await target.insertOne(document, { session })
        await session.commitTransaction()
      } finally {
        await session.endSession()
      }
    },
    async find() {
      await plans.find({ subjectKey: subjectKey(), live: true }, reading).toArray()
    },
    close: () => client.close(),
  }
}
