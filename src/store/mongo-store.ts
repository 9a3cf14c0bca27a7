/** The store on MongoDB: opens the client with its deadlines and puts the parts of this room together (storage.md). */

import { randomUUID } from 'node:crypto'
import { type Db, MongoClient, type MongoClientOptions } from 'mongodb'
import type { Logger } from 'pino'
import { ConfigError } from '../config.ts'
import type { Keys } from '../keys.ts'
import { buildAuditGroup } from './audit-group.ts'
import { buildCrypto } from './crypto.ts'
import { findSandboxTraces, findServerFault, readServerFacts } from './database-facts.ts'
import { deliveryCollections } from './delivery-collections.ts'
import { releaseWork, takeWork } from './delivery-leases.ts'
import type { Lease } from './delivery-store.ts'
import { buildDirectoryCache } from './directory-cache.ts'
import { mendDriver } from './driver-writes.ts'
import { buildLockQueues } from './lock-queue.ts'
import { migrate } from './migrations.ts'
import { buildMissGroup } from './miss-group.ts'
import { REPORT_MS } from './mongo-audit-usage.ts'
import { buildBoard } from './mongo-board.ts'
import { claimOnce, findClaims, forgetClaim } from './mongo-claims.ts'
import { mapErrors, toStoreError } from './mongo-errors.ts'
import type { MongoHandle } from './mongo-handle.ts'
import { buildReader } from './mongo-reader.ts'
import { buildUnit } from './mongo-unit.ts'
import { countSealed, isResealed, type ResealOptions, type ResealOutcome, resealAll } from './reseal.ts'
import { findRestoreFault } from './restore-mark.ts'
import { OPERATION_MS, type Scope } from './scope.ts'
import type { Store } from './store.ts'
import { runTransaction } from './transaction.ts'

export interface StoreOptions {
  /** Connection string of a replica set. */
  readonly url: string
  readonly database: string
  readonly keys: Pick<Keys, 'hmac' | 'data'>
  readonly clock: () => Date
  readonly log: Logger
  /** See Scope. */
  readonly contentOf?: Scope['contentOf']
  /** Production wants a MongoDB without known holes, and a database that no sandbox wrote to. Sandbox unless told. */
  readonly mode?: 'sandbox' | 'production'
}

/** The store, and the handle on which delivery's own store is built. */
export interface OpenStore extends Store {
  readonly handle: MongoHandle
  /** From now on the first of these seals, all open. */
  useDataKeys(keys: Keys['data']): void
  readonly reseal: Reseal
}

/** Sealing old records again after a rotation, under a lease that one process holds. */
export interface Reseal {
  isDone(): Promise<boolean>
  count(): Promise<number>
  run(options: ResealOptions): Promise<ResealOutcome>
  take(holder: string): Promise<Lease | undefined>
  release(lease: Lease): Promise<void>
}

/** An absent or stuck database gives an error soon, never a hang. Nothing is compressed: the database is near. */
const CLIENT_OPTIONS: MongoClientOptions = {
  appName: 'cpis',
  compressors: ['none'],
  maxPoolSize: 20,
  serverSelectionTimeoutMS: 2_000,
  connectTimeoutMS: 2_000,
  waitQueueTimeoutMS: 2_000,
  socketTimeoutMS: OPERATION_MS + 1_000,
  heartbeatFrequencyMS: 2_000,
  readConcernLevel: 'majority',
  readPreference: 'primary',
  writeConcern: { w: 'majority', journal: true },
  ignoreUndefined: true,
}

/** For what is asked by hand and takes long: few at once, on connections that wait for it. */
const SLOW_OPTIONS: MongoClientOptions = { ...CLIENT_OPTIONS, maxPoolSize: 2, socketTimeoutMS: REPORT_MS + 1_000 }

/** Connects, brings the schema up to date and resolves when reads and writes are possible. StoreError 'transient' when the database is not there, ConfigError when it is none to use. */
export async function openStore(options: StoreOptions): Promise<OpenStore> {
  mendDriver()
  await prepareSchema(options)
  const client = new MongoClient(options.url, CLIENT_OPTIONS)
  try {
    await client.connect()
  } catch (error) {
    throw toStoreError(error)
  }
  return buildStore(client, client.db(options.database), options)
}

/** On a connection without the short deadlines: an index over many documents takes its time. */
async function prepareSchema({ url, database, log, mode = 'sandbox' }: StoreOptions): Promise<void> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 5_000, writeConcern: { w: 'majority' } })
  try {
    refuseFault(findServerFault(await readServerFacts(client.db(database)), mode))
    refuseFault(await findRestoreFault(client.db(database)))
    await migrate(client.db(database), { holder: randomUUID(), log })
    if (mode === 'production') refuseFault(await findSandboxTraces(client.db(database)))
  } catch (error) {
    throw toStoreError(error)
  } finally {
    await client.close()
  }
}

function refuseFault(fault: string | undefined): void {
  if (fault !== undefined) throw new ConfigError(fault)
}

function buildStore(client: MongoClient, db: Db, { url, keys, clock, contentOf }: StoreOptions): OpenStore {
  const crypto = buildCrypto(keys)
  const queues = buildLockQueues()
  // connects when it is first asked
  const slow = new MongoClient(url, SLOW_OPTIONS)
  const scope: Scope = { db, crypto, clock, contentOf, slow: slow.db(db.databaseName) }
  const directory = buildDirectoryCache(scope)
  const misses = buildMissGroup(client, scope, queues)
  return {
    read: buildReader(scope, directory),
    async transact(work) {
      const queue = queues.open()
      const written = new Set<string>()
      const result = await runTransaction(client, queue, (session) =>
        work(buildUnit({ ...scope, session }, { directory, queue, onWrite: (type) => written.add(type) })),
      )
      if (written.has('Organization')) directory.clear()
      return result
    },
    recordMiss: misses.record,
    rehearse(work) {
      const queue = queues.open()
      const parts = { directory, queue, onWrite: () => undefined }
      return runTransaction(client, queue, (session) => work(buildUnit({ ...scope, session }, parts)), 'abort')
    },
    appendAudit: buildAuditGroup(scope),
    claim: (kind, text, expiresAt) => claimOnce(scope, { kind, text, expiresAt }),
    claims: (kind) => findClaims(scope, kind),
    unclaim: (kind, text) => forgetClaim(scope, kind, text),
    keyedId: crypto.keyedId,
    seal: crypto.sealText,
    open: crypto.openText,
    board: buildBoard(scope),
    async ping() {
      await mapErrors(db.command({ ping: 1, maxTimeMS: OPERATION_MS }))
    },
    async close() {
      await slow.close()
      await client.close()
    },
    useDataKeys: crypto.useDataKeys,
    reseal: buildReseal(scope),
    handle: { client, db, transact: (work) => runTransaction(client, queues.open(), work) },
  }
}

function buildReseal(scope: Scope): Reseal {
  const collections = deliveryCollections(scope.db)
  return {
    isDone: () => isResealed(scope),
    count: () => countSealed(scope),
    run: (options) => resealAll(scope, options),
    take: (holder) => mapErrors(takeWork(collections, 'reseal', holder)),
    release: (lease) => mapErrors(releaseWork(collections, lease)),
  }
}
