/** `cpis restore FOLDER`: a backup into an empty database, checked before and after (docs/operating.md "Restore"). */
import { existsSync } from 'node:fs'
import { parseConfig } from '../config.ts'
import { keysFileOf, readKeysFile } from '../keys.ts'
import { checkBackup, restoreBackup } from '../store/restore.ts'
import { failed } from './backup.ts'
import { startDatabase } from './database-address.ts'
import { CliError, EXIT, type Io, say, sayJson } from './io.ts'

export interface RestoreOptions {
  /** Look at the backup and the keys only: nothing is written. */
  readonly check?: boolean
  readonly json?: boolean
}

/** Refuses a backup that is not what was written, wrong keys, and a database that is not empty. Throws CliError. Disk and store I/O. */
export async function runRestore(folder: string, options: RestoreOptions, io: Io): Promise<number> {
  const config = parseConfig(io.env)
  const keysFile = keysFileOf(config)
  if (!existsSync(keysFile)) {
    throw new CliError(
      EXIT.failed,
      `There are no keys at ${keysFile}: put the key file of this backup there, or name it in CPIS_KEYS.`,
    )
  }
  const keys = readKeysFile(keysFile)
  const checked = await checkBackup({ folder, keys }).catch(failed)
  const documents = checked.collections.reduce((sum, one) => sum + one.documents, 0)
  const at = new Date(checked.clusterTime.seconds * 1_000).toISOString()
  if (options.check === true) {
    if (options.json === true) sayJson(io, { folder, at, documents, isWhole: true })
    else say(io, `${folder}: whole, ${documents} documents as they were at ${at}; the keys at hand open it.`)
    return EXIT.ok
  }
  const database = await startDatabase(config)
  try {
    const onCollection = (one: { readonly name: string; readonly documents: number }): void => {
      if (io.isTerminal) io.err(`  ${one.name}: ${one.documents}\n`)
    }
    await restoreBackup(
      { url: database.url, database: config.mongodbDatabase, folder, keys, onCollection },
      checked,
    ).catch(failed)
    if (options.json === true) sayJson(io, { folder, at, documents, database: config.mongodbDatabase })
    else {
      say(
        io,
        `${documents} documents are in ${config.mongodbDatabase} as they were at ${at}, counted and opened. Start the server.`,
      )
      say(
        io,
        'What was acknowledged after that is not in it: have the authorities send everything again (docs/operating.md "Restore").',
      )
    }
    return EXIT.ok
  } finally {
    await database.close()
  }
}
