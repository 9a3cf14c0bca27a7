/** A small disk for the files of a mongod, so that it can be filled: a tmpfs, which only root may mount. */
import { execFile, spawnSync } from 'node:child_process'
import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** mongod's own files take some 300 MB, of which 100 are one piece of the journal; the rest is for a run. */
const SIZE_MB = 900

const mounted = new Set<string>()
process.once('exit', () => {
  for (const folder of mounted) spawnSync('umount', ['-l', folder])
})

/** Mounts it there; undefined when done, else why it cannot be. */
export async function mountSmallDisk(folder: string): Promise<string | undefined> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MB}m,mode=700`, 'tmpfs', folder])
    mounted.add(folder)
    return undefined
  } catch (error) {
    return `no tmpfs can be mounted here (${String(error).split('\n')[0]})`
  }
}

/** Takes the mount away; nothing when there is none. */
export async function unmountSmallDisk(folder: string): Promise<void> {
  mounted.delete(folder)
  await run('umount', ['-l', folder]).catch(() => undefined)
}

/** Writes a file until nothing more fits; in MB how much that was. */
export function fillDisk(folder: string): number {
  const file = openSync(join(folder, 'filler'), 'w')
  const piece = Buffer.alloc(1_000_000, 1)
  let written = 0
  try {
    for (;;) written += writeSync(file, piece)
  } catch {
    fsyncSync(file)
    return Math.round(written / 1_000_000)
  } finally {
    closeSync(file)
  }
}

/** Takes that file away. */
export function freeDisk(folder: string): void {
  rmSync(join(folder, 'filler'), { force: true })
}
