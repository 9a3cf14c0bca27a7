/** The database that a command works on by itself: MONGODB_URL, or that of the data folder, whether a server runs on it or not. */
import { pino } from 'pino'
import type { Config } from '../config.ts'
import { findEmbeddedUrl } from '../store/embedded-address.ts'
import { startEmbeddedMongod } from '../store/embedded-mongod.ts'
import { CliError, EXIT } from './io.ts'

export interface DatabaseAddress {
  readonly url: string
  /** Stops what was started for it. */
  close(): Promise<void>
}

/** The database of a server that runs, or started for this command and stopped after it. Throws CliError. Disk and processes. */
export async function openDatabaseAddress(config: Config): Promise<DatabaseAddress> {
  const { mongodbUrl, dataDir } = config
  const running = mongodbUrl ?? (await findEmbeddedUrl(dataDir))
  if (running !== undefined) return { url: running, close: async () => undefined }
  return startDatabase(config)
}

/** The database of the data folder, for this command alone: refused while a server runs on it. Throws CliError. Disk and processes. */
export async function startDatabase({ dataDir, mongodPath, mongodbUrl }: Config): Promise<DatabaseAddress> {
  if (mongodbUrl !== undefined) return { url: mongodbUrl, close: async () => undefined }
  try {
    return await startEmbeddedMongod({
      dataDir,
      log: pino({ level: 'silent' }),
      ...(mongodPath === undefined ? {} : { mongodPath }),
    })
  } catch (error) {
    throw new CliError(EXIT.failed, error instanceof Error ? error.message : 'The database did not start.', {
      cause: error,
    })
  }
}
