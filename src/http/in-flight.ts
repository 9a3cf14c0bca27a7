/** Bounds on what one process holds at once: requests and bytes of bodies, in all and of one client; beyond them it says 503 at once (security.md "Abuse and bad input"). */
import { FhirError } from '../fhir/fhir-error.ts'
import { issue } from '../fhir/outcome.ts'

export interface InFlightLimits {
  readonly requests: number
  readonly bodyBytes: number
}

/** Two full groups of checks and room for the rest; a dozen of the largest Bundles. */
export const IN_FLIGHT_LIMITS: InFlightLimits = { requests: 1024, bodyBytes: 128 * 1024 * 1024 }

/** What one request holds. */
export interface Place {
  /** From now on it counts as this client's. Throws UNAVAILABLE when the client has its share already. */
  claim(client: string): void
  /** Reserves memory for a body; throws UNAVAILABLE when there is no room, or none for this client. */
  takeBytes(bytes: number): void
  giveBytes(bytes: number): void
  leave(): void
}

export interface InFlight {
  /** Counts a request in; undefined when there is no room. */
  enter(): Place | undefined
}

interface Held {
  requests: number
  bytes: number
}

/**
 * An empty house. A client holds at most as much as is free: alone it gets half, and whatever it does, others find room.
 * So many clients share what there is without anyone's having to be told how many they are. No I/O.
 */
export function buildInFlight(limits: InFlightLimits = IN_FLIGHT_LIMITS): InFlight {
  const all: Held = { requests: 0, bytes: 0 }
  const byClient = new Map<string, Held>()

  function enter(): Place | undefined {
    if (all.requests >= limits.requests) return undefined
    all.requests += 1
    let name: string | undefined
    let mine: Held = { requests: 1, bytes: 0 }
    return {
      claim(client) {
        const held = byClient.get(client) ?? { requests: 0, bytes: 0 }
        // this request is in the sum already: it takes the place it would have had
        if (held.requests >= limits.requests - all.requests + 1) throw overloaded()
        held.requests += 1
        byClient.set(client, held)
        name = client
        mine = held
      },
      takeBytes(more) {
        const free = limits.bodyBytes - all.bytes
        if (more > free || (name !== undefined && mine.bytes > 0 && mine.bytes + more > free)) throw overloaded()
        all.bytes += more
        mine.bytes += more
      },
      giveBytes(fewer) {
        all.bytes -= fewer
        mine.bytes -= fewer
      },
      leave() {
        all.requests -= 1
        mine.requests -= 1
        if (name !== undefined && mine.requests === 0) byClient.delete(name)
      },
    }
  }

  return { enter }
}

/** The answer when there is no room: nothing was done. */
export function overloaded(): FhirError {
  return new FhirError([issue('UNAVAILABLE')], { headers: { 'Retry-After': '1' } })
}
