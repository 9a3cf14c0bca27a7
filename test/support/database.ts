/** A database of its own for a test file, on the real MongoDB of the run. */
import { randomBytes } from 'node:crypto'
import { env } from 'node:process'
import { MongoClient } from 'mongodb'
import { URL_VARIABLE } from './test-mongod.ts'

export interface TestDatabase {
  readonly url: string
  readonly database: string
  /** Removes it; for afterAll. */
  drop(): Promise<void>
}

/** Names a fresh database; nothing is made until it is written to. */
export function testDatabase(): TestDatabase {
  const url = env[URL_VARIABLE]
  if (url === undefined)
    throw new Error('No MongoDB of the run: start tests through jest, whose globalSetup brings it.')
  const database = `test_${randomBytes(6).toString('hex')}`
  return {
    url,
    database,
    async drop() {
      const client = new MongoClient(url, { serverSelectionTimeoutMS: 5000 })
      try {
        await client.db(database).dropDatabase()
      } finally {
        await client.close()
      }
    },
  }
}
