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
}

export const DEFAULT_LIMITS: Limits = {
  checksPerUserPerMinute: 60,
  checksPerUserPerHour: 600,
  requestsPerClientPerMinute: 6_000,
  requestsPerOrganizationPerMinute: 12_000,
}

/** The limits that are set; undefined when a sandbox has them off. Throws ConfigError for a file that is not as it should be. Disk I/O. */
export function readLimits(config: Pick<Config, 'limits'>): Limits | undefined {
  if (config.limits === 'off') return undefined
  if (config.limits === 'default') return DEFAULT_LIMITS
  const content = parse(config.limits)
  for (const [name, value] of Object.entries(content)) {
    if (!(name in DEFAULT_LIMITS)) throw new ConfigError(`CPIS_LIMITS: ${name} is not known. Remove it.`)
    if (!Number.isInteger(value) || Number(value) < 1) {
      throw new ConfigError(`CPIS_LIMITS: ${name} must be a whole number of 1 or more.`)
    }
  }
  return { ...DEFAULT_LIMITS, ...content }
}

function parse(file: string): Partial<Limits> {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content
  } catch {
    // said below, whatever the cause
  }
  throw new ConfigError(`CPIS_LIMITS: ${file} cannot be read as a JSON object. Use default, or correct the file.`)
}
