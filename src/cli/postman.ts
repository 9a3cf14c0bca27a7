/** `cpis postman FILE`: the environment of the Postman collection, filled with the sandbox's clients and their private keys. */
import { writeFileSync } from 'node:fs'
import { getIdentities } from './bearer.ts'
import { CliError, EXIT, type Io } from './io.ts'
import { fillEnvironment } from './postman-environment.ts'
import { serverOrigin } from './server-client.ts'

/** Writes the file, readable by its owner alone; never over another. Disk I/O. */
export async function runPostman(file: string, io: Io): Promise<number> {
  const environment = fillEnvironment(getIdentities(io), serverOrigin(io.env))
  try {
    writeFileSync(file, `${JSON.stringify(environment, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw new CliError(EXIT.failed, `${file} is there already or cannot be written.`, { cause: error })
  }
  io.err(`${file} made. Import it into Postman with examples/postman/cpis.postman_collection.json.\n`)
  return EXIT.ok
}
