/** What a deployment sets besides the environment: the JSON file of CPIS_POLICY, checked at start (security.md "Tokens"). */
import { readFileSync } from 'node:fs'
import { type CheckPolicy, DEFAULT_CHECK_POLICY } from './auth/policy.ts'
import { ConfigError } from './config.ts'
import { PURPOSES, type Purpose } from './domain/audit-record.ts'
import type { AuthorityCode } from './domain/brands.ts'

export interface PolicyFile {
  /** GSS of an authority → hosts (`host` or `host:port`) on which its endpoints may be. */
  readonly endpoints: ReadonlyMap<string, readonly string[]>
  /** Role codes that may check, and the least assurance level. */
  readonly check: CheckPolicy
  /** Why checks are made, as their AuditEvents say. */
  readonly purposeOfEvent: Purpose
}

const HOST = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/i

/** Reads the file; without one nothing is allowed beyond the defaults. Throws ConfigError. Disk I/O. */
export function readPolicyFile(file: string | undefined): PolicyFile {
  const content = file === undefined ? {} : parse(file)
  const { endpoints = {}, checkRoles, leastAssuranceLevel, purposeOfEvent = 'TREAT', ...unknown } = content
  const [stranger] = Object.keys(unknown)
  if (stranger !== undefined) throw new ConfigError(`CPIS_POLICY: ${stranger} is not known. Remove it.`)
  if (!isObject(endpoints)) throw new ConfigError('CPIS_POLICY: endpoints must map GSS codes to lists of hosts.')
  return {
    endpoints: new Map(Object.entries(endpoints).map(([gss, hosts]) => [gss, parseHosts(gss, hosts)])),
    check: {
      checkRoles: checkRoles === undefined ? DEFAULT_CHECK_POLICY.checkRoles : parseRoles(checkRoles),
      leastAssuranceLevel:
        leastAssuranceLevel === undefined ? DEFAULT_CHECK_POLICY.leastAssuranceLevel : parseLevel(leastAssuranceLevel),
    },
    purposeOfEvent: parsePurpose(purposeOfEvent),
  }
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
  if (!fits)
    throw new ConfigError('CPIS_POLICY: endpoints must map GSS codes to lists of hosts, without scheme or path.')
  return hosts
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
