/** The embedded database: a real mongod as a one-member replica set that lives and dies with the server (storage.md "The embedded server"). */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { wordsOf } from './child-failure.ts'
import { lockDataFolder } from './data-folder-lock.ts'
import { defaultCacheDir, findMongod, type MongodBinary } from './mongod-binary.ts'
import { freePort, type MongodOptions, type MongodProcess, REPLICA_SET, startMongod } from './mongod-process.ts'
import { openReplicaSet } from './replica-set.ts'
import { endStaleMongod } from './stale-mongod.ts'

export interface EmbeddedOptions {
  /** Data folder of the server; the database files go to its `mongo`. */
  readonly dataDir: string
  /** CPIS_MONGOD: this binary and no other. */
  readonly mongodPath?: string
  /** Where a fetched mongod is kept; default ~/.cache/cpis. */
  readonly cacheDir?: string
  readonly log: Logger
  /** WiredTiger's cache; default 256. */
  readonly cacheSizeMb?: number
}

export interface EmbeddedMongod {
  /** Connection string, without a database; the same for as long as this server lives. */
  readonly url: string
  /** Process id of mongod; another after a restart. */
  readonly pid: number
  /** Where the binary came from, and its version. */
  readonly binary: MongodBinary
  /** Stops mongod, waits until it is gone and frees the data folder. */
  close(): Promise<void>
}

const START_TIMEOUT_MS = 60_000
const STALE_PATIENCE_MS = 12_000
const FIRST_BACKOFF_MS = 100
const MOST_BACKOFF_MS = 10_000

/**
 * Starts (or starts again over kept data) and resolves when it takes writes. Refuses, with the remedy in one line: a folder that
 * another server uses, a machine without any mongod, data of another major version. Restarts mongod on its port when it dies.
 */
export async function startEmbeddedMongod(options: EmbeddedOptions): Promise<EmbeddedMongod> {
  const dbPath = join(options.dataDir, 'mongo')
  await mkdir(dbPath, { recursive: true, mode: 0o700 })
  const lock = lockDataFolder(options.dataDir)
  try {
    const binary = await findMongod({
      ...(options.mongodPath === undefined ? {} : { mongodPath: options.mongodPath }),
      cacheDir: options.cacheDir ?? defaultCacheDir(),
      log: options.log,
    })
    await endStaleMongod(dbPath, STALE_PATIENCE_MS)
    const started = await startOnFreePort({ binary, dbPath, cacheSizeMb: options.cacheSizeMb ?? 256 })
    const supervised = supervise(started.process, started.options, options.log)
    return {
      url: `mongodb://127.0.0.1:${started.options.port}/?replicaSet=${REPLICA_SET}`,
      binary,
      get pid() {
        return supervised.pid()
      },
      async close() {
        await supervised.stop()
        lock.release()
      },
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

interface Started {
  readonly process: MongodProcess
  readonly options: MongodOptions
}

/**
 * On the port of the last start when it is free: the set's stored configuration then fits. Another program may take a port between
 * its choice and its use: then another one, twice.
 */
async function startOnFreePort(fixed: Omit<MongodOptions, 'port'>): Promise<Started> {
  const portFile = join(fixed.dbPath, 'port')
  const last = Number(await readFile(portFile, 'utf8').catch(() => '0'))
  let failure: unknown
  for (let attempt = 0; attempt < 3; attempt++) {
    const options = { ...fixed, port: await freePort(attempt === 0 && last > 0 && last < 65_536 ? last : 0) }
    try {
      const process = await startMember(options)
      await writeFile(portFile, String(options.port))
      return { process, options }
    } catch (error) {
      failure = error
      if (!wordsOf(error).includes('Address already in use')) break
    }
  }
  throw failure
}

/** A mongod that takes writes; when it gets that far not, none is left running. */
async function startMember(options: MongodOptions): Promise<MongodProcess> {
  const process = await startMongod(options)
  try {
    await openReplicaSet(options.port, { timeoutMs: START_TIMEOUT_MS, isGone: process.hasExited })
    return process
  } catch (error) {
    await process.stop()
    throw error
  }
}

interface Supervised {
  pid(): number
  stop(): Promise<void>
}

/** Keeps one running on the same port, so that the driver finds it again; waits longer after each failure. */
function supervise(first: MongodProcess, options: MongodOptions, log: Logger): Supervised {
  const stopping = new AbortController()
  let current = first
  const loop = (async () => {
    let backoffMs = FIRST_BACKOFF_MS
    while (!stopping.signal.aborted) {
      const status = await current.exited
      if (stopping.signal.aborted) return
      log.error({ status }, 'mongod stopped unexpectedly; starting it again')
      await sleep(backoffMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (stopping.signal.aborted) return
      try {
        await endStaleMongod(options.dbPath, STALE_PATIENCE_MS)
        current = await startMember(options)
        backoffMs = FIRST_BACKOFF_MS
        log.info({ pid: current.pid }, 'mongod runs again')
      } catch (error) {
        backoffMs = Math.min(backoffMs * 2, MOST_BACKOFF_MS)
        log.error({ err: error }, 'mongod cannot be started again yet')
      }
    }
  })()
  return {
    pid: () => current.pid,
    async stop() {
      stopping.abort()
      await current.stop()
      await loop
      await current.stop()
    },
  }
}
