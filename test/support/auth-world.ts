/** The auth room on a real store, with a clock that tests set and hosts that tests answer for. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type Auth, openAuth } from '../../src/auth/auth.ts'
import { findSandboxIdentities, type SandboxIdentities } from '../../src/auth/sandbox-identities.ts'
import { buildTokenForm } from '../../src/auth/sandbox-token.ts'
import { handleToken, type TokenAnswer, type TokenContext } from '../../src/auth/token-endpoint.ts'
import { type Config, parseConfig } from '../../src/config.ts'
import type { GuardedFetch } from '../../src/delivery/guarded-fetch.ts'
import { type Keys, makeKeys } from '../../src/keys.ts'
import { openStore } from '../../src/store/mongo-store.ts'
import { testDatabase } from './database.ts'

export const BASE_URL = 'http://127.0.0.1:8080'
export const ENDPOINT = `${BASE_URL}/oauth2/token`
export type Form = readonly (readonly [string, string])[]

export interface AuthWorld {
  readonly context: TokenContext & { readonly config: Config & { readonly baseUrl: string }; readonly keys: Keys }
  readonly identities: SandboxIdentities
  /** Lines that were logged, as text. */
  readonly logged: string[]
  /** Moves the clock. */
  advance(seconds: number): void
  /** What hosts outside answer; refuses all at first. */
  hosts: GuardedFetch
  /** The form that a sandbox identity would post now. */
  form(name: string, options?: { scope?: string; authority?: string }): Promise<Form>
  post(form: Form): Promise<TokenAnswer>
  /** The access token of a sandbox identity. */
  token(name: string, options?: { scope?: string; authority?: string }): Promise<string>
  close(): Promise<void>
}

/** A world of its own for one test file. `auth` and `environment` change what it starts with. */
export async function openAuthWorld(
  options: { auth?: (own: Auth) => Auth; environment?: Readonly<Record<string, string>> } = {},
): Promise<AuthWorld> {
  const dataDir = mkdtempSync(join(tmpdir(), 'cpis-auth-'))
  const config = { ...parseConfig({ CPIS_DATA_DIR: dataDir, ...options.environment }), baseUrl: BASE_URL }
  const own = openAuth(config, ['E10000007', 'E06000015'])
  const identities = findSandboxIdentities(dataDir)
  if (identities === undefined) throw new Error('no identities were made')
  const database = testDatabase()
  const keys = makeKeys()
  const logged: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) })
  let nowMs = Math.ceil(Date.now() / 1000) * 1000
  const clock = () => new Date(nowMs)
  const store = await openStore({ ...database, keys, clock, log })
  const world: AuthWorld = {
    context: {
      config,
      clock,
      keys,
      store,
      log,
      auth: options.auth?.(own) ?? own,
      newId: randomUUID,
      fetch: (request) => world.hosts(request),
    },
    identities,
    logged,
    hosts: () => Promise.reject(new Error('no host is reached')),
    advance(seconds) {
      nowMs += seconds * 1000
    },
    async form(name, wanted = {}) {
      const request = { tokenEndpoint: ENDPOINT, now: clock(), newId: randomUUID, ...wanted }
      const form = await buildTokenForm(identities, name, request)
      if (form === undefined) throw new Error(`no sandbox identity ${name}`)
      return form
    },
    // what is sent: whom a token was given, and whom a refusal named, is for the audit
    async post(form) {
      const {
        granted: _granted,
        client: _client,
        ...answer
      } = await handleToken(form, { requestId: 'a-request' }, world.context)
      return answer
    },
    async token(name, wanted = {}) {
      const { body } = await world.post(await world.form(name, wanted))
      return String(body['access_token'])
    },
    async close() {
      await store.close()
      await database.drop()
    },
  }
  return world
}

/** The form with one field changed, added, or left out (undefined). */
export function withField(form: Form, name: string, value: string | undefined): Form {
  const others = form.filter(([one]) => one !== name)
  return value === undefined ? others : [...others, [name, value]]
}
