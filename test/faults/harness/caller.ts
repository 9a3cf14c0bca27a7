/** One request to the server as a client of it makes them, with what came of it: a status, or how the connection ended. */
import { getToken } from '../../support/tokens.ts'
import { ANSWER_MS } from './check-answers.ts'
import type { Operation } from './operation.ts'

/** A client gives up a little after the answer should have come. */
const PATIENCE_MS = ANSWER_MS + 5_000
const TOKEN_MS = 150_000
const TOKEN_PATIENCE_MS = 15_000
const TOKEN_GIVE_UP_MS = 120_000

export interface Sent {
  /** A sandbox identity. */
  readonly as: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the FHIR base; from the origin with a slash before it. */
  readonly path: string
  readonly requestId: string
  readonly body?: unknown
  readonly ifMatch?: string
}

export interface Came {
  readonly invokedAt: number
  readonly completedAt: number
  readonly status?: number
  readonly broke?: NonNullable<Operation['broke']>
  readonly retryAfter?: string
  readonly etag?: string
  readonly location?: string
  readonly body?: unknown
}

export interface Caller {
  /** Sends once and never throws. `began` is called when it is sent, after the token was fetched. */
  send(sent: Sent, began?: (at: number) => void): Promise<Came>
  /** The server's clock was moved: tokens of before are worth nothing. */
  forgetTokens(): void
}

/** A caller of a server and its sandbox identities. */
export function buildCaller(server: { readonly url: string; readonly dataDir: string }): Caller {
  const tokens = new Map<string, { readonly token: Promise<string>; readonly at: number }>()
  const tokenOf = (name: string): Promise<string> => {
    const known = tokens.get(name)
    if (known !== undefined && performance.now() - known.at < TOKEN_MS) return known.token
    const token = withinTime(getToken(server, name), TOKEN_PATIENCE_MS)
    tokens.set(name, { token, at: performance.now() })
    token.catch(() => tokens.delete(name))
    return token
  }
  return {
    forgetTokens: () => tokens.clear(),
    async send(sent, began) {
      const token = await untilThere(() => tokenOf(sent.as))
      const invokedAt = performance.now()
      began?.(invokedAt)
      const came = await sendOnce(server.url, sent, token)
      if (came.status === 401) tokens.delete(sent.as)
      return { invokedAt, ...came, completedAt: performance.now() }
    },
  }
}

async function sendOnce(url: string, sent: Sent, token: string): Promise<Omit<Came, 'invokedAt' | 'completedAt'>> {
  const { method, path, requestId, body, ifMatch } = sent
  try {
    const response = await fetch(path.startsWith('/') ? url + path : `${url}/FHIR/R4/${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${token}`,
        Accept: path.startsWith('/') ? 'application/json' : 'application/fhir+json',
        'Content-Type': method === 'PATCH' ? 'application/json-patch+json' : 'application/fhir+json',
        'X-Request-ID': requestId,
        ...(ifMatch === undefined ? {} : { 'If-Match': ifMatch }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    const text = await response.text()
    const { headers, status } = response
    return {
      status,
      ...optional('retryAfter', headers.get('retry-after')),
      ...optional('etag', headers.get('etag')),
      ...optional('location', headers.get('location')),
      ...(text === '' ? {} : { body: JSON.parse(text) }),
    }
  } catch (error) {
    return { broke: howItBroke(error) }
  }
}

function optional<K extends string>(name: K, value: string | null): { [key in K]?: string } {
  return (value === null ? {} : { [name]: value }) as { [key in K]?: string }
}

/** A connection that was refused carried nothing; any other may have. */
function howItBroke(error: unknown): NonNullable<Operation['broke']> {
  if (nameOf(error) === 'TimeoutError') return 'timeout'
  return codeOf(error) === 'ECONNREFUSED' ? 'refused' : 'broken'
}

const nameOf = (error: unknown): string => (isRecord(error) ? String(error['name']) : '')

function codeOf(error: unknown): string {
  if (!isRecord(error)) return ''
  return typeof error['code'] === 'string' ? error['code'] : codeOf(error['cause'])
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** Tries on while the server is in trouble; one that refuses tokens for good ends the run. */
async function untilThere<T>(get: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + TOKEN_GIVE_UP_MS
  for (;;) {
    try {
      return await get()
    } catch (error) {
      if (performance.now() > giveUpAt) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

async function withinTime<T>(promise: Promise<T>, ms: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('no token in time')), ms)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
