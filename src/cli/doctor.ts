/** `cpis doctor`: what this machine and the server need, each finding with what to do (runtime.md "Commands"). */
import { accessSync, constants, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import { type Config, parseConfig } from '../config.ts'
import { defaultCacheDir, findMongod } from '../store/mongod-binary.ts'
import { EXIT, type Io, say, sayJson, styled } from './io.ts'
import { send, serverOrigin } from './server-client.ts'
import { VERSION } from './version.ts'

export interface Finding {
  readonly what: string
  readonly state: 'good' | 'warning' | 'bad'
  readonly found: string
  /** What to do; absent when nothing is. */
  readonly remedy?: string
}

const MARK = { good: 'ok', warning: '--', bad: '!!' } as const
const COLOUR = { good: 'green', warning: 'yellow', bad: 'red' } as const

/** Looks and prints. Resolves to 1 when something must be mended before the server can run. */
export async function runDoctor(options: { readonly json?: boolean }, io: Io): Promise<number> {
  const config = parseConfig(io.env)
  const isServerUp = await answers(serverOrigin(io.env))
  const findings = [
    checkVersions(),
    await checkDatabase(config),
    checkDataFolder(config),
    ...checkKeyFiles(config),
    await checkPort(config, isServerUp),
    checkServer(serverOrigin(io.env), isServerUp),
  ]
  for (const finding of findings) {
    if (options.json) sayJson(io, finding)
    else for (const line of findingLines(finding, io)) say(io, line)
  }
  return findings.some((one) => one.state === 'bad') ? EXIT.failed : EXIT.ok
}

function findingLines(finding: Finding, io: Io): string[] {
  const mark = styled(io, COLOUR[finding.state], MARK[finding.state])
  const line = `${mark}  ${finding.what.padEnd(12)} ${finding.found}`
  return finding.remedy === undefined ? [line] : [line, `    ${' '.repeat(12)} ${finding.remedy}`]
}

function checkVersions(): Finding {
  return {
    what: 'versions',
    state: 'good',
    found: `cpis ${VERSION}, node ${process.versions.node}, ${process.platform} ${process.arch}`,
  }
}

async function checkDatabase(config: Config): Promise<Finding> {
  const what = 'database'
  if (config.mongodbUrl !== undefined) {
    return { what, state: 'good', found: 'MONGODB_URL names one; whether it answers is in /health/ready of the server' }
  }
  try {
    const found = await findMongod({
      ...(config.mongodPath === undefined ? {} : { mongodPath: config.mongodPath }),
      cacheDir: defaultCacheDir(),
      log: pino({ level: 'silent' }),
    })
    return { what, state: 'good', found: `mongod ${found.version} from ${found.source}: ${found.file}` }
  } catch (error) {
    return { what, state: 'bad', found: 'no mongod', remedy: error instanceof Error ? error.message : '' }
  }
}

function checkDataFolder({ dataDir }: Config): Finding {
  const what = 'data folder'
  const place = existsSync(dataDir) ? dataDir : dirname(dataDir)
  try {
    if (place !== dataDir) mkdirSync(place, { recursive: true })
    accessSync(place, constants.W_OK)
    const made = place === dataDir ? '' : ' (made at the first start)'
    return { what, state: 'good', found: `${dataDir}${made}` }
  } catch {
    return {
      what,
      state: 'bad',
      found: `${dataDir} cannot be written`,
      remedy: 'Set CPIS_DATA_DIR to a folder of yours, or change its owner.',
    }
  }
}

/** Files with private keys must be their owner's alone. */
function checkKeyFiles(config: Config): Finding[] {
  const own = existsSync(config.dataDir) ? readdirSync(config.dataDir).filter((name) => name.endsWith('.json')) : []
  const files = [
    ...own.map((name) => join(config.dataDir, name)),
    ...(config.keysFile === undefined ? [] : [config.keysFile]),
  ]
  return files.map((file) => checkMode(file))
}

function checkMode(file: string): Finding {
  const what = 'key file'
  try {
    const mode = statSync(file).mode & 0o777
    if ((mode & 0o077) === 0 || process.platform === 'win32')
      return { what, state: 'good', found: `${file} is its owner's alone` }
    return {
      what,
      state: 'bad',
      found: `${file} can be read by others (${mode.toString(8)})`,
      remedy: `chmod 600 ${file}`,
    }
  } catch {
    return {
      what,
      state: 'bad',
      found: `${file} is not there`,
      remedy: 'Make it with `cpis keys new FILE`, or unset CPIS_KEYS.',
    }
  }
}

async function checkPort(config: Config, isServerUp: boolean): Promise<Finding> {
  const what = 'port'
  if (isServerUp) return { what, state: 'good', found: `${config.port} is the server's` }
  if (await isFree(config)) return { what, state: 'good', found: `${config.port} is free` }
  return {
    what,
    state: 'bad',
    found: `${config.port} on ${config.host} is taken by something else`,
    remedy: 'Set PORT to another, or 0 for a free one.',
  }
}

function isFree(config: Config): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(config.port, config.host, () => probe.close(() => resolve(true)))
  })
}

async function answers(origin: string): Promise<boolean> {
  try {
    return (await send(origin, { method: 'GET', path: '/health/live' })).status === 200
  } catch {
    return false
  }
}

function checkServer(origin: string, isServerUp: boolean): Finding {
  if (isServerUp) return { what: 'server', state: 'good', found: `answers at ${origin}` }
  return {
    what: 'server',
    state: 'warning',
    found: `does not answer at ${origin}`,
    remedy: 'Start it with `npm start`.',
  }
}
