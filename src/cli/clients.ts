/** `cpis clients`: who is registered, and the revocation of a client or of one token, which every server process knows within a second (security.md "Tokens"). */
import { isObject } from '../fhir/json-object.ts'
import { getBearer } from './bearer.ts'
import { CliError, EXIT, type Io, say, sayJson } from './io.ts'
import { tableOf } from './reconcile.ts'
import { refusal, send, serverOrigin } from './server-client.ts'

export interface ClientsOptions {
  /** Sandbox identity of an administrator. */
  readonly as: string
  /** Client ids. */
  readonly revoke?: string
  readonly restore?: string
  /** jti of an access token, as AuditEvents name it. */
  readonly revokeToken?: string
  readonly json?: boolean
}

type Client = Readonly<Record<string, unknown>>

/** Does what is asked for, else prints all clients, the revoked first. */
export async function runClients(options: ClientsOptions, io: Io): Promise<number> {
  const origin = serverOrigin(io.env)
  const { token } = await getBearer(origin, options.as, io)
  const ask = async (method: 'GET' | 'POST', path: string): Promise<Client> => {
    const answer = await send(origin, { method, path, token, headers: { accept: 'application/json' } })
    if (answer.status >= 400) throw refusal(answer)
    if (!isObject(answer.body)) throw new CliError(EXIT.failed, 'The server answered something that is no list.')
    return answer.body
  }
  const orders = ordersOf(options)
  for (const { path, name, word } of orders) {
    const changed = listOf(await ask('POST', path), name)
    say(io, changed.length === 0 ? `Nothing to do: it is so already.` : `${word}: ${changed.join(', ')}`)
  }
  if (orders.length > 0) return EXIT.ok
  const clients = listOf(await ask('GET', '/admin/clients'), 'clients').filter(isObject)
  if (options.json) for (const one of clients) sayJson(io, one)
  else for (const line of tableOf([HEADINGS, ...clients.map(cellsOf)])) say(io, line)
  return EXIT.ok
}

interface Order {
  readonly path: string
  readonly name: string
  readonly word: string
}

function ordersOf({ revoke, restore, revokeToken }: ClientsOptions): readonly Order[] {
  const order = (of: string, id: string | undefined, verb: string, [name, word]: readonly [string, string]): Order[] =>
    id === undefined ? [] : [{ path: `/admin/${of}/${encodeURIComponent(id)}/${verb}`, name, word }]
  return [
    ...order('clients', revoke, 'revoke', ['revoked', 'Revoked']),
    ...order('clients', restore, 'restore', ['restored', 'Restored']),
    ...order('tokens', revokeToken, 'revoke', ['revoked', 'Revoked']),
  ]
}

function listOf(body: Client, name: string): readonly unknown[] {
  const list = body[name]
  return Array.isArray(list) ? list : []
}

const HEADINGS = ['client', 'kind', 'state', 'authorities', 'keys']

function cellsOf(client: Client): readonly string[] {
  const keys = isObject(client['keys']) ? client['keys'] : {}
  const kids = Array.isArray(keys['kids']) ? keys['kids'].join(' ') : String(keys['url'] ?? '')
  const authorities = listOf(client, 'authorities')
  const shown =
    authorities.length > 3 ? `${authorities.slice(0, 3).join(' ')} … ${authorities.length}` : authorities.join(' ')
  const state = client['revoked'] === true ? 'REVOKED' : 'active'
  return [String(client['clientId'] ?? ''), String(client['kind'] ?? ''), state, shown === '' ? '–' : shown, kids]
}
