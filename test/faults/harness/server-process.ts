/** The server in a process of its own (`cpis serve`), with its workers: started, stopped, killed, and started again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../../src/store/mongod-process.ts'

const LAUNCHER = fileURLToPath(new URL('../../../bin/cpis.js', import.meta.url))
const READY_MS = 180_000
/** In flight requests are answered for 10 s, and a mongod of its own may take as long again. */
const STOP_MS = 60_000
const LOOK_MS = 25

export interface ServerProcess {
  readonly url: string
  readonly dataDir: string
  /** Process ids: the first is the one that was started, the others its workers. */
  pids(): readonly number[]
  /** Starts it and resolves when it says that it is ready. One that ends before is started again. `more`: variables besides. */
  start(more?: Readonly<Record<string, string>>): Promise<void>
  /** SIGTERM, and waits until it is gone. */
  stop(): Promise<void>
  /** SIGKILL to the first process, and waits until it is gone; workers that it leaves must end by themselves. */
  kill(): Promise<void>
}

export interface ServerOptions {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly workers: number
}

/** Chooses a port; starts nothing. */
export async function prepareServer({ folder, env, workers }: ServerOptions): Promise<ServerProcess> {
  const port = await freePort(0)
  const url = `http://127.0.0.1:${port}`
  const dataDir = join(folder, 'data')
  const log = createWriteStream(join(folder, 'server.log'), { flags: 'a' })
  await once(log, 'open')
  const fixed = {
    PATH: process.env['PATH'] ?? '',
    PORT: String(port),
    METRICS_PORT: '0',
    CPIS_DATA_DIR: dataDir,
    CPIS_LIMITS: 'off',
    CPIS_WORKERS: String(workers),
    LOG_LEVEL: 'warn',
    ...env,
  }
  let child: ChildProcess | undefined
  const killAtExit = (): void => void child?.kill('SIGKILL')
  process.once('exit', killAtExit)

  const spawnOne = (more: Readonly<Record<string, string>>): ChildProcess => {
    const one = spawn(process.execPath, [LAUNCHER, 'serve'], {
      env: { ...fixed, ...more },
      stdio: ['ignore', log, log],
    })
    child = one
    return one
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const one = child
    const gone = once(one, 'exit')
    one.kill(signal)
    const patience = setTimeout(() => one.kill('SIGKILL'), STOP_MS)
    const [code, by] = await gone
    clearTimeout(patience)
    if (by === 'SIGKILL' && signal !== 'SIGKILL')
      throw new Error(`The server does not stop within ${STOP_MS} ms (${code}).`)
  }
  return {
    url,
    dataDir,
    pids: () => (child?.pid === undefined ? [] : [child.pid, ...childrenOf(child.pid)]),
    async start(more = {}) {
      const giveUpAt = performance.now() + READY_MS
      let one = spawnOne(more)
      while (!(await isReady(url))) {
        if (performance.now() > giveUpAt)
          throw new Error(`The server is not ready after ${READY_MS} ms: ${folder}/server.log`)
        if (one.exitCode !== null || one.signalCode !== null) one = spawnOne(more)
        await sleep(LOOK_MS)
      }
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}

async function isReady(url: string): Promise<boolean> {
  const options = { signal: AbortSignal.timeout(5_000) }
  const answer = await fetch(`${url}/health/ready`, options).catch(() => undefined)
  await answer?.arrayBuffer().catch(() => undefined)
  return answer?.status === 200
}

/** Node processes only: the watchdog of mongod is a child as well. */
function childrenOf(pid: number): readonly number[] {
  return read(`/proc/${pid}/task/${pid}/children`)
    .trim()
    .split(' ')
    .filter((one) => one !== '' && read(`/proc/${one}/cmdline`).includes('cpis.js'))
    .map(Number)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
