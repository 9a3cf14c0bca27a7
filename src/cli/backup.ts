/** `cpis backup FOLDER`: everything in the database at one point in time, while the server goes on (docs/operating.md "Backup"). */
import { parseConfig } from '../config.ts'
import { keysFileOf } from '../keys.ts'
import { writeBackup } from '../store/backup.ts'
import { BackupError } from '../store/backup-format.ts'
import { StoreError } from '../store/store.ts'
import { openDatabaseAddress } from './database-address.ts'
import { CliError, EXIT, type Io, say, sayJson } from './io.ts'
import { VERSION } from './version.ts'

export interface BackupOptions {
  readonly gzip?: boolean
  readonly json?: boolean
}

/** Writes the folder; says what is in it and which keys open it. Throws CliError. Disk and store I/O. */
export async function runBackup(folder: string, options: BackupOptions, io: Io): Promise<number> {
  const config = parseConfig(io.env)
  const database = await openDatabaseAddress(config)
  const start = performance.now()
  try {
    const { manifest, isHistoryHeld } = await writeBackup({
      url: database.url,
      database: config.mongodbDatabase,
      folder,
      gzip: options.gzip === true,
      program: VERSION,
      clock: () => new Date(),
      onCollection: ({ name, documents }) => {
        if (io.isTerminal) io.err(`  ${name}: ${documents}\n`)
      },
    }).catch(failed)
    const { collections, keys, clusterTime } = manifest
    const documents = collections.reduce((sum, one) => sum + one.documents, 0)
    const bytes = collections.reduce((sum, one) => sum + one.data.bytes + one.metadata.bytes, 0)
    const at = new Date(clusterTime.seconds * 1_000).toISOString()
    const seconds = Math.round(performance.now() - start) / 1_000
    if (options.json === true) {
      sayJson(io, { folder, at, documents, bytes, seconds, isHistoryHeld, keys })
      return EXIT.ok
    }
    say(
      io,
      `${folder}: ${documents} documents of ${collections.length} collections as they were at ${at}, ${bytes} bytes, in ${seconds} s.`,
    )
    say(
      io,
      `It opens only with the data keys ${keys.data.join(', ')} and the HMAC key ${keys.hmac.join(', ')} of ${keysFileOf(config)}: they are not in it. Keep a copy of that file elsewhere.`,
    )
    if (!isHistoryHeld)
      say(
        io,
        'This user may not have the database keep its past: a backup that takes longer than 5 minutes will break off. See docs/operating.md "Backup".',
      )
    return EXIT.ok
  } finally {
    await database.close()
  }
}

/** What went wrong, in one line. */
export function failed(error: unknown): never {
  if (error instanceof BackupError) throw new CliError(EXIT.failed, error.message, { cause: error })
  if (error instanceof StoreError)
    throw new CliError(EXIT.unreachable, `The database does not answer. ${error.message}`, { cause: error })
  throw error
}
