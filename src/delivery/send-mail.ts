/** The other way out, by SMTP (RFC 5321, 3207, 8314; docs/decisions/0007): one host that the deployment names, one recipient, TLS unless both are on this machine of a sandbox. */
import { createTransport } from 'nodemailer'
import { isLoopbackHost } from '../domain/endpoint.ts'
import { domainOf } from '../domain/mailbox.ts'

export interface SmtpSettings {
  readonly mode: 'sandbox' | 'production'
  /** As CPIS_SMTP_URL was checked: smtp (STARTTLS) or smtps (TLS from the start). */
  readonly url: URL
  /** One plain address. */
  readonly from: string
  /** Certificate authorities (PEM) trusted in place of the system's. */
  readonly ca?: string | readonly string[]
}

export interface OutgoingMail {
  /** One plain address. */
  readonly to: string
  readonly subject: string
  readonly text: string
  /** Stable over repeats; without brackets and host. */
  readonly id: string
  readonly at: Date
  /** For the whole conversation. */
  readonly timeoutMs: number
}

/** How it ended: the server's code, with its enhanced code (RFC 3463) where it gave one; or the class of fault when none came. */
export type MailReply =
  | { readonly code: number; readonly enhanced?: string }
  | { readonly fault: 'refused' | 'unresolved' | 'timeout' | 'reset' | 'tls' | 'failed' }

/** Never rejects for anything the server does. Network I/O. */
export type SendMail = (mail: OutgoingMail) => Promise<MailReply>

/** Sends each mail over a connection of its own, so that a stuck one holds up no other. No I/O by itself. */
export function buildSendMail(settings: SmtpSettings): SendMail {
  const { url, from } = settings
  const transport = createTransport({
    host: hostOf(url),
    port: url.port === '' ? (isTls(url) ? 465 : 587) : Number(url.port),
    secure: isTls(url),
    requireTLS: needsTls(settings),
    // Without TLS on loopback a certificate that nobody signed is no reason to fail
    ignoreTLS: !needsTls(settings),
    // Not the name of this machine
    name: domainOf(from),
    tls: { minVersion: 'TLSv1.2', ...(settings.ca === undefined ? {} : { ca: [settings.ca].flat() }) },
    socketCloseTimeout: 0,
    ...(url.username === ''
      ? {}
      : { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } }),
  })
  return async ({ to, subject, text, id, at, timeoutMs }) => {
    try {
      const { response } = await transport.sendMail({
        from,
        to,
        subject,
        text,
        messageId: `<${id}@${domainOf(from)}>`,
        date: at,
        // RFC 3834: no automatic answers to it
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
        xMailer: false,
        disableFileAccess: true,
        disableUrlAccess: true,
        signal: AbortSignal.timeout(timeoutMs),
      })
      return replyOf(response)
    } catch (error) {
      return classify(error)
    }
  }
}

/** Whether this server is spoken to under TLS alone: always, but for loopback in a sandbox. Pure. */
export function needsTls({ mode, url }: Pick<SmtpSettings, 'mode' | 'url'>): boolean {
  return mode === 'production' || !isLoopbackHost(url.hostname)
}

const isTls = (url: URL): boolean => url.protocol === 'smtps:'
const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '')

/** `550 5.1.1 …` → its two codes. */
function replyOf(response: unknown): MailReply {
  const [, code, enhanced] = /^(\d{3})(?:[ -]([245]\.\d{1,3}\.\d{1,3})(?!\S))?/.exec(String(response)) ?? []
  if (code === undefined) return { fault: 'failed' }
  return { code: Number(code), ...(enhanced === undefined ? {} : { enhanced }) }
}

const FAULT_OF_CODE = new Map<string, Extract<MailReply, { fault: string }>['fault']>([
  ['ECONNREFUSED', 'refused'],
  ['EHOSTUNREACH', 'refused'],
  ['ENETUNREACH', 'refused'],
  ['EDNS', 'unresolved'],
  ['ENOTFOUND', 'unresolved'],
  ['ETIMEDOUT', 'timeout'],
  ['EABORT', 'timeout'],
  ['ABORT_ERR', 'timeout'],
  ['ECONNRESET', 'reset'],
  ['ECONNECTION', 'reset'],
  ['EPIPE', 'reset'],
  ['ESTREAM', 'reset'],
])

/** By codes and names alone: words of the server never go further. */
function classify(error: unknown): MailReply {
  const { response, responseCode, code, originalCode, command, name } = Object(error) as Readonly<
    Record<string, unknown>
  >
  const texts = [originalCode, code].map((one) => (typeof one === 'string' ? one : ''))
  // A server that knows no STARTTLS answers it with a code; that is no answer to the mail
  if (command === 'STARTTLS' || texts.some((one) => TLS_FAULT.test(one))) return { fault: 'tls' }
  if (typeof responseCode === 'number' && responseCode >= 400) {
    const reply = replyOf(response)
    return 'code' in reply ? reply : { code: responseCode }
  }
  if (name === 'TimeoutError' || name === 'AbortError') return { fault: 'timeout' }
  return { fault: texts.map((one) => FAULT_OF_CODE.get(one)).find((one) => one !== undefined) ?? 'failed' }
}

const TLS_FAULT = /^(ETLS|EPROTO|ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/
