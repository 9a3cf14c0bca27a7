/** Which mailbox an alert may go to (delivery.md "Subscription"; RFC 6068): one address as a mailto URL, on the list of its authority. */

/** What decides about a mailbox: the mode, and what an administrator allows. */
export interface MailboxFacts {
  readonly mode: 'sandbox' | 'production'
  /** Whole addresses, or domains of which every address is allowed (not those below them). */
  readonly allowedMailboxes: readonly string[]
}

/** `malformed`: not exactly one plain address; `not-allowed`: one that this authority may not use. */
export type MailboxFault = 'malformed' | 'not-allowed'

/** Narrower than RFC 5322 on purpose: no quotes, comments, escapes, lists or line ends can be said in it. */
const MAILBOX =
  /^[A-Za-z0-9](?:[A-Za-z0-9._+-]{0,62}[A-Za-z0-9_+-])?@(?=.{1,253}$)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$/

/** Whether a text is one plain address. Pure. */
export function isMailbox(text: string): boolean {
  return MAILBOX.test(text) && !text.includes('..')
}

/** The address of `mailto:name@host`; undefined for anything else: a query, several addresses, an escape, a display name. Pure. */
export function parseMailto(url: string): string | undefined {
  const [scheme = '', address = '', ...more] = url.split(':')
  return scheme.toLowerCase() === 'mailto' && more.length === 0 && isMailbox(address) ? address : undefined
}

/** Fault of an endpoint of channel email; undefined when mail may go there. Pure. */
export function checkMailbox(url: string, { mode, allowedMailboxes }: MailboxFacts): MailboxFault | undefined {
  const address = parseMailto(url)?.toLowerCase()
  if (address === undefined) return 'malformed'
  const domain = domainOf(address)
  // Of .example no mail can ever leave (RFC 2606)
  if (mode === 'sandbox' && domain.endsWith('.example')) return undefined
  const isAllowed = allowedMailboxes.some((one) => one.toLowerCase() === address || one.toLowerCase() === domain)
  return isAllowed ? undefined : 'not-allowed'
}

/** What stands behind the @. Pure. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1)
}
