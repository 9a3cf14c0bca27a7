/** Token buckets of users, clients and organisations (rate-limiter-flexible), taken after authentication and before the body is read: 429 with Retry-After. */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Caller } from '../auth/caller.ts'
import { FhirError } from '../fhir/fhir-error.ts'
import { issue } from '../fhir/outcome.ts'
import type { Limits } from '../limits.ts'
import { buildPace } from './pace.ts'
import type { FhirRoute } from './route-table.ts'

export interface Allowance {
  /** Takes one from each bucket that the request counts for, in the client's turn. Throws RATE_LIMITED. */
  take(caller: Caller, route: Pick<FhirRoute, 'operation'>): Promise<void>
  /** Takes the bytes that a body is said to have, before it is read. Throws RATE_LIMITED. */
  takeBytes(caller: Caller, bytes: number): Promise<void>
  /** Takes the bytes that were not announced, whether or not there is room. */
  addBytes(caller: Caller, bytes: number): Promise<void>
  /** Takes what a user checked at other processes, whether or not there is room. */
  addChecks(userId: string, checks: number): Promise<void>
}

const MINUTE_S = 60
const HOUR_S = 3600
/** What a body whose length is not announced is taken for, until it was read. */
const UNANNOUNCED_BYTES = 16 * 1024

/** Buckets of this process. */
export function buildAllowance(limits: Limits): Allowance {
  const minuteOfUser = bucket('user-minute', limits.checksPerUserPerMinute, MINUTE_S)
  const hourOfUser = bucket('user-hour', limits.checksPerUserPerHour, HOUR_S)
  const ofClient = bucket('client', limits.requestsPerClientPerMinute, MINUTE_S)
  const paceOfClient = buildPace(limits.requestsPerClientPerMinute)
  const ofOrganization = bucket('organization', limits.requestsPerOrganizationPerMinute, MINUTE_S)
  const bytesOfClient = bucket('bytes', limits.bytesPerClientPerMinute, MINUTE_S)
  return {
    async take(caller, route) {
      if (route.operation === 'cpis-check' && 'user' in caller) {
        await consume(minuteOfUser, caller.user.id)
        await consume(hourOfUser, caller.user.id)
      }
      if (!(await paceOfClient.turn(caller.clientId))) throw limited(1)
      await consume(ofClient, caller.clientId)
      await consume(ofOrganization, organizationOf(caller))
    },
    takeBytes: (caller, bytes) => consume(bytesOfClient, caller.clientId, bytes || UNANNOUNCED_BYTES),
    async addBytes(caller, bytes) {
      if (bytes > 0) await bytesOfClient.penalty(caller.clientId, bytes)
    },
    async addChecks(userId, checks) {
      if (checks <= 0) return
      await minuteOfUser.penalty(userId, checks)
      await hourOfUser.penalty(userId, checks)
    },
  }
}

/** Where limits are off. */
export const NO_ALLOWANCE: Allowance = {
  take: () => Promise.resolve(),
  takeBytes: () => Promise.resolve(),
  addBytes: () => Promise.resolve(),
  addChecks: () => Promise.resolve(),
}

function organizationOf(caller: Caller): string {
  return 'organization' in caller ? caller.organization : 'authority' in caller ? caller.authority : caller.clientId
}

function bucket(keyPrefix: string, points: number, duration: number): RateLimiterMemory {
  return new RateLimiterMemory({ keyPrefix, points, duration })
}

async function consume(limiter: RateLimiterMemory, key: string, points = 1): Promise<void> {
  try {
    await limiter.consume(key, points)
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal
    throw limited(Math.max(1, Math.ceil(refusal.msBeforeNext / 1000)))
  }
}

function limited(seconds: number): FhirError {
  return new FhirError([issue('RATE_LIMITED')], { headers: { 'Retry-After': String(seconds) } })
}
