/** What must be known of a MongoDB before the register trusts it: version, replica set, clock, schema (security.md "Tokens"; issue 6: doctor). */
import { type Db, type Document, MongoClient } from 'mongodb'
import { INDEXES, ROW_COLLECTIONS, type RowDocument } from './collections.ts'
import { findOpenMigrations } from './migrations.ts'
import { toStoreError } from './mongo-errors.ts'
import { SEALED_PLACES } from './sealed-places.ts'

export interface ServerFacts {
  /** e.g. 8.0.21 */
  readonly version: string
  /** Absent on a single server, and on a router of shards. */
  readonly replicaSet?: string
  readonly members: number
  /** Its clock. */
  readonly at: Date
}

/** What `cpis doctor` tells besides. */
export interface DatabaseFacts extends ServerFacts {
  /** Write concern that a client without its own gets; the register always asks for majority and journal. */
  readonly defaultWriteConcern: string
  /** Whether a majority write waits for the journal; undefined when the role may not ask. */
  readonly journalsMajority?: boolean
  /** Seconds after which the server ends a transaction by itself; undefined when the role may not ask. */
  readonly transactionSeconds?: number
  readonly openMigrations: readonly string[]
  readonly missingIndexes: readonly string[]
  /** Data keys that sealed something, of each collection; undefined when that took too long. */
  readonly dataKeys?: readonly string[]
  /** How much the directory holds; undefined when the role may not ask. */
  readonly directory?: { readonly sites: number; readonly authorities: number }
}

/** Lowest patch without known holes, by series. */
const FLOORS: Readonly<Record<string, number>> = { '7.0': 32, '8.0': 21 }
const SELECTION_MS = 5_000
const LOOK_MS = 5_000

/** Store I/O; rejects with the driver's error. */
export async function readServerFacts(db: Db): Promise<ServerFacts> {
  const [build, hello] = await Promise.all([db.admin().command({ buildInfo: 1 }), db.admin().command({ hello: 1 })])
  const { setName, hosts, localTime } = hello
  return {
    version: String(build['version']),
    ...(typeof setName === 'string' ? { replicaSet: setName } : {}),
    members: Array.isArray(hosts) ? hosts.length : 0,
    at: localTime instanceof Date ? localTime : new Date(Number.NaN),
  }
}

/** Why the register must not start on it, with the remedy; undefined when it may. Pure. */
export function findServerFault(facts: ServerFacts, mode: 'sandbox' | 'production'): string | undefined {
  if (facts.replicaSet === undefined)
    return 'MONGODB_URL: this MongoDB is no replica set, and without one nothing commits together. Start it with --replSet and initiate the set.'
  if (mode === 'production' && !isVersionSafe(facts.version))
    return `MONGODB_URL: MongoDB ${facts.version} has known holes. Upgrade to 7.0.32, 8.0.21 or the newest patch of 8.2 or later.`
  return undefined
}

/** Whether the version is at or above the floor of its series, or of 8.2 and later. Pure. */
export function isVersionSafe(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number)
  const floor = FLOORS[`${major}.${minor}`]
  return floor === undefined ? major > 8 || (major === 8 && minor >= 2) : patch >= floor
}

/** Why production must not use this database: a Subscription to plain http, which only a sandbox takes. Store I/O. */
export async function findSandboxTraces(db: Db): Promise<string | undefined> {
  const rows = db.collection<RowDocument>(ROW_COLLECTIONS.Subscription)
  const plain = await rows.countDocuments({ deleted: false, url: /^http:/i })
  if (plain === 0) return undefined
  return `CPIS_DATABASE: ${plain} Subscriptions go to plain http; a sandbox wrote to this database. Name a database of its own for production.`
}

/** Connects, looks and closes. Throws StoreError when it cannot be reached. Store I/O. */
export async function inspectDatabase(where: {
  readonly url: string
  readonly database: string
}): Promise<DatabaseFacts> {
  const client = new MongoClient(where.url, { serverSelectionTimeoutMS: SELECTION_MS, socketTimeoutMS: 4 * LOOK_MS })
  try {
    const db = client.db(where.database)
    const server = await readServerFacts(db)
    const [concern, config] = [await ask(db, { getDefaultRWConcern: 1 }), await ask(db, { replSetGetConfig: 1 })]
    const journals = config?.['config']?.writeConcernMajorityJournalDefault
    const lifetime = await ask(db, { getParameter: 1, transactionLifetimeLimitSeconds: 1 })
    const seconds = lifetime?.['transactionLifetimeLimitSeconds']
    const dataKeys = await findDataKeys(db).catch(() => undefined)
    const directory = await countDirectory(db).catch(() => undefined)
    return {
      ...server,
      defaultWriteConcern: String(concern?.['defaultWriteConcern']?.w ?? 'majority'),
      ...(typeof journals === 'boolean' ? { journalsMajority: journals } : {}),
      ...(typeof seconds === 'number' ? { transactionSeconds: seconds } : {}),
      openMigrations: await findOpenMigrations(db),
      missingIndexes: await findMissingIndexes(db),
      ...(dataKeys === undefined ? {} : { dataKeys }),
      ...(directory === undefined ? {} : { directory }),
    }
  } catch (error) {
    throw toStoreError(error)
  } finally {
    await client.close()
  }
}

async function countDirectory(db: Db): Promise<NonNullable<DatabaseFacts['directory']>> {
  const rows = db.collection<RowDocument>(ROW_COLLECTIONS.Organization)
  const count = (filter: object): Promise<number> =>
    rows.countDocuments({ deleted: false, ...filter }, { maxTimeMS: LOOK_MS })
  return {
    sites: await count({ owner: 'directory' }),
    authorities: await count({ orgType: 'authority' }),
  }
}

/** Undefined when the role may not ask. */
async function ask(db: Db, command: Document): Promise<Document | undefined> {
  return db
    .admin()
    .command(command)
    .catch(() => undefined)
}

async function findMissingIndexes(db: Db): Promise<readonly string[]> {
  const existing = new Set<string>()
  const names = new Set((await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name))
  for (const name of names) {
    if (!INDEXES.some(({ collection }) => collection === name)) continue
    for (const { key } of await db.collection(name).indexes()) existing.add(nameOf(name, key))
  }
  return INDEXES.map(({ collection, fields }) => nameOf(collection, fields)).filter((one) => !existing.has(one))
}

const nameOf = (collection: string, fields: object): string => `${collection} ${JSON.stringify(fields)}`

async function findDataKeys(db: Db): Promise<readonly string[]> {
  const found = new Set<string>()
  for (const { collection, field } of SEALED_PLACES) {
    const keys = await db.collection(collection).distinct(`${field}.key`, {}, { maxTimeMS: LOOK_MS })
    for (const key of keys) found.add(String(key))
  }
  return [...found].toSorted()
}
