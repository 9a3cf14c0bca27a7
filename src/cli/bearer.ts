/** An access token for a sandbox identity, got the true way from the token endpoint (security.md "Tokens"); the keys come from the data folder. */

import { randomUUID } from 'node:crypto'
import { findSandboxIdentities, type SandboxIdentities } from '../auth/sandbox-identities.ts'
import { buildTokenForm, identityNames } from '../auth/sandbox-token.ts'
import { parseConfig } from '../config.ts'
import { isObject } from '../fhir/json-object.ts'
import { CliError, EXIT, type Io } from './io.ts'
import { refusal, send } from './server-client.ts'
import { readServerClock } from './server-clock.ts'

/** A token is renewed when less than this is left of it. */
const SPARE_SECONDS = 60

export interface Bearer {
  readonly token: string
  readonly expiresInSeconds: number
}

/** Signs, posts and returns the token of the identity. Throws CliError with the names there are, or the server's words. */
export async function fetchToken(origin: string, name: string, io: Io): Promise<Bearer> {
  const identities = getIdentities(io)
  const clock = await readServerClock(origin)
  const form = await buildTokenForm(identities, name, {
    tokenEndpoint: await readTokenEndpoint(origin),
    now: clock(),
    newId: randomUUID,
  })
  if (form === undefined) throw unknownName(name, identities)
  const answer = await send(origin, {
    method: 'POST',
    path: '/oauth2/token',
    text: {
      content: encodeForm(form),
      type: 'application/x-www-form-urlencoded',
    },
  })
  if (answer.status !== 200) throw refusal(answer)
  return parseBearer(answer.body)
}

/**
 * What a command asks with: the access token of CPIS_TOKEN where there is one (production: no sandbox identities, and often
 * no token endpoint), whatever name was given; else one of the identity. Throws CliError as fetchToken does, and rather than
 * send that token over plain http to another machine.
 */
export async function getBearer(origin: string, name: string, io: Io): Promise<Bearer> {
  const token = io.env['CPIS_TOKEN']
  if (token === undefined || token === '') return fetchToken(origin, name, io)
  if (!isPrivateWay(origin))
    throw new CliError(EXIT.usage, `CPIS_TOKEN is not sent over plain http to ${origin}. Set CPIS_BASE_URL to https.`)
  if (!/^[\w.~+/-]+=*$/.test(token))
    throw new CliError(EXIT.usage, 'CPIS_TOKEN is no bearer token: one line, no blanks.')
  return { token, expiresInSeconds: Number.POSITIVE_INFINITY }
}

function isPrivateWay(origin: string): boolean {
  const { protocol, hostname } = new URL(origin)
  return protocol === 'https:' || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
}

/** A token that is always fresh: fetched at first use and again shortly before it ends; that of CPIS_TOKEN is as it is. */
export function buildTokenSource(origin: string, name: string, io: Io): () => Promise<string> {
  let bearer: Bearer | undefined
  let fetchedAt = 0
  return async () => {
    const ageSeconds = (performance.now() - fetchedAt) / 1000
    if (bearer === undefined || ageSeconds > bearer.expiresInSeconds - SPARE_SECONDS) {
      fetchedAt = performance.now()
      bearer = await getBearer(origin, name, io)
    }
    return bearer.token
  }
}

/** The identities in the data folder of the environment. Throws CliError with what to do when there are none. Disk I/O. */
export function getIdentities(io: Io): SandboxIdentities {
  const { dataDir } = parseConfig(io.env)
  const identities = findSandboxIdentities(dataDir)
  if (identities !== undefined) return identities
  throw new CliError(
    EXIT.failed,
    `${dataDir} holds no sandbox identities. Start the server with \`npm start\` first, or set CPIS_DATA_DIR as the server has it.`,
  )
}

function encodeForm(fields: readonly (readonly [string, string])[]): string {
  const form = new URLSearchParams()
  for (const [name, value] of fields) form.append(name, value)
  return form.toString()
}

/** The endpoint as the server calls itself, which an assertion must name. */
async function readTokenEndpoint(origin: string): Promise<string> {
  const answer = await send(origin, { method: 'GET', path: '/FHIR/R4/.well-known/smart-configuration' })
  const endpoint = isObject(answer.body) ? answer.body['token_endpoint'] : undefined
  if (typeof endpoint === 'string') return endpoint
  throw new CliError(EXIT.failed, `${origin} names no token endpoint: is it a cpis server?`)
}

function unknownName(name: string, identities: SandboxIdentities): CliError {
  const people = identityNames(identities).filter((one) => !/^(la|receiver)-/.test(one))
  return new CliError(
    EXIT.usage,
    `There is no sandbox identity ${name}. There are: ${people.join(', ')}, la-<GSS>, receiver-<GSS> (e.g. la-E10000007).`,
  )
}

function parseBearer(body: unknown): Bearer {
  const token = isObject(body) ? body['access_token'] : undefined
  const seconds = isObject(body) ? body['expires_in'] : undefined
  if (typeof token === 'string' && typeof seconds === 'number') return { token, expiresInSeconds: seconds }
  throw new CliError(EXIT.failed, 'The token endpoint answered something that is no token.')
}
