/** Environment → one frozen Config: every variable once, with its default and unit; nonsense is refused at start (runtime.md "Configuration"). */
import { join, resolve } from 'node:path'
import { isMailbox } from './domain/mailbox.ts'

export interface Config {
  readonly mode: 'sandbox' | 'production'
  readonly host: string
  readonly port: number
  /** Origin without a path or trailing slash; undefined means http://HOST:PORT as bound. */
  readonly baseUrl: string | undefined
  readonly metricsPort: number
  readonly mongodbUrl: string | undefined
  /** Database name. */
  readonly mongodbDatabase: string
  readonly mongodPath: string | undefined
  /** Whether production may run on the server's own mongod: a single member, which loses everything with its disk. */
  readonly embeddedMongodb: boolean
  readonly dataDir: string
  readonly keysFile: string | undefined
  /** Folder of the second place of the audit's seals; undefined: there is none. */
  readonly sealCopy: string | undefined
  readonly issuersFile: string | undefined
  readonly clientsFile: string | undefined
  /** Whether POST /oauth2/token issues tokens and they are accepted. */
  readonly embeddedIssuer: boolean
  readonly policyFile: string | undefined
  /** PEM files: certificate chain and key shown to endpoints that ask for one; both or none. */
  readonly clientCertFile: string | undefined
  readonly clientKeyFile: string | undefined
  /** PEM file of authorities believed beside the system's. */
  readonly extraCaFile: string | undefined
  /** Mail server for alerts by mail; undefined: none are sent. */
  readonly smtpUrl: URL | undefined
  /** Sender of mails: one plain address. */
  readonly mailFrom: string | undefined
  /** Where a mail sends its reader to look. */
  readonly mailLink: string | undefined
  readonly workers: number
  readonly nhsNumberInUrl: 'refuse' | 'allow'
  /** Instant at which the sandbox clock starts. */
  readonly sandboxNow: Date | undefined
  readonly limits: 'default' | 'off' | string
  readonly logLevel: string
}

interface Variable {
  readonly name: string
  readonly default: string
  readonly meaning: string
}

/** The table that README prints (tested to match). */
export const VARIABLES = [
  { name: 'CPIS_MODE', default: 'sandbox', meaning: '`sandbox` or `production`' },
  { name: 'HOST', default: '127.0.0.1', meaning: 'address to listen on' },
  { name: 'PORT', default: '8080', meaning: 'port of the service; 0 takes a free one' },
  { name: 'CPIS_BASE_URL', default: '', meaning: 'origin that callers use; default `http://HOST:PORT`' },
  { name: 'METRICS_PORT', default: '8081', meaning: 'port of the metrics, on HOST; 0 turns them off' },
  { name: 'MONGODB_URL', default: '', meaning: 'a MongoDB replica set; without it the server starts its own mongod' },
  { name: 'CPIS_DATABASE', default: 'cpis', meaning: 'database name' },
  { name: 'CPIS_MONGOD', default: '', meaning: 'path of a mongod for the embedded database' },
  {
    name: 'CPIS_EMBEDDED_MONGODB',
    default: '',
    meaning: '`yes`: production may run on a mongod of its own, one member without a second copy',
  },
  { name: 'CPIS_DATA_DIR', default: './.cpis', meaning: 'data folder: embedded database, sandbox keys and clients' },
  {
    name: 'CPIS_KEYS',
    default: '',
    meaning: 'JSON file of encryption, HMAC, token, webhook and seal keys; a sandbox makes its own',
  },
  {
    name: 'CPIS_SEAL_COPY',
    default: '',
    meaning:
      'folder on another disk, or write-once storage, to which the seals of the audit are written too; a sandbox has one in its data folder',
  },
  { name: 'CPIS_ISSUERS', default: '', meaning: 'JSON file of trusted outside issuers' },
  { name: 'CPIS_CLIENTS', default: '', meaning: 'JSON file of clients besides the sandbox’s own' },
  {
    name: 'CPIS_EMBEDDED_ISSUER',
    default: '',
    meaning: '`on` or `off`: whether the server issues tokens itself; default on in a sandbox, off in production',
  },
  {
    name: 'CPIS_POLICY',
    default: '',
    meaning:
      'JSON file of what a deployment sets: `endpoints`, hosts allowed for each LA (GSS); `mail`, mailboxes or domains likewise; `checkRoles`; `leastAssuranceLevel`; `purposeOfEvent`; `limits`, `issuers` and `clients` in place of files of their own; `retention`',
  },
  {
    name: 'CPIS_SMTP_URL',
    default: '',
    meaning:
      'mail server for alerts by mail: `smtp://USER:PASSWORD@HOST:587` (STARTTLS) or `smtps://…:465`; without it none are sent',
  },
  { name: 'CPIS_MAIL_FROM', default: '', meaning: 'sender of alerts by mail, one address' },
  {
    name: 'CPIS_MAIL_LINK',
    default: '',
    meaning: 'https address of the worklist that a mail names; default the search of it below the FHIR base',
  },
  {
    name: 'CPIS_CLIENT_CERT',
    default: '',
    meaning: 'PEM file: certificate, with its chain, that is shown to endpoints that ask for one (mutual TLS)',
  },
  { name: 'CPIS_CLIENT_KEY', default: '', meaning: 'PEM file of its private key' },
  {
    name: 'CPIS_EXTRA_CA',
    default: '',
    meaning: 'PEM file of authorities that are believed beside the system’s, for endpoints with private certificates',
  },
  { name: 'CPIS_WORKERS', default: '1', meaning: 'server processes' },
  { name: 'CPIS_NHS_NUMBER_IN_URL', default: 'refuse', meaning: '`refuse` or `allow` (sandbox only, for local tools)' },
  {
    name: 'CPIS_SANDBOX_NOW',
    default: '',
    meaning: 'instant at which the sandbox clock starts, e.g. `2026-05-03T08:00:00Z`',
  },
  { name: 'CPIS_LIMITS', default: 'default', meaning: '`default`, `off` (sandbox only) or a JSON file' },
  { name: 'LOG_LEVEL', default: 'info', meaning: '`fatal`, `error`, `warn`, `info`, `debug` or `silent`' },
] as const satisfies readonly Variable[]

type Name = (typeof VARIABLES)[number]['name']

/** Thrown for a setting that cannot be used; the message names the variable and the remedy. */
export class ConfigError extends Error {}

/** Reads and checks all variables; throws ConfigError. Pure. */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const read = (name: Name): string => environment[name]?.trim() || defaultOf(name)
  const optional = (name: Name): string | undefined => read(name) || undefined
  const mode = oneOf('CPIS_MODE', read('CPIS_MODE'), ['sandbox', 'production'])
  const config: Config = {
    mode,
    host: read('HOST'),
    port: wholeNumber('PORT', read('PORT'), 0, 65535),
    baseUrl: origin('CPIS_BASE_URL', optional('CPIS_BASE_URL')),
    metricsPort: wholeNumber('METRICS_PORT', read('METRICS_PORT'), 0, 65535),
    mongodbUrl: optional('MONGODB_URL'),
    mongodbDatabase: read('CPIS_DATABASE'),
    mongodPath: optional('CPIS_MONGOD'),
    embeddedMongodb: oneOf('CPIS_EMBEDDED_MONGODB', read('CPIS_EMBEDDED_MONGODB'), ['', 'yes', 'no']) === 'yes',
    dataDir: resolve(read('CPIS_DATA_DIR')),
    keysFile: optional('CPIS_KEYS'),
    sealCopy: sealCopy(optional('CPIS_SEAL_COPY'), mode, resolve(read('CPIS_DATA_DIR'))),
    issuersFile: optional('CPIS_ISSUERS'),
    clientsFile: optional('CPIS_CLIENTS'),
    embeddedIssuer:
      oneOf('CPIS_EMBEDDED_ISSUER', optional('CPIS_EMBEDDED_ISSUER') ?? (mode === 'sandbox' ? 'on' : 'off'), [
        'on',
        'off',
      ]) === 'on',
    policyFile: optional('CPIS_POLICY'),
    clientCertFile: optional('CPIS_CLIENT_CERT'),
    clientKeyFile: optional('CPIS_CLIENT_KEY'),
    extraCaFile: optional('CPIS_EXTRA_CA'),
    smtpUrl: smtpUrl(optional('CPIS_SMTP_URL')),
    mailFrom: optional('CPIS_MAIL_FROM'),
    mailLink: mailLink(optional('CPIS_MAIL_LINK'), mode),
    workers: wholeNumber('CPIS_WORKERS', read('CPIS_WORKERS'), 1, 64),
    nhsNumberInUrl: oneOf('CPIS_NHS_NUMBER_IN_URL', read('CPIS_NHS_NUMBER_IN_URL'), ['refuse', 'allow']),
    sandboxNow: instant('CPIS_SANDBOX_NOW', optional('CPIS_SANDBOX_NOW')),
    limits: read('CPIS_LIMITS'),
    logLevel: oneOf('LOG_LEVEL', read('LOG_LEVEL'), ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
  }
  refuseHalfMail(config)
  refuseHalfClient(config)
  refuseUnsafe(config)
  return Object.freeze(config)
}

function refuseHalfClient({ clientCertFile, clientKeyFile }: Config): void {
  if ((clientCertFile === undefined) === (clientKeyFile === undefined)) return
  throw new ConfigError('CPIS_CLIENT_CERT, CPIS_CLIENT_KEY: one without the other proves nothing. Set both or none.')
}

/** What production must not start with (security.md "Tokens"), each with its remedy; what only files and the database tell is refused where they are read. */
function refuseUnsafe(config: Config): void {
  if (config.mode === 'sandbox') return
  const fault = UNSAFE.find(({ isSo }) => isSo(config))
  if (fault !== undefined) throw new ConfigError(fault.words)
}

interface Unsafe {
  readonly words: string
  isSo(config: Config): boolean
}

const UNSAFE: readonly Unsafe[] = [
  {
    isSo: ({ sandboxNow }) => sandboxNow !== undefined,
    words: 'CPIS_SANDBOX_NOW: the test clock is for the sandbox only. Unset it.',
  },
  {
    isSo: ({ limits }) => limits === 'off',
    words: 'CPIS_LIMITS: limits can be off in the sandbox only. Use default or a JSON file.',
  },
  {
    isSo: ({ nhsNumberInUrl }) => nhsNumberInUrl === 'allow',
    words:
      'CPIS_NHS_NUMBER_IN_URL: numbers in addresses end in the logs of others. Unset it; it is for the sandbox only.',
  },
  {
    isSo: ({ keysFile }) => keysFile === undefined,
    words: 'CPIS_KEYS: production needs its own keys. Make them with `cpis keys new FILE` and name the file.',
  },
  {
    isSo: ({ mongodbUrl, embeddedMongodb }) => mongodbUrl === undefined && !embeddedMongodb,
    words:
      'MONGODB_URL: production needs a MongoDB replica set. Name it, or set CPIS_EMBEDDED_MONGODB=yes to run on one member without a second copy.',
  },
  {
    isSo: ({ host, baseUrl }) => !isHttps(baseUrl) && !isLoopback(host),
    words:
      'CPIS_BASE_URL: HOST is an address that others reach, without TLS. Set CPIS_BASE_URL to the https origin in front of it, and HOST to 127.0.0.1 or a private address.',
  },
  {
    isSo: ({ baseUrl }) => !isHttps(baseUrl),
    words: 'CPIS_BASE_URL: production needs an https origin (TLS ends before the server). Set it.',
  },
]

const isHttps = (url: string | undefined): boolean => url?.startsWith('https://') === true

/** Whether only this machine reaches that HOST. Pure. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

function defaultOf(name: Name): string {
  return VARIABLES.find((one) => one.name === name)?.default ?? ''
}

function oneOf<T extends string>(name: Name, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value)
  if (found === undefined) throw new ConfigError(`${name}: must be one of ${allowed.join(', ')}.`)
  return found
}

function wholeNumber(name: Name, value: string, least: number, most: number): number {
  const number = Number(value)
  if (!Number.isInteger(number) || number < least || number > most) {
    throw new ConfigError(`${name}: must be a whole number from ${least} to ${most}.`)
  }
  return number
}

/** A sandbox has one beside its own database. */
function sealCopy(folder: string | undefined, mode: Config['mode'], dataDir: string): string | undefined {
  if (folder !== undefined) return resolve(folder)
  return mode === 'sandbox' ? join(dataDir, SEALS_FOLDER) : undefined
}

/** In the data folder of a sandbox. */
const SEALS_FOLDER = 'audit-seals'

function origin(name: Name, value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  if (!URL.canParse(value) || new URL(value).origin !== value.replace(/\/$/, '')) {
    throw new ConfigError(`${name}: must be an origin such as https://cpis.example, without a path.`)
  }
  return new URL(value).origin
}

/** Nothing in the query: options of the mail library could turn TLS off there. */
function smtpUrl(value: string | undefined): URL | undefined {
  if (value === undefined) return undefined
  const url = URL.canParse(value) ? new URL(value) : undefined
  const fits =
    url !== undefined &&
    (url.protocol === 'smtp:' || url.protocol === 'smtps:') &&
    url.hostname !== '' &&
    (url.username === '') === (url.password === '') &&
    (url.pathname === '' || url.pathname === '/') &&
    url.search === '' &&
    url.hash === ''
  // The value may hold a password: it is not repeated
  if (!fits) {
    throw new ConfigError(
      'CPIS_SMTP_URL: must be smtp://HOST:PORT (STARTTLS) or smtps://HOST:PORT, with USER:PASSWORD@ or without, and nothing behind it.',
    )
  }
  return url
}

function mailLink(value: string | undefined, mode: Config['mode']): string | undefined {
  if (value === undefined) return undefined
  const protocol = URL.canParse(value) ? new URL(value).protocol : ''
  const isFit =
    /^[\x21-\x7e]{1,500}$/.test(value) && (protocol === 'https:' || (protocol === 'http:' && mode === 'sandbox'))
  if (!isFit) throw new ConfigError('CPIS_MAIL_LINK: must be an https address, in ASCII, at most 500 characters.')
  return value
}

function refuseHalfMail({ smtpUrl, mailFrom, mailLink }: Config): void {
  if (smtpUrl === undefined && (mailFrom ?? mailLink) !== undefined) {
    throw new ConfigError(
      'CPIS_SMTP_URL: CPIS_MAIL_FROM and CPIS_MAIL_LINK say nothing without it. Set it, or unset them.',
    )
  }
  if (smtpUrl !== undefined && (mailFrom === undefined || !isMailbox(mailFrom))) {
    throw new ConfigError('CPIS_MAIL_FROM: alerts by mail need a sender: one plain address, such as cpis@nhs.example.')
  }
}

function instant(name: Name, value: string | undefined): Date | undefined {
  if (value === undefined) return undefined
  const date = new Date(value)
  if (Number.isNaN(date.getTime()) || !/T.*(Z|[+-]\d\d:\d\d)$/.test(value)) {
    throw new ConfigError(`${name}: must be an instant with its zone, such as 2026-05-03T08:00:00Z.`)
  }
  return date
}
