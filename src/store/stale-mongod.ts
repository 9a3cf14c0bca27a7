/** Ends a mongod that a server of before left on the data folder (storage.md "The embedded server"). Call only under the folder's lock: then no living server owns it. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { kill } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const POLL_MS = 50

/** Asks it to stop, kills it after `patienceMs`, and resolves when it is gone. Nothing to do resolves at once. */
export async function endStaleMongod(dbPath: string, patienceMs: number): Promise<void> {
  const pid = Number((await readFile(join(dbPath, 'mongod.lock'), 'utf8').catch(() => '')).trim())
  if (!Number.isInteger(pid) || pid <= 1 || !(await isMongodOf(pid, dbPath))) return
  signal(pid, 'SIGTERM')
  if (await isGone(pid, patienceMs)) return
  signal(pid, 'SIGKILL')
  if (await isGone(pid, patienceMs)) return
  throw new Error(`A mongod of an earlier run (process ${pid}) holds ${dbPath} and cannot be stopped. Stop it by hand.`)
}

/** The number may have gone to another process since: only one whose command line names the folder is ours. */
async function isMongodOf(pid: number, dbPath: string): Promise<boolean> {
  const { stdout } = await run('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }))
  return stdout.includes('mongod') && stdout.includes(dbPath)
}

async function isGone(pid: number, patienceMs: number): Promise<boolean> {
  const deadline = performance.now() + patienceMs
  while (performance.now() < deadline) {
    if (!signal(pid, 0)) return true
    await sleep(POLL_MS)
  }
  return false
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return kill(pid, name)
  } catch {
    return false
  }
}
