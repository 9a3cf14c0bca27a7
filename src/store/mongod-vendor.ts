/** Fetches mongod from its vendor through mongodb-memory-server-core (storage.md "The embedded server"); a host that is not reached costs at most 5 s, once a day. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, copyFile, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { wordsOf } from './child-failure.ts'

/** A patch level that production may also run (security.md "Tokens"). */
export const VENDOR_VERSION = '8.0.21'

export interface FetchOptions {
  readonly cacheDir: string
  /** Where the binary shall be. */
  readonly file: string
  readonly log: Logger
}

/** undefined when the binary is there now, else in one phrase why not. */
export type Fetch = (options: FetchOptions) => Promise<string | undefined>

const SCRIPT = fileURLToPath(new URL('./mongod-vendor-download.ts', import.meta.url))
const SILENCE_MS = 5_000
const REMEMBERED_MS = 24 * 3600 * 1000
const POLL_MS = 100

/** Puts the vendor's mongod at `file`, whole or not at all. Network, disk. */
export const fetchVendorMongod: Fetch = async ({ cacheDir, file, log }) => {
  const mark = join(cacheDir, 'vendor-unreachable')
  const folder = await mkdtemp(join(cacheDir, 'vendor-'))
  try {
    if (await isRecent(mark, folder))
      return `not tried again: it failed within the last day (delete ${mark} to try now)`
    log.info('fetching mongod from its vendor (about 100 MB, once)')
    const resultFile = join(folder, 'result')
    const failure = await download(folder, resultFile)
    if (failure !== undefined) {
      await writeFile(mark, `${failure}\n`)
      return failure
    }
    // It may be a copy that the library found elsewhere on this machine: that one stays where it is.
    const whole = join(folder, 'mongod')
    await copyFile((await readFile(resultFile, 'utf8')).trim(), whole)
    await chmod(whole, 0o755)
    await rename(whole, file)
    return undefined
  } catch (error) {
    return wordsOf(error)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The library has no deadline and retries, so it runs in a process of its own that is ended when nothing comes for 5 s. */
async function download(folder: string, resultFile: string): Promise<string | undefined> {
  const child = spawn(execPath, [SCRIPT, folder, VENDOR_VERSION, resultFile], { stdio: 'ignore' })
  child.on('error', () => undefined)
  if (await fallsSilent(child, folder)) {
    child.kill('SIGKILL')
    return 'nothing came from the host for 5 s'
  }
  return child.exitCode === 0 ? undefined : 'the host was not reached or has no build for this machine'
}

/** Whether the files of the folder stop growing for 5 s while the child runs; false as soon as the child has ended. */
async function fallsSilent(child: ChildProcess, folder: string): Promise<boolean> {
  let size = 0
  let grownAt = performance.now()
  while (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const now = await sizeOf(folder)
    if (now > size) {
      size = now
      grownAt = performance.now()
    }
    if (performance.now() - grownAt > SILENCE_MS) return true
    await sleep(POLL_MS)
  }
  return false
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true })
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (found) => found.size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, one) => sum + one, 0)
}

/** By the disk's own clock: both times are of files. */
async function isRecent(mark: string, freshFolder: string): Promise<boolean> {
  const marked = await stat(mark).catch(() => undefined)
  if (marked === undefined) return false
  const now = (await stat(freshFolder)).mtimeMs
  return now - marked.mtimeMs < REMEMBERED_MS
}
