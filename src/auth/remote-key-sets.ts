/** Key sets by URL, fetched through the guarded fetch and remembered as Cache-Control says (RFC 9111; security.md "Tokens": at most one refetch per 30 s). */
import type { JWK } from 'jose'
import type { Context } from '../context.ts'
import { findKey, parseKeySet } from './key-set.ts'

/** Between two fetches of one URL there is at least this, whatever the tokens name and the host answers. */
const LEAST_BETWEEN_FETCHES_MS = 30_000
const DEFAULT_FRESH_MS = 300_000
const MOST_FRESH_MS = 86_400_000
const MOST_BYTES = 262_144
const TIMEOUT_MS = 5_000

interface KeySetState {
  keys: readonly JWK[]
  freshUntilMs: number
  fetchedAtMs: number
  /** The fetch under way, which all who wait share. */
  pending: Promise<void> | undefined
}

type Reach = Pick<Context, 'fetch' | 'clock' | 'log'>

/** What is remembered of each URL; the URLs come from the configuration only, so it stays small. */
export class RemoteKeySets {
  readonly #states = new Map<string, KeySetState>()

  /** The key of the set at this URL with this kid and algorithm. Fetches when the set is stale or lacks the key, at most once per 30 s; a stale set is never used. Network I/O. */
  async find(
    url: string,
    wanted: { readonly kid: string; readonly alg: string },
    reach: Reach,
  ): Promise<JWK | undefined> {
    const state = this.#stateOf(url)
    const known = (): JWK | undefined =>
      reach.clock().getTime() < state.freshUntilMs ? findKey(state.keys, wanted.kid, wanted.alg) : undefined
    const found = known()
    if (found !== undefined) return found
    await this.#refresh(url, state, reach)
    return known()
  }

  #stateOf(url: string): KeySetState {
    const state = this.#states.get(url) ?? {
      keys: [],
      freshUntilMs: Number.NEGATIVE_INFINITY,
      fetchedAtMs: Number.NEGATIVE_INFINITY,
      pending: undefined,
    }
    this.#states.set(url, state)
    return state
  }

  async #refresh(url: string, state: KeySetState, reach: Reach): Promise<void> {
    if (state.pending !== undefined) return state.pending
    const nowMs = reach.clock().getTime()
    if (nowMs - state.fetchedAtMs < LEAST_BETWEEN_FETCHES_MS) return
    state.fetchedAtMs = nowMs
    state.pending = fetchKeySet(url, state, reach).finally(() => {
      state.pending = undefined
    })
    return state.pending
  }
}

async function fetchKeySet(url: string, state: KeySetState, reach: Reach): Promise<void> {
  const host = new URL(url).host
  try {
    const reply = await reach.fetch({
      url,
      method: 'GET',
      headers: { accept: 'application/json' },
      timeoutMs: TIMEOUT_MS,
      maxBytes: MOST_BYTES,
      allowedHosts: [host, new URL(url).hostname],
    })
    const keys = reply.status === 200 ? parseKeySet(JSON.parse(reply.body)) : undefined
    if (keys === undefined) throw new Error(`status ${reply.status} or no key set`)
    state.keys = keys
    state.freshUntilMs = reach.clock().getTime() + freshnessMs(reply.headers['cache-control'])
  } catch (cause) {
    reach.log.warn({ host, fault: cause instanceof Error ? cause.name : 'unknown' }, 'key set not fetched')
  }
}

/** How long a set may be used by its Cache-Control, in milliseconds; never less than the pause between two fetches. Pure. */
export function freshnessMs(cacheControl: string | undefined): number {
  const directives = (cacheControl ?? '')
    .toLowerCase()
    .split(',')
    .map((one) => one.trim())
  if (directives.includes('no-store') || directives.includes('no-cache')) return LEAST_BETWEEN_FETCHES_MS
  const seconds = directives.map((one) => /^max-age="?(\d{1,10})"?$/.exec(one)?.[1]).find((one) => one !== undefined)
  const askedMs = seconds === undefined ? DEFAULT_FRESH_MS : Number(seconds) * 1000
  return Math.min(Math.max(askedMs, LEAST_BETWEEN_FETCHES_MS), MOST_FRESH_MS)
}
