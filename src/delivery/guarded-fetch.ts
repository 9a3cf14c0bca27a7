/** The one way out (security.md "Abuse and bad input"): address policy at connect time, no redirects, capped reply, timeouts. */
import { lookup as resolveName } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, type Dispatcher, request as send } from 'undici'
import { checkEndpoint, isLoopbackHost } from '../domain/endpoint.ts'
import { isLoopbackAddress, isPublicAddress } from './address-policy.ts'

export interface OutgoingRequest {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** From the call to the last byte of the reply that is wanted. */
  readonly timeoutMs: number
  /** Most bytes of a reply body that are read; the rest is cut off. 0: the body is not waited for. */
  readonly maxBytes: number
  /** Hosts allowed for this call (`host` for the scheme's own port, or `host:port`); loopback is allowed in a sandbox anyway. */
  readonly allowedHosts: readonly string[]
}

export interface OutgoingReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Rejects with an Error whose message names the class of fault (never the address's content). */
export type GuardedFetch = (request: OutgoingRequest) => Promise<OutgoingReply>

/** Why no reply came. */
export type FetchFaultClass =
  | 'not-allowed'
  | 'blocked-address'
  | 'unresolved'
  | 'refused'
  | 'timeout'
  | 'reset'
  | 'tls'
  | 'too-large'
  | 'malformed-reply'
  | 'failed'

/** What a guarded fetch rejects with; it carries no cause, because causes quote addresses. */
export class FetchFault extends Error {
  readonly fault: FetchFaultClass

  constructor(fault: FetchFaultClass) {
    super(fault)
    this.name = 'FetchFault'
    this.fault = fault
  }
}

export interface GuardedFetchOptions {
  readonly mode: 'sandbox' | 'production'
  /** Addresses of a name; the system's resolver unless told. */
  readonly resolve?: (hostname: string) => Promise<readonly { readonly address: string; readonly family: number }[]>
  /** Certificate authorities (PEM) trusted in place of the system's. */
  readonly ca?: string | readonly string[]
  /** Certificate chain and key (PEM) shown to endpoints that ask for one. */
  readonly cert?: string
  readonly key?: string
  /** Decides about resolved addresses; isPublicAddress unless told. */
  readonly isPublic?: (address: string) => boolean
}

/** Longest time to set up a connection, within the call's own. */
const CONNECT_TIMEOUT_MS = 10_000
/** TLS sessions that are taken up again: more than there are authorities, so that no endpoint pays a whole handshake each time. */
const MOST_TLS_SESSIONS = 500
/** Unwanted bytes of a reply that are still read off to keep the connection. */
const DUMPED_BYTES = 16_384

/** Makes the guarded fetch. Every connection's addresses are checked after resolving, so a name that changes between check and call (rebinding) gains nothing. */
export function buildGuardedFetch(options: GuardedFetchOptions): GuardedFetch {
  const isPublic = options.isPublic ?? isPublicAddress
  const outside = buildAgent(options, isPublic)
  const loopback = buildAgent(options, isLoopbackAddress)
  return async (request) => {
    if (checkEndpoint(request.url, { mode: options.mode, allowedHosts: request.allowedHosts }) !== undefined) {
      throw new FetchFault('not-allowed')
    }
    const hostname = new URL(request.url).hostname
    const isLocal = isLoopbackHost(hostname)
    // A literal address is never looked up, so the agent's check would not see it.
    const literal = hostname.replace(/^\[|\]$/g, '')
    if (isIP(literal) !== 0 && !(isLocal ? isLoopbackAddress : isPublic)(literal)) {
      throw new FetchFault('blocked-address')
    }
    return call(request, isLocal ? loopback : outside)
  }
}

async function call(request: OutgoingRequest, dispatcher: Dispatcher): Promise<OutgoingReply> {
  const signal = AbortSignal.timeout(request.timeoutMs)
  try {
    const reply = await send(request.url, {
      method: request.method,
      headers: { ...request.headers },
      ...(request.body === undefined ? {} : { body: request.body }),
      dispatcher,
      signal,
    })
    const headers = flatten(reply.headers)
    if (request.maxBytes > 0) {
      return { status: reply.statusCode, headers, body: await readCapped(reply.body, request.maxBytes) }
    }
    reply.body.dump({ limit: DUMPED_BYTES, signal }).catch(() => undefined)
    return { status: reply.statusCode, headers, body: '' }
  } catch (error) {
    throw new FetchFault(classify(error))
  }
}

async function readCapped(body: Dispatcher.ResponseData['body'], maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk)
    chunks.push(bytes.subarray(0, maxBytes - size))
    size += bytes.length
    // Leaving the loop destroys the stream and its connection.
    if (size >= maxBytes) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

function flatten(headers: Readonly<Record<string, string | readonly string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return flat
}

function buildAgent(options: GuardedFetchOptions, isAllowed: (address: string) => boolean): Agent {
  return new Agent({
    connect: {
      lookup: buildLookup(options.resolve ?? ((hostname) => resolveName(hostname, { all: true })), isAllowed),
      timeout: CONNECT_TIMEOUT_MS,
      maxCachedSessions: MOST_TLS_SESSIONS,
      ...(options.ca === undefined ? {} : { ca: [options.ca].flat() }),
      ...(options.cert === undefined ? {} : { cert: options.cert }),
      ...(options.key === undefined ? {} : { key: options.key }),
    },
    // The call's own signal bounds both.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: 16_384,
  })
}

/** A lookup that fails when any address of the name is not allowed. */
function buildLookup(
  resolve: NonNullable<GuardedFetchOptions['resolve']>,
  isAllowed: (address: string) => boolean,
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const [first] = addresses
        if (first === undefined) return callback(new FetchFault('unresolved'), [])
        if (!addresses.every(({ address }) => isAllowed(address)))
          return callback(new FetchFault('blocked-address'), [])
        return options.all === true ? callback(null, [...addresses]) : callback(null, first.address, first.family)
      },
      () => callback(new FetchFault('unresolved'), []),
    )
  }
}

/** Codes of Node and undici, by the class they belong to. */
const FAULT_OF_CODE: ReadonlyMap<string, FetchFaultClass> = new Map([
  ['ECONNREFUSED', 'refused'],
  ['EHOSTUNREACH', 'refused'],
  ['ENETUNREACH', 'refused'],
  ['ECONNRESET', 'reset'],
  ['EPIPE', 'reset'],
  ['UND_ERR_SOCKET', 'reset'],
  ['ETIMEDOUT', 'timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
  ['UND_ERR_HEADERS_TIMEOUT', 'timeout'],
  ['UND_ERR_BODY_TIMEOUT', 'timeout'],
  ['UND_ERR_HEADERS_OVERFLOW', 'too-large'],
  ['EPROTO', 'tls'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'tls'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'tls'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'tls'],
])

/** By name and code alone: errors of Node's own may come from another realm, where instanceof does not hold. */
function classify(error: unknown): FetchFaultClass {
  if (error instanceof FetchFault) return error.fault
  const { name, code, cause } = Object(error) as { name?: unknown; code?: unknown; cause?: unknown }
  if (name === 'TimeoutError' || name === 'AbortError') return 'timeout'
  const text = typeof code === 'string' ? code : ''
  const known = FAULT_OF_CODE.get(text)
  if (known !== undefined) return known
  if (/^(ERR_TLS_|ERR_SSL_|CERT_)/.test(text)) return 'tls'
  if (name === 'HTTPParserError' || text.startsWith('HPE_')) return 'malformed-reply'
  return cause === undefined ? 'failed' : classify(cause)
}
