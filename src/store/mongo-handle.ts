/** What the files of this room share of one open database: the driver's client, the database and the one way to run a transaction (storage.md "Transactions"). */
import type { ClientSession, Db, MongoClient } from 'mongodb'

export interface MongoHandle {
  readonly client: MongoClient
  readonly db: Db
  /**
   * Runs `work` in a transaction: snapshot read, majority write, journal. `work` may run again, so ids and times are taken before,
   * nothing runs in parallel inside and nothing is caught inside. Retries transient faults for a bounded time and repeats a commit
   * whose result is unknown. Every failure of the driver leaves as StoreError; errors of `work` itself leave as they are.
   */
  transact<T>(work: (session: ClientSession) => Promise<T>): Promise<T>
}
