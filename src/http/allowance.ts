/** Token buckets of users, clients and organisations (rate-limiter-flexible), taken after authentication and before the body is read: 429 with Retry-After. */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Caller } from '../auth/caller.ts'
import { FhirError } from '../fhir/fhir-error.ts'
import { issue } from '../fhir/outcome.ts'
import type { Limits } from '../limits.ts'
import type { FhirRoute } from './route-table.ts'

export interface Allowance {
  /** Takes one from each bucket that the request counts for. Throws RATE_LIMITED. */
  take(caller: Caller, route: Pick<FhirRoute, 'operation'>): Promise<void>
}

const MINUTE_S = 60
const HOUR_S = 3600

/** Buckets of this process; none when limits are off. */
export function buildAllowance(limits: Limits | undefined): Allowance {
  if (limits === undefined) return { take: () => Promise.resolve() }
  const minuteOfUser = bucket('user-minute', limits.checksPerUserPerMinute, MINUTE_S)
  const hourOfUser = bucket('user-hour', limits.checksPerUserPerHour, HOUR_S)
  const ofClient = bucket('client', limits.requestsPerClientPerMinute, MINUTE_S)
  const ofOrganization = bucket('organization', limits.requestsPerOrganizationPerMinute, MINUTE_S)
  return {
    async take(caller, route) {
      if (route.operation === 'cpis-check' && 'user' in caller) {
        await consume(minuteOfUser, caller.user.id)
        await consume(hourOfUser, caller.user.id)
      }
      await consume(ofClient, caller.clientId)
      await consume(
        ofOrganization,
        'organization' in caller ? caller.organization : 'authority' in caller ? caller.authority : caller.clientId,
      )
    },
  }
}

function bucket(keyPrefix: string, points: number, duration: number): RateLimiterMemory {
  return new RateLimiterMemory({ keyPrefix, points, duration })
}

async function consume(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key)
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal
    const seconds = Math.max(1, Math.ceil(refusal.msBeforeNext / 1000))
    throw new FhirError([issue('RATE_LIMITED')], { headers: { 'Retry-After': String(seconds) } })
  }
}
