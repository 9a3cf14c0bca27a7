/** The database behind the server, opened with the server's own keys, so that what is seeded goes through the store's own functions and is what the server would have written. */
import { join } from 'node:path'
import { type Collection, type IndexDescriptionInfo, MongoClient } from 'mongodb'
import { contentOf } from '../src/domain/audit-seal.ts'
import { readKeysFile } from '../src/keys.ts'
import { buildCrypto } from '../src/store/crypto.ts'
import type { Scope } from '../src/store/scope.ts'
import { type Arena, DATABASE } from './arena.ts'

export interface SeedStore {
  readonly scope: Scope
  /** Runs `load` with a large cache and, of these collections, without the indexes that can wait; builds them again afterwards. */
  loadFast(collections: readonly string[], load: () => Promise<void>): Promise<void>
  close(): Promise<void>
}

const LOADING_CACHE_GB = 4

/** Needs the server to have made its keys and its schema. */
export async function openSeedStore(
  arena: Pick<Arena, 'mongodbUrl' | 'dataDir'>,
  cacheSizeMb = 256,
): Promise<SeedStore> {
  // What a crash would lose is seeded again: no waiting for the journal
  const client = new MongoClient(arena.mongodbUrl, {
    compressors: ['none'],
    writeConcern: { w: 1 },
    ignoreUndefined: true,
  })
  await client.connect()
  const db = client.db(DATABASE)
  const crypto = buildCrypto(readKeysFile(join(arena.dataDir, 'keys.json')))
  const setCache = (size: string): Promise<unknown> =>
    client.db('admin').command({ setParameter: 1, wiredTigerEngineRuntimeConfig: `cache_size=${size}` })
  return {
    scope: { db, crypto, clock: () => new Date(), contentOf },
    async loadFast(collections, load) {
      await setCache(`${LOADING_CACHE_GB}G`)
      const dropped: [Collection, IndexDescriptionInfo[]][] = []
      for (const name of collections) dropped.push([db.collection(name), await dropIndexes(db.collection(name))])
      await load()
      for (const [collection, indexes] of dropped) {
        if (indexes.length > 0) await collection.createIndexes(indexes.map(({ v: _version, ...index }) => index))
      }
      // What was loaded is on the disk before anything is measured
      await client.db('admin').command({ fsync: 1 })
      await setCache(`${cacheSizeMb}M`)
    },
    close: () => client.close(),
  }
}

async function dropIndexes(collection: Collection): Promise<IndexDescriptionInfo[]> {
  const indexes = (await collection.indexes()).filter(({ name }) => name !== '_id_')
  if (indexes.length > 0) await collection.dropIndexes()
  return indexes
}
