/** Where a notification may be sent (delivery.md "Subscription"; security.md "Outgoing calls"): the rules that need no network. */

/** What decides about an endpoint: the mode, and the hosts an administrator allows. */
export interface EndpointFacts {
  readonly mode: 'sandbox' | 'production'
  /** `host` for the scheme's own port, or `host:port`. */
  readonly allowedHosts: readonly string[]
}

/** `malformed`: no address one could call; `not-allowed`: a well-formed one that this caller may not use. */
export type EndpointFault = 'malformed' | 'not-allowed'

/** Fault of an endpoint's URL; undefined when it may be called, subject to the addresses its name has at that moment. Pure. */
export function checkEndpoint(text: string, facts: EndpointFacts): EndpointFault | undefined {
  if (!URL.canParse(text) || /\s/.test(text)) return 'malformed'
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'malformed'
  if (url.username !== '' || url.password !== '' || url.hash !== '') return 'malformed'
  if (isLoopbackHost(url.hostname)) return facts.mode === 'sandbox' ? undefined : 'not-allowed'
  if (url.protocol !== 'https:') return 'not-allowed'
  return facts.allowedHosts.some((host) => host.toLowerCase() === url.host) ? undefined : 'not-allowed'
}

/** Whether a host, as URL.hostname gives it, can only mean this machine: localhost, 127.0.0.0/8 or ::1. Pure. */
export function isLoopbackHost(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  )
}
