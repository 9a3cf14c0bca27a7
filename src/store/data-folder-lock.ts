/** One server a data folder: an operating system's lock that ends with the process, however it ends (storage.md "The embedded server"). */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pid } from 'node:process'
import { DatabaseSync } from 'node:sqlite'

export interface DataFolderLock {
  release(): void
}

/** Takes the lock of the folder, or throws one clear line when another server has it. Disk I/O. */
export function lockDataFolder(dataDir: string): DataFolderLock {
  const ownerFile = join(dataDir, 'server.pid')
  // Node has no file locks; an SQLite transaction is one (fcntl), and the kernel frees it after a kill -9.
  const file = new DatabaseSync(join(dataDir, 'server.lock'), { timeout: 0 })
  try {
    file.exec('BEGIN IMMEDIATE')
  } catch (error) {
    file.close()
    if (!isBusy(error)) throw error
    throw new Error(
      `The data folder ${dataDir} is in use by another server (process ${readOwner(ownerFile)}). Stop that one, or name another folder in CPIS_DATA_DIR.`,
    )
  }
  writeFileSync(ownerFile, `${pid}\n`)
  return { release: () => file.close() }
}

const SQLITE_BUSY = 5

const isBusy = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'errcode' in error && error.errcode === SQLITE_BUSY

function readOwner(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return 'unknown'
  }
}
