/** `cpis doctor`: what this machine, the deployment and the server need, each finding with what to do (runtime.md "Commands"; issue 6). */
import { accessSync, constants, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import { type Config, parseConfig } from '../config.ts'
import { orderKeys } from '../key-rotation.ts'
import { type Keys, keysFileOf, loadKeys, sealKeys } from '../keys.ts'
import { inspectDatabase, isVersionSafe } from '../store/database-facts.ts'
import { defaultCacheDir, findMongod } from '../store/mongod-binary.ts'
import { databaseFindings } from './doctor-database.ts'
import { checkCallers, checkDisk, checkLimits, checkPolicy, checkSealCopy, checkTls } from './doctor-deployment.ts'
import { type Finding, fail, findingOf, ok, warn } from './doctor-finding.ts'
import { outgoingTlsFindings } from './doctor-outgoing-tls.ts'
import { EXIT, type Io, say, sayJson, styled } from './io.ts'
import { send, serverOrigin } from './server-client.ts'
import { VERSION } from './version.ts'

const MARK = { ok: 'ok', warn: '--', fail: '!!' } as const
const COLOUR = { ok: 'green', warn: 'yellow', fail: 'red' } as const
const NODE_MAJOR = 24

/** Looks and prints. Resolves to 1 when something must be mended before the server can run, or run safely. */
export async function runDoctor(options: { readonly json?: boolean }, io: Io): Promise<number> {
  const findings = await findAll(io)
  for (const finding of findings) {
    if (options.json) sayJson(io, finding)
    else for (const line of findingLines(finding, io)) say(io, line)
  }
  return findings.some((one) => one.state === 'fail') ? EXIT.failed : EXIT.ok
}

async function findAll(io: Io): Promise<Finding[]> {
  const settings = findingOf('settings', () => ok('settings', parseConfig(io.env).mode))
  if (settings.state === 'fail') return [checkVersions(), settings]
  const config = parseConfig(io.env)
  const origin = serverOrigin(io.env)
  const serverTime = await askTime(origin)
  const isServerUp = serverTime !== undefined
  return [
    checkVersions(),
    settings,
    ...(await checkDatabase(config, serverTime)),
    checkDataFolder(config),
    checkDisk(config),
    checkSealCopy(config),
    ...checkKeyFiles(config),
    checkKeys(config),
    checkLimits(config),
    checkCallers(config),
    ...(await checkPolicy(config)),
    await checkPort(config, isServerUp),
    await checkTls(config),
    ...outgoingTlsFindings(config, serverTime ?? new Date()),
    checkServer(origin, isServerUp),
  ]
}

function findingLines(finding: Finding, io: Io): string[] {
  const mark = styled(io, COLOUR[finding.state], MARK[finding.state])
  const line = `${mark}  ${finding.what.padEnd(12)} ${finding.found}`
  return finding.remedy === undefined ? [line] : [line, `    ${' '.repeat(12)} ${finding.remedy}`]
}

function checkVersions(): Finding {
  const what = 'versions'
  const found = `cpis ${VERSION}, node ${process.versions.node}, ${process.platform} ${process.arch}`
  if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR) return ok(what, found)
  return warn(what, found, `Use node ${NODE_MAJOR}: \`npm ci\` brings it along.`)
}

async function checkDatabase(config: Config, serverTime: Date | undefined): Promise<Finding[]> {
  if (config.mongodbUrl === undefined) return [await checkMongod(config)]
  const now = config.sandboxNow === undefined ? (serverTime ?? new Date()) : undefined
  try {
    const facts = await inspectDatabase({ url: config.mongodbUrl, database: config.mongodbDatabase })
    const dataKeys = findKeys(config)?.data.map(({ id }) => id)
    return databaseFindings({ facts, mode: config.mode, now, dataKeys })
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown'
    return [fail('database', `MONGODB_URL: ${why}`, 'Start it, and look at its address, TLS, user and firewall.')]
  }
}

async function checkMongod(config: Config): Promise<Finding> {
  const what = 'database'
  try {
    const found = await findMongod({
      ...(config.mongodPath === undefined ? {} : { mongodPath: config.mongodPath }),
      cacheDir: defaultCacheDir(),
      log: pino({ level: 'silent' }),
    })
    const words = `mongod ${found.version} from ${found.source}: ${found.file}`
    if (config.mode === 'sandbox' || isVersionSafe(found.version)) return ok(what, words)
    return fail(what, words, 'Name a mongod of 7.0.32, 8.0.21 or the newest patch of 8.2 or later in CPIS_MONGOD.')
  } catch (error) {
    return fail(what, 'no mongod', error instanceof Error ? error.message : '')
  }
}

/** The keys in the order of use; undefined when there are none that can be used. A doctor makes none. */
function findKeys(config: Config): Keys | undefined {
  if (!existsSync(keysFileOf(config))) return undefined
  try {
    return orderKeys(loadKeys(config), Date.now())
  } catch {
    return undefined
  }
}

function checkKeys(config: Config): Finding {
  const what = 'keys'
  const file = keysFileOf(config)
  if (config.keysFile === undefined && !existsSync(file)) return ok(what, 'made at the first start of the sandbox')
  return findingOf(what, () => {
    const keys = orderKeys(loadKeys(config), Date.now())
    const versions = keys.data.map(({ id }) => id).join(', ')
    return ok(
      what,
      `data ${versions} (the first seals); ${keys.tokens.length} for tokens, ${keys.webhooks.length} for notifications, ${sealKeys(keys).length} for seals`,
    )
  })
}

function checkDataFolder({ dataDir }: Config): Finding {
  const what = 'data folder'
  const place = existsSync(dataDir) ? dataDir : dirname(dataDir)
  try {
    if (place !== dataDir) mkdirSync(place, { recursive: true })
    accessSync(place, constants.W_OK)
    const made = place === dataDir ? '' : ' (made at the first start)'
    return { what, state: 'ok', found: `${dataDir}${made}` }
  } catch {
    return {
      what,
      state: 'fail',
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
    ...(config.clientKeyFile === undefined ? [] : [config.clientKeyFile]),
  ]
  return files.map((file) => checkMode(file))
}

function checkMode(file: string): Finding {
  const what = 'key file'
  try {
    const mode = statSync(file).mode & 0o777
    if ((mode & 0o077) === 0 || process.platform === 'win32')
      return { what, state: 'ok', found: `${file} is its owner's alone` }
    return {
      what,
      state: 'fail',
      found: `${file} can be read by others (${mode.toString(8)})`,
      remedy: `chmod 600 ${file}`,
    }
  } catch {
    return {
      what,
      state: 'fail',
      found: `${file} is not there`,
      remedy: 'Make it with `cpis keys new FILE`, or unset CPIS_KEYS.',
    }
  }
}

async function checkPort(config: Config, isServerUp: boolean): Promise<Finding> {
  const what = 'port'
  if (isServerUp) return { what, state: 'ok', found: `${config.port} is the server's` }
  if (await isFree(config)) return { what, state: 'ok', found: `${config.port} is free` }
  return {
    what,
    state: 'fail',
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

/** The server's clock by its Date header; undefined when nobody answers. */
async function askTime(origin: string): Promise<Date | undefined> {
  try {
    const { status, headers } = await send(origin, { method: 'GET', path: '/health/live' })
    return status === 200 ? new Date(headers.get('date') ?? '') : undefined
  } catch {
    return undefined
  }
}

function checkServer(origin: string, isServerUp: boolean): Finding {
  if (isServerUp) return { what: 'server', state: 'ok', found: `answers at ${origin}` }
  return {
    what: 'server',
    state: 'warn',
    found: `does not answer at ${origin}`,
    remedy: 'Start it with `npm start`.',
  }
}
