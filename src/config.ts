/** Environment → one frozen Config: every variable once, with its default and unit; nonsense is refused at start (runtime.md "Configuration"). */
import { join, resolve } from 'node:path'
import { findUnsafe } from './config-unsafe.ts'
import { type Name, VARIABLES } from './config-variables.ts'
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
  const unsafe = findUnsafe(config)
  if (unsafe !== undefined) throw new ConfigError(unsafe)
  return Object.freeze(config)
}

function refuseHalfClient({ clientCertFile, clientKeyFile }: Config): void {
  if ((clientCertFile === undefined) === (clientKeyFile === undefined)) return
  throw new ConfigError('CPIS_CLIENT_CERT, CPIS_CLIENT_KEY: one without the other proves nothing. Set both or none.')
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
