/** CPIS_WORKERS: several server processes that share one port and one database (storage.md "Growth": no state in a process that matters). */
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import type { Config } from '../config.ts'
import { startEmbeddedMongod } from '../store/embedded-mongod.ts'
import { EXIT, type Io, say, untilStopped } from './io.ts'
import { VERSION } from './version.ts'

/** A worker that ends by itself is started again, after a pause. */
const RESTART_MS = 500
/** Longer than a worker takes to answer what is in flight and to close. */
const STOP_MS = 30_000
/** The first worker seeds and migrates; this is long for a first start. */
const FIRST_START_MS = 120_000

/** Whether this process is to start the workers rather than to be one. */
export function isWorkersPrimary(config: Pick<Config, 'workers'>): boolean {
  return config.workers > 1 && cluster.isPrimary
}

/** Starts the database where it is embedded, then the workers, the first alone; resolves when all have stopped. */
export async function runWorkers(config: Config, io: Io): Promise<number> {
  const log = pino({ level: config.logLevel })
  const { dataDir, mongodPath } = config
  const mongod =
    config.mongodbUrl === undefined
      ? await startEmbeddedMongod({ dataDir, log, ...(mongodPath === undefined ? {} : { mongodPath }) })
      : undefined
  const environment = { MONGODB_URL: mongod?.url ?? config.mongodbUrl }
  try {
    if (!(await startFirst(environment))) return EXIT.failed
    for (let more = 1; more < config.workers; more += 1) cluster.fork(environment)
    keepAlive(environment, io)
    say(
      io,
      `cpis ${VERSION}: ${config.workers} processes on port ${config.port} (what the first one printed holds for all)`,
    )
    await untilStopped(io)
    await stopAll()
    return EXIT.ok
  } finally {
    await mongod?.close()
  }
}

type Environment = { readonly MONGODB_URL: string | undefined }

/** False when it ended before it could answer: it has said why. */
async function startFirst(environment: Environment): Promise<boolean> {
  const worker = cluster.fork(environment)
  const patience = new AbortController()
  const outcome = await Promise.race([
    readiness(worker),
    once(worker, 'exit').then(() => false),
    sleep(FIRST_START_MS, false, { signal: patience.signal, ref: false }).catch(() => false),
  ])
  patience.abort()
  return outcome
}

/** A worker says so when it answers checks. */
async function readiness(worker: Worker): Promise<boolean> {
  await once(worker, 'message')
  return true
}

function keepAlive(environment: Environment, io: Io): void {
  cluster.on('exit', (_worker, code) => {
    if (io.stopped.aborted) return
    io.err(`A server process ended (${code}); starting another.\n`)
    setTimeout(() => {
      if (!io.stopped.aborted) cluster.fork(environment)
    }, RESTART_MS)
  })
}

async function stopAll(): Promise<void> {
  const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined)
  await Promise.all(
    workers.map(async (worker) => {
      const gone = once(worker, 'exit')
      worker.process.kill('SIGTERM')
      const patience = setTimeout(() => worker.process.kill('SIGKILL'), STOP_MS)
      await gone
      clearTimeout(patience)
    }),
  )
}

/** Tells the process that started this worker that it answers; nothing elsewhere. */
export function sayReady(): void {
  if (cluster.isWorker) process.send?.('ready')
}

/** Calls back when the process that started this worker is gone: then nobody would stop it. */
export function whenOrphaned(stop: () => void): void {
  if (cluster.isWorker) process.once('disconnect', stop)
}

/** Lets go of the process that started this worker, which would keep it alive. */
export function letGo(): void {
  if (cluster.isWorker && process.connected) process.disconnect()
}
