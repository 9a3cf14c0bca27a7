/** Revoked clients and tokens (security.md "Tokens": works within one second): claims in the store, read as a whole at most once a second. */
import type { Context } from '../context.ts'

const KIND = 'revoked'
/** A token can be refused this long after its revocation at most. */
const REREAD_MS = 1_000

type Reach = Pick<Context, 'store' | 'clock'>

/** What this process last read of the revocations. */
export class RevocationList {
  #revoked: ReadonlySet<string> = new Set()
  #readAtMs = Number.NEGATIVE_INFINITY
  #pending: Promise<void> | undefined

  /** Whether the client or the token was revoked; reads the store when the last reading is a second old. Rejects with StoreError when it cannot be known. */
  async has(token: { readonly clientId: string; readonly tokenId: string }, reach: Reach): Promise<boolean> {
    const ageMs = reach.clock().getTime() - this.#readAtMs
    if (ageMs < 0 || ageMs >= REREAD_MS) await this.#reread(reach)
    return this.#revoked.has(clientText(token.clientId)) || this.#revoked.has(tokenText(token.tokenId))
  }

  #reread({ store, clock }: Reach): Promise<void> {
    const nowMs = clock().getTime()
    this.#pending ??= store
      .claims(KIND)
      .then((texts) => {
        this.#revoked = new Set(texts.map(withoutEnd))
        this.#readAtMs = nowMs
      })
      .finally(() => {
        this.#pending = undefined
      })
    return this.#pending
  }
}

/** Refuses all tokens of a client, issued and future, until the given instant. */
export async function revokeClient(clientId: string, until: Date, { store }: Pick<Context, 'store'>): Promise<void> {
  await store.claim(KIND, withEnd(clientText(clientId), until), until)
}

/** Refuses one access token by its jti; `until` is its expiry. */
export async function revokeToken(tokenId: string, until: Date, { store }: Pick<Context, 'store'>): Promise<void> {
  await store.claim(KIND, withEnd(tokenText(tokenId), until), until)
}

/** Ends every revocation of a client; true when there was one. Other processes know it within a second. */
export async function restoreClient(clientId: string, { store }: Pick<Context, 'store'>): Promise<boolean> {
  const text = clientText(clientId)
  const held = (await store.claims(KIND)).filter((one) => withoutEnd(one) === text)
  for (const one of held) await store.unclaim(KIND, one)
  return held.length > 0
}

/** Ids of the clients that are revoked now, read from the store. */
export async function findRevokedClients({ store }: Pick<Context, 'store'>): Promise<ReadonlySet<string>> {
  const texts = (await store.claims(KIND)).map(withoutEnd)
  return new Set(texts.filter((one) => one.startsWith(CLIENT)).map((one) => one.slice(CLIENT.length)))
}

const CLIENT = 'client '

function clientText(clientId: string): string {
  return `${CLIENT}${clientId}`
}

function tokenText(tokenId: string): string {
  return `token ${tokenId}`
}

/** The end is part of what is claimed, so that a later revocation can last longer than an earlier one. */
function withEnd(text: string, until: Date): string {
  return `${text} ${until.toISOString()}`
}

function withoutEnd(text: string): string {
  return text.slice(0, text.lastIndexOf(' '))
}
