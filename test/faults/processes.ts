/** Delivery processes of their own over one world's database: start, wait for what they say, end by the id of each. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { World } from '../delivery/world.ts'
import type { ProcessWish } from '../support/delivery-points.ts'
import { waitFor } from '../support/wait-for.ts'

const SCRIPT = new URL('../support/delivery-process.ts', import.meta.url).pathname

export interface DeliveryProcess {
  readonly child: ChildProcess
  /** Lines that it said. */
  lines(): readonly string[]
  /** Resolves when it has said that line; fails with what it said on the way when it ended before. */
  said(line: string): Promise<void>
  /** By which signal it ended; resolves at once when it has. */
  ended(): Promise<NodeJS.Signals | null>
  end(): Promise<void>
}

export interface Processes {
  start(wish?: Omit<ProcessWish, 'url' | 'database' | 'keysFile'>): DeliveryProcess
  /** Ends all that are left and forgets the keys. */
  close(): Promise<void>
}

/** Over the database of a world, with its keys. */
export function buildProcesses(world: World): Processes {
  const folder = mkdtempSync(join(tmpdir(), 'cpis-delivery-'))
  const keysFile = join(folder, 'keys.json')
  writeFileSync(keysFile, JSON.stringify(world.keys), { mode: 0o600 })
  const started: DeliveryProcess[] = []
  return {
    start(wish = {}) {
      const { url, database } = world.database
      const one = run({ ...wish, url, database, keysFile })
      started.push(one)
      return one
    },
    async close() {
      await Promise.all(started.map((one) => one.end()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function run(wish: ProcessWish): DeliveryProcess {
  const child = spawn(process.execPath, [SCRIPT, JSON.stringify(wish)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let faults = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    faults += chunk
  })
  // its output has come to its end then, which it has not yet when it exits
  let isOver = false
  const over = once(child, 'close').then(() => {
    isOver = true
  })
  const ended = async (): Promise<NodeJS.Signals | null> => {
    await over
    return child.signalCode
  }
  const lines = (): readonly string[] => output.split('\n')
  return {
    child,
    lines,
    ended,
    async said(line) {
      await waitFor(
        `a process to say "${line}"`,
        () => {
          if (lines().includes(line)) return true
          if (isOver) throw new Error(`It ended with ${child.exitCode ?? child.signalCode}: ${faults}`)
          return false
        },
        60_000,
      )
    },
    async end() {
      if (!isOver) child.kill('SIGKILL')
      await ended()
    },
  }
}
