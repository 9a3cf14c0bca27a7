/** Bounds on what one process holds at once: requests and bytes of bodies; beyond them it says 503 at once (security.md "Abuse and bad input"). */
import { FhirError } from '../fhir/fhir-error.ts'
import { issue } from '../fhir/outcome.ts'

export interface InFlightLimits {
  readonly requests: number
  readonly bodyBytes: number
}

/** Two full groups of checks and room for the rest; a dozen of the largest Bundles. */
export const IN_FLIGHT_LIMITS: InFlightLimits = { requests: 1024, bodyBytes: 128 * 1024 * 1024 }

export interface InFlight {
  /** Counts a request in; false when there is no room. */
  enter(): boolean
  leave(): void
  /** Reserves memory for a body; throws UNAVAILABLE when there is no room. */
  takeBytes(bytes: number): void
  giveBytes(bytes: number): void
}

/** An empty house. No I/O. */
export function buildInFlight(limits: InFlightLimits = IN_FLIGHT_LIMITS): InFlight {
  let requests = 0
  let bytes = 0
  return {
    enter() {
      if (requests >= limits.requests) return false
      requests += 1
      return true
    },
    leave() {
      requests -= 1
    },
    takeBytes(more) {
      if (bytes + more > limits.bodyBytes) throw overloaded()
      bytes += more
    },
    giveBytes(fewer) {
      bytes -= fewer
    },
  }
}

/** The answer when there is no room: nothing was done. */
export function overloaded(): FhirError {
  return new FhirError([issue('UNAVAILABLE')], { headers: { 'Retry-After': '1' } })
}
