/** One request on its way through the steps of app.ts: what is known of it so far, for the answer, the audit and the log line. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from '../auth/caller.ts'
import type { Context } from '../context.ts'
import { FHIR_PATH } from '../interactions/fhir-base.ts'
import type { FhirRoute } from './route-table.ts'

/** Filled in by the steps, in their order. */
export interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly context: Context
  /** The clock, read once (P5). */
  readonly at: Date
  /** Monotonic milliseconds, for the duration only. */
  readonly startedMs: number
  /** Mirrored in the answer; made here until the caller's own was found good. */
  requestId: string
  requestIdGiven: boolean
  correlationId?: string
  /** Template of the route for logs, metrics and audit; never the address as sent. */
  template: string
  route?: FhirRoute
  /** What the path offers, once it was found: the Allow header of a 405. */
  allow?: string
  /** Id in the address, once the address was found to hold no number of a patient. */
  id?: string
  versionId?: string
  caller?: Caller
  /** The address is below the FHIR base: its refusals are audited, unless it is served to everyone. */
  isFhir: boolean
  isPublic: boolean
  /** Indented JSON was asked for. */
  isPretty: boolean
  /** The interaction's own frame has taken over: it audits what it refuses. */
  isHandedOver: boolean
  /** The connection cannot be used again: the rest of the body was not read. */
  mustClose: boolean
}

/** Words for a request whose route is not known (yet). */
export const NO_TEMPLATE = 'unknown'

/** Starts an exchange: reads the clock, makes an id. */
export function openExchange(req: IncomingMessage, res: ServerResponse, context: Context): Exchange {
  return {
    req,
    res,
    context,
    at: context.clock(),
    startedMs: performance.now(),
    requestId: context.newId(),
    requestIdGiven: false,
    template: NO_TEMPLATE,
    isFhir: isBelow(req.url ?? '', FHIR_PATH),
    isPublic: false,
    isPretty: false,
    isHandedOver: false,
    mustClose: false,
  }
}

function isBelow(url: string, base: string): boolean {
  return url.startsWith(base) && ['', '/', '?'].includes(url.charAt(base.length))
}

/** Remote address of the client; an IPv4 address in IPv6 clothes is given bare. */
export function networkOf(req: IncomingMessage): string | undefined {
  const address = req.socket.remoteAddress
  return address?.startsWith('::ffff:') ? address.slice(7) : address
}
