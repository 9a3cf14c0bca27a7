/** How much one user, client or organisation may ask in a time: CPIS_LIMITS (security.md "Abuse and bad input"). */
import { readFileSync } from 'node:fs'
import { type Config, ConfigError } from './config.ts'

export interface Limits {
  /** `$cpis-check` of one person. */
  readonly checksPerUserPerMinute: number
  readonly checksPerUserPerHour: number
  /** Requests of every kind; Bundles count as one. */
  readonly requestsPerClientPerMinute: number
  readonly requestsPerOrganizationPerMinute: number
  /** Bytes of bodies. At least as many as the largest Bundle has. */
  readonly bytesPerClientPerMinute: number
}

export const DEFAULT_LIMITS: Limits = {
  checksPerUserPerMinute: 60,
  checksPerUserPerHour: 600,
  requestsPerClientPerMinute: 6_000,
  requestsPerOrganizationPerMinute: 12_000,
  bytesPerClientPerMinute: 64 * 1024 * 1024,
}

/** Below this a Bundle of the largest size could never be sent. */
const LEAST_BYTES = 10 * 1024 * 1024

/** The limits that are set, by CPIS_LIMITS or by the file of CPIS_POLICY; undefined when a sandbox has them off. Throws ConfigError for a file that is not as it should be, and for both at once. Disk I/O. */
export function readLimits(config: Pick<Config, 'limits'>, ofPolicy?: Limits): Limits | undefined {
  if (ofPolicy !== undefined && config.limits !== 'default') {
    throw new ConfigError('CPIS_LIMITS: limits stand in the file of CPIS_POLICY too. Keep one of the two.')
  }
  if (config.limits === 'off') return undefined
  if (config.limits === 'default') return ofPolicy ?? DEFAULT_LIMITS
  const parsed = parseLimits(readJson(config.limits))
  if ('limits' in parsed) return parsed.limits
  throw new ConfigError(`CPIS_LIMITS: ${parsed.faults.join(' ')}`)
}

/** Limits out of parsed JSON, what it leaves out as usual; or everything that is wrong with it. Pure. */
export function parseLimits(value: unknown): { readonly limits: Limits } | { readonly faults: readonly string[] } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { faults: ['must be a JSON object of limits.'] }
  }
  const faults = Object.entries(value).flatMap(([name, limit]) => findFault(name, limit) ?? [])
  return faults.length > 0 ? { faults } : { limits: { ...DEFAULT_LIMITS, ...value } }
}

function findFault(name: string, limit: unknown): string | undefined {
  if (!Object.hasOwn(DEFAULT_LIMITS, name)) return `${name} is not known. Remove it.`
  if (!Number.isInteger(limit) || Number(limit) < 1) return `${name} must be a whole number of 1 or more.`
  if (name === 'bytesPerClientPerMinute' && Number(limit) < LEAST_BYTES) {
    return `${name} must be at least ${LEAST_BYTES}: a Bundle may have so many bytes.`
  }
  return undefined
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    throw new ConfigError(`CPIS_LIMITS: ${file} cannot be read as a JSON object. Use default, or correct the file.`)
  }
}
