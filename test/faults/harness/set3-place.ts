/**
 * A replica set of three members, each behind a proxy of its own. The set's configuration names the proxies: so the server and the other
 * members reach a member only through its proxy, and a member that asks whether a name is its own finds itself through it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MongoClient } from 'mongodb'
import { freePort } from '../../../src/store/mongod-process.ts'
import { findOwner } from './connection-owner.ts'
import type { Member, Place } from './place.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

const SET = 'faults'
const RESTART_MS = 500
const PATIENCE_MS = 60_000

interface RunningMember extends Member {
  readonly port: number
  readonly front: TcpProxy
  stop(): Promise<void>
}

/** Starts the three, makes them a set and resolves when it has a primary. */
export async function openSet3Place(options: { readonly folder: string; readonly mongod: string }): Promise<Place> {
  const members: RunningMember[] = []
  const sourceOf = (port: number) => {
    const pids = members.map((one) => one.pid() ?? -1)
    const owner = findOwner(port, pids)
    return owner === undefined ? ('outside' as const) : pids.indexOf(owner)
  }
  for (let place = 0; place < 3; place += 1) {
    const dbPath = join(options.folder, `member-${place}`)
    members.push(await startMember({ dbPath, mongod: options.mongod, sourceOf }))
  }
  await initiate(members)
  const findPrimary = () => waitForPrimary(members)
  await findPrimary()
  const hosts = members.map((one) => `127.0.0.1:${one.front.port}`).join()
  const url = `mongodb://${hosts}/?replicaSet=${SET}`
  return {
    name: 'set3',
    members,
    env: { MONGODB_URL: url },
    findPrimary,
    release: async () => undefined,
    readUrl: () => url,
    async close() {
      await Promise.all(members.map((one) => one.stop()))
      await Promise.all(members.map((one) => one.front.close()))
    },
  }
}

interface MemberParts {
  readonly dbPath: string
  readonly mongod: string
  readonly sourceOf: (port: number) => number | 'outside'
}

/** A mongod that is started again whenever it ends, until it is stopped. */
async function startMember({ dbPath, mongod, sourceOf }: MemberParts): Promise<RunningMember> {
  mkdirSync(dbPath, { recursive: true, mode: 0o700 })
  const port = await freePort(0)
  const front = await startTcpProxy({ targetPort: port, sourceOf })
  let child: ChildProcess | undefined
  let isStopping = false
  const start = (): void => {
    if (isStopping) return
    child = spawn(mongod, mongodArguments(dbPath, port), { stdio: 'ignore', detached: true })
    child.once('exit', () => {
      child = undefined
      setTimeout(start, RESTART_MS)
    })
  }
  start()
  const killAtExit = (): void => void child?.kill('SIGKILL')
  process.once('exit', killAtExit)
  return {
    port,
    front,
    dbPath,
    pid: () => child?.pid,
    proxy: () => front,
    async stop() {
      isStopping = true
      process.off('exit', killAtExit)
      if (child === undefined) return
      const gone = once(child, 'exit')
      child.kill('SIGCONT')
      child.kill('SIGKILL')
      await gone
    },
  }
}

function mongodArguments(dbPath: string, port: number): readonly string[] {
  return [
    ...['--replSet', SET, '--dbpath', dbPath, '--bind_ip', '127.0.0.1', '--port', String(port), '--nounixsocket'],
    ...[
      '--wiredTigerCacheSizeGB',
      '0.25',
      '--oplogSize',
      '256',
      '--logpath',
      join(dbPath, 'mongod.log'),
      '--logappend',
    ],
    ...['--quiet', '--noscripting', '--setParameter', 'diagnosticDataCollectionEnabled=false'],
    ...['--setParameter', 'minSnapshotHistoryWindowInSeconds=5'],
  ]
}

/** Elections after 3 s instead of 10, so that a run sees many. */
const SETTINGS = { electionTimeoutMillis: 3_000, heartbeatIntervalMillis: 1_000, heartbeatTimeoutSecs: 3 }

async function initiate(members: readonly RunningMember[]): Promise<void> {
  const config = {
    _id: SET,
    members: members.map((one, at) => ({ _id: at, host: `127.0.0.1:${one.front.port}` })),
    settings: SETTINGS,
  }
  const giveUpAt = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      await ask(members[0]?.port ?? 0, { replSetInitiate: config })
      return
    } catch (error) {
      if (performance.now() > giveUpAt) throw error
      await sleep(100)
    }
  }
}

/** Place of the member that says it is primary and is believed by a majority (a paused one says nothing). */
async function waitForPrimary(members: readonly RunningMember[]): Promise<number> {
  const giveUpAt = performance.now() + PATIENCE_MS
  for (;;) {
    for (const [at, { port }] of members.entries()) {
      const hello = await ask(port, { hello: 1 }).catch(() => undefined)
      if (hello?.['isWritablePrimary'] === true) return at
    }
    if (performance.now() > giveUpAt) throw new Error('The replica set has no primary.')
    await sleep(100)
  }
}

async function ask(port: number, command: Record<string, unknown>): Promise<Record<string, unknown>> {
  const times = { serverSelectionTimeoutMS: 500, connectTimeoutMS: 500, socketTimeoutMS: 5_000 }
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, times)
  try {
    return await client.db('admin').command(command)
  } finally {
    await client.close()
  }
}
