/** The one way out (security.md "Abuse and bad input"): address policy at connect time, no redirects, capped reply, timeouts. */

export interface OutgoingRequest {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly timeoutMs: number
  /** Most bytes of a reply body that are read; the rest is cut off. */
  readonly maxBytes: number
  /** Hosts allowed for this call; loopback is allowed in a sandbox anyway. */
  readonly allowedHosts: readonly string[]
}

export interface OutgoingReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Rejects with an Error whose message names the class of fault (never the address's content). */
export type GuardedFetch = (request: OutgoingRequest) => Promise<OutgoingReply>
