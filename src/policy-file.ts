/** What a deployment sets besides the environment: the JSON file of CPIS_POLICY, checked at start (security.md "Tokens"). */

import { readFileSync } from 'node:fs'
import type { Setting } from './auth/parse-setting.ts'
import { type CheckPolicy, DEFAULT_CHECK_POLICY } from './auth/policy.ts'
import { type ClientRegistry, parseClients } from './auth/registered-clients.ts'
import { parseIssuers, type TrustedIssuer } from './auth/trusted-issuers.ts'
import { ConfigError } from './config.ts'
import { collectFaults } from './config-faults.ts'
import { PURPOSES, type Purpose } from './domain/audit-record.ts'
import type { AuthorityCode } from './domain/brands.ts'
import { isMailbox } from './domain/mailbox.ts'
import { isObject } from './fhir/json-object.ts'
import { type Limits, parseLimits } from './limits.ts'
import { parseRetention, type Retention } from './retention.ts'

export interface PolicyFile {
  /** GSS of an authority → hosts (`host` or `host:port`) on which its endpoints may be. */
  readonly endpoints: ReadonlyMap<string, readonly string[]>
  /** GSS of an authority → mailboxes, or domains of mailboxes, to which its alerts may go. */
  readonly mail: ReadonlyMap<string, readonly string[]>
  /** Role codes that may check, and the least assurance level. */
  readonly check: CheckPolicy
  /** Why checks are made, as their AuditEvents say. */
  readonly purposeOfEvent: Purpose
  /** As in the file of CPIS_LIMITS. */
  readonly limits?: Limits
  /** How long what grows is kept; without it nothing is ever archived. */
  readonly retention?: Retention
  /** As in the file of CPIS_ISSUERS. */
  readonly issuers?: readonly TrustedIssuer[]
  /** As in the file of CPIS_CLIENTS. */
  readonly clients?: ClientRegistry
}

const HOST = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/i

const NONE: ReadonlyMap<string, readonly string[]> = new Map()
const MEMBERS = [
  'endpoints',
  'mail',
  'checkRoles',
  'leastAssuranceLevel',
  'purposeOfEvent',
  'limits',
  'retention',
  'issuers',
  'clients',
]

/** Reads the file; without one nothing is allowed beyond the defaults. Throws one ConfigError with all that is wrong, each with its place. Disk I/O. */
export function readPolicyFile(file: string | undefined): PolicyFile {
  const content = file === undefined ? {} : parse(file)
  const { endpoints = {}, mail = {}, checkRoles, leastAssuranceLevel, purposeOfEvent = 'TREAT' } = content
  const faults = collectFaults('CPIS_POLICY')
  for (const name of Object.keys(content)) {
    if (!MEMBERS.includes(name)) faults.add(`${name} is not known. Remove it.`)
  }
  const policy: PolicyFile = {
    endpoints: faults.of(NONE, () => parseMap(endpoints, HOSTS_HELP, parseHosts)),
    mail: faults.of(NONE, () => parseMap(mail, MAIL_HELP, parseMailboxes)),
    check: {
      checkRoles: faults.of([], () =>
        checkRoles === undefined ? DEFAULT_CHECK_POLICY.checkRoles : parseRoles(checkRoles),
      ),
      leastAssuranceLevel: faults.of(0, () =>
        leastAssuranceLevel === undefined ? DEFAULT_CHECK_POLICY.leastAssuranceLevel : parseLevel(leastAssuranceLevel),
      ),
    },
    purposeOfEvent: faults.of('TREAT', () => parsePurpose(purposeOfEvent)),
    ...faults.of({}, () => parseLimitsMember(content['limits'])),
    ...faults.of({}, () => parseRetentionMember(content['retention'])),
    ...faults.of({}, () => parseIssuersMember(content['issuers'])),
    ...faults.of({}, () => parseClientsMember(content['clients'])),
  }
  faults.throwAll()
  return policy
}

function parseMap(
  value: unknown,
  help: string,
  parseEntry: (gss: string, entry: unknown) => readonly string[],
): ReadonlyMap<string, readonly string[]> {
  if (!isObject(value)) throw new ConfigError(help)
  return new Map(Object.entries(value).map(([gss, entry]) => [gss, parseEntry(gss, entry)]))
}

function parseLimitsMember(value: unknown): Pick<PolicyFile, 'limits'> {
  if (value === undefined) return {}
  const parsed = parseLimits(value)
  if ('limits' in parsed) return parsed
  throw new ConfigError(parsed.faults.map((fault) => `CPIS_POLICY: limits: ${fault}`).join(' '))
}

function parseRetentionMember(value: unknown): Pick<PolicyFile, 'retention'> {
  if (value === undefined) return {}
  const parsed = parseRetention(value)
  if ('retention' in parsed) return parsed
  throw new ConfigError(parsed.faults.map((fault) => `CPIS_POLICY: retention: ${fault}`).join(' '))
}

function parseIssuersMember(value: unknown): Pick<PolicyFile, 'issuers'> {
  return value === undefined ? {} : { issuers: parseIssuers(settingOf('issuers', value)) }
}

function parseClientsMember(value: unknown): Pick<PolicyFile, 'clients'> {
  return value === undefined ? {} : { clients: parseClients(settingOf('clients', value)) }
}

/** The content of what would be a file of its own; a bare list is its only list. */
function settingOf(name: string, value: unknown): Setting {
  const place = `CPIS_POLICY: ${name}`
  if (Array.isArray(value)) return { value: { [name]: value }, place }
  if (isObject(value)) return { value, place }
  throw new ConfigError(`${place}: must be an object, as in a file of its own.`)
}

function parseRoles(roles: unknown): readonly string[] {
  const fits =
    Array.isArray(roles) && roles.length > 0 && roles.every((one) => typeof one === 'string' && /^R\d{4}$/.test(one))
  if (!fits) throw new ConfigError('CPIS_POLICY: checkRoles must be a list of role codes, such as ["R8000", "R8001"].')
  return roles
}

/** Never below 2: nobody checks on a name and a password (security.md "Table of access"). */
function parseLevel(level: unknown): number {
  if (level !== 2 && level !== 3) throw new ConfigError('CPIS_POLICY: leastAssuranceLevel must be 2 or 3.')
  return level
}

function parsePurpose(purpose: unknown): Purpose {
  const found = PURPOSES.find((one) => one === purpose)
  if (found === undefined) throw new ConfigError(`CPIS_POLICY: purposeOfEvent must be one of ${PURPOSES.join(', ')}.`)
  return found
}

/** Hosts allowed for an authority. Pure. */
export function hostsOf(policy: PolicyFile, authority: AuthorityCode): readonly string[] {
  return policy.endpoints.get(authority) ?? []
}

/** Mailboxes and domains allowed for an authority. Pure. */
export function mailboxesOf(policy: PolicyFile, authority: AuthorityCode): readonly string[] {
  return policy.mail.get(authority) ?? []
}

const HOSTS_HELP = 'CPIS_POLICY: endpoints must map GSS codes to lists of hosts, without scheme or path.'
const MAIL_HELP =
  'CPIS_POLICY: mail must map GSS codes to lists of mailboxes (duty@council.example) or of domains (council.example).'

function parseMailboxes(gss: string, all: unknown): readonly string[] {
  const fits = (one: unknown): boolean =>
    typeof one === 'string' && (isMailbox(one) || isMailbox(`a@${one}`)) && one.length <= 320
  if (!/^[ENSW]\d{8}$/.test(gss) || !Array.isArray(all) || !all.every(fits)) throw new ConfigError(MAIL_HELP)
  return all
}

function parse(file: string): Readonly<Record<string, unknown>> {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (isObject(content)) return content
  } catch {
    // said below, whatever the cause
  }
  throw new ConfigError(`CPIS_POLICY: ${file} cannot be read as a JSON object. Correct the file or its path.`)
}

function parseHosts(gss: string, hosts: unknown): readonly string[] {
  const fits =
    /^[ENSW]\d{8}$/.test(gss) && Array.isArray(hosts) && hosts.every((one) => typeof one === 'string' && HOST.test(one))
  if (!fits) throw new ConfigError(HOSTS_HELP)
  return hosts
}
