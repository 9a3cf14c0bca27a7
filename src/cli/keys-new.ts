/** `cpis keys new FILE`: a key file for CPIS_KEYS, readable by its owner alone (security.md "Tokens"). */
import { writeFileSync } from 'node:fs'
import { keysText, makeKeys } from '../keys.ts'
import { CliError, EXIT, type Io } from './io.ts'

/** Writes new random keys; refuses to write over a file, since lost keys are lost data. Disk I/O. */
export async function runKeysNew(file: string, io: Io): Promise<number> {
  try {
    writeFileSync(file, keysText(makeKeys()), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    const why = exists ? 'exists and is not written over: what its keys sealed would be lost' : 'cannot be written'
    throw new CliError(EXIT.failed, `${file} ${why}.`, { cause: error })
  }
  io.err(
    `${file} made. Keep it secret and keep a copy: without it the register cannot be read. Set CPIS_KEYS=${file}.\n`,
  )
  return EXIT.ok
}
