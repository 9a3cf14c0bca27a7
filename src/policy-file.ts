/** What a deployment sets besides the environment: the JSON file of CPIS_POLICY, checked at start (security.md "Tokens"). */
import { readFileSync } from 'node:fs'
import { ConfigError } from './config.ts'
import type { AuthorityCode } from './domain/brands.ts'

export interface PolicyFile {
  /** GSS of an authority → hosts (`host` or `host:port`) on which its endpoints may be. */
  readonly endpoints: ReadonlyMap<string, readonly string[]>
}

const HOST = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/i

/** Reads the file; without one nothing is allowed beyond the defaults. Throws ConfigError. Disk I/O. */
export function readPolicyFile(file: string | undefined): PolicyFile {
  if (file === undefined) return { endpoints: new Map() }
  const content = parse(file)
  const { endpoints = {}, ...unknown } = content
  const [stranger] = Object.keys(unknown)
  if (stranger !== undefined) throw new ConfigError(`CPIS_POLICY: ${stranger} is not known. Remove it.`)
  if (!isObject(endpoints)) throw new ConfigError('CPIS_POLICY: endpoints must map GSS codes to lists of hosts.')
  return { endpoints: new Map(Object.entries(endpoints).map(([gss, hosts]) => [gss, parseHosts(gss, hosts)])) }
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
