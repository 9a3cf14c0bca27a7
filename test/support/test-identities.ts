/** Sandbox identities of a test run, made once: 300 key pairs for each server would cost a second. Servers find them in their data folder and load them, as at any later start. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { identitiesFile, loadSandboxIdentities } from '../../src/auth/sandbox-identities.ts'
import { LOCAL_AUTHORITIES } from '../../src/sandbox/authorities.ts'

/** Name of the variable by which workers learn where they are. */
const FOLDER_VARIABLE = 'CPIS_TEST_IDENTITIES'

/** Before all tests. */
export function makeTestIdentities(): void {
  const folder = mkdtempSync(join(tmpdir(), 'cpis-test-'))
  const codes = LOCAL_AUTHORITIES.map((one) => one.gss)
  loadSandboxIdentities(folder, codes)
  env[FOLDER_VARIABLE] = folder
}

/** After all tests. */
export function removeTestIdentities(): void {
  const folder = env[FOLDER_VARIABLE]
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
}

/** Puts them into the data folder of a server that has none yet. */
export function placeTestIdentities(dataDir: string): void {
  const folder = env[FOLDER_VARIABLE]
  if (folder === undefined) throw new Error('No identities of the run: start tests through jest.')
  copyFileSync(identitiesFile(folder), identitiesFile(dataDir))
}
