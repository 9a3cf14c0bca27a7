/** One running mongod: started under its watchdog, watched, stopped (storage.md "The embedded server"). */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rename } from 'node:fs/promises'
import { createServer, Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { MongodBinary } from './mongod-binary.ts'

export const REPLICA_SET = 'cpis'
const WATCHDOG = fileURLToPath(new URL('./mongod-watchdog.sh', import.meta.url))

export interface MongodOptions {
  readonly binary: MongodBinary
  /** Folder of the database files. */
  readonly dbPath: string
  readonly port: number
  readonly cacheSizeMb: number
}

export interface MongodProcess {
  readonly pid: number
  /** Settles when the process is gone, with its exit status (null when the watchdog itself was killed). */
  readonly exited: Promise<number | null>
  hasExited(): boolean
  /** Asks mongod to stop (SIGTERM; SIGKILL after ten seconds) and waits until it is gone. */
  stop(): Promise<void>
}

/** Starts mongod and waits until it accepts connections. Rejects with the end of its log when it stops before that. */
export async function startMongod(options: MongodOptions): Promise<MongodProcess> {
  const logFile = join(options.dbPath, 'mongod.log')
  await rename(logFile, `${logFile}.previous`).catch(() => undefined)
  // A session of its own: a Ctrl-C at the terminal reaches the server only, which then stops mongod in its own order.
  const child = spawn('/bin/sh', [WATCHDOG, options.binary.file, ...mongodArguments(options, logFile)], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  })
  const process = await watch(child)
  while (!process.hasExited()) {
    if (await accepts(options.port)) return process
    await Promise.race([sleep(20), process.exited])
  }
  throw new Error(await explainExit(await process.exited, logFile))
}

async function watch(child: ChildProcess): Promise<MongodProcess> {
  let gone = false
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (status) => {
      gone = true
      child.stdin?.destroy()
      resolve(status)
    })
  })
  if (child.stdout === null || child.stdin === null) throw new Error('The watchdog of mongod has no pipes.')
  child.stdin.on('error', () => undefined)
  const [firstLine] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    once(child, 'error').then(([error]) => Promise.reject(error)),
  ])
  const stop = async (): Promise<void> => {
    child.stdin?.destroy()
    await exited
  }
  return { pid: Number(firstLine), exited, hasExited: () => gone, stop }
}

/** Longer than any transaction of the register on a slow machine; the most that a killed process keeps a child or the numbering from the others is half as long again. */
export const TRANSACTION_LIFETIME_S = 15

/** Loopback only, journalled (always, in a replica set), nothing sent or collected, no scripting, bounded cache and oplog. */
function mongodArguments(options: MongodOptions, logFile: string): string[] {
  const parameters = {
    diagnosticDataCollectionEnabled: 'false',
    // The default waits 15 s for operations of other nodes' clients; there are none after the server stopped.
    shutdownTimeoutMillisForSignaledShutdown: '100',
    // Nobody reads the past here: keeping 5 minutes of it would fill the small cache.
    minSnapshotHistoryWindowInSeconds: '5',
    // A process that ends inside a transaction leaves its locks behind: for 60 s and more by default.
    transactionLifetimeLimitSeconds: String(TRANSACTION_LIFETIME_S),
  }
  return [
    ...['--replSet', REPLICA_SET, '--dbpath', options.dbPath],
    ...['--bind_ip', '127.0.0.1', '--port', String(options.port), '--nounixsocket'],
    ...['--wiredTigerCacheSizeGB', (options.cacheSizeMb / 1024).toFixed(3), '--oplogSize', '512'],
    ...['--logpath', logFile, '--quiet', '--slowms', '5000', '--noscripting'],
    ...(options.binary.major < 7 ? ['--enableFreeMonitoring', 'off'] : []),
    ...Object.entries(parameters).flatMap(([name, value]) => ['--setParameter', `${name}=${value}`]),
  ]
}

/** A port of 127.0.0.1 that is free now: the preferred one when it is (0 prefers none). */
export async function freePort(preferred: number): Promise<number> {
  const server = createServer()
  server.listen(preferred, '127.0.0.1')
  const isFree = await once(server, 'listening').then(
    () => true,
    () => false,
  )
  if (!isFree && preferred !== 0) return freePort(0)
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No free port on 127.0.0.1.')
  return address.port
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = new Socket()
    const settle = (answer: boolean) => () => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(1000, settle(false))
    socket.once('connect', settle(true))
    socket.once('error', settle(false))
    socket.connect(port, '127.0.0.1')
  })
}

/** Puts mongod's own last words into one line that says what to do. */
async function explainExit(status: number | null, logFile: string): Promise<string> {
  const lines = (await readFile(logFile, 'utf8').catch(() => '')).trim().split('\n')
  const text = lines.join('\n')
  if (/featureCompatibilityVersion|Wrong mongod version|UPGRADE PROBLEM/.test(text)) {
    return `mongod stopped (${status}): the data was written by another major version of MongoDB. Name that version's mongod in CPIS_MONGOD, or take a new CPIS_DATA_DIR. Log: ${logFile}`
  }
  if (/No space left on device/.test(text)) return `mongod stopped (${status}): the disk of ${logFile} is full.`
  const errors = lines.filter((line) => /"s":"[EF]"/.test(line)).slice(-3)
  return `mongod stopped at start (${status}). Its log, ${logFile}, says: ${errors.join(' ') || lines.slice(-2).join(' ')}`
}
