/** Two servers whose databases differ only in what a caller may not see, one request sent to both, and answers made comparable. */
import type { Context } from '../../src/context.ts'
import { makeKeys } from '../../src/keys.ts'
import { START, startTestServer, type TestAnswer, type TestRequest, type TestServer } from '../support/server.ts'

export interface World {
  readonly server: TestServer
  /** Ids of what the caller made here, by type, in the order made: the same place means the same thing in both worlds. */
  readonly made: Map<string, string[]>
}

export interface TwoWorlds {
  /** The world with less in it, and the one with more. */
  readonly bare: World
  readonly full: World
  /** Moves both clocks on. */
  advance(seconds: number): void
  close(): Promise<void>
}

export async function openTwoWorlds(): Promise<TwoWorlds> {
  const keys = makeKeys()
  const open = async (salt: string): Promise<World> => ({
    server: await startTestServer({ overrides: { keys, newId: risingIds(salt) } }),
    made: new Map(),
  })
  const [bare, full] = [await open('a'), await open('b')]
  // Tokens are renewed by age: in both worlds at the same instants
  for (const { server } of [bare, full]) {
    for (const name of ['ed-nurse', 'la-E10000007']) await server.token(name)
  }
  let nowMs = Date.parse(START)
  return {
    bare,
    full,
    advance(seconds) {
      nowMs += seconds * 1000
      for (const { server } of [bare, full]) server.setNow(new Date(nowMs).toISOString())
    },
    async close() {
      await bare.server.close()
      await full.server.close()
    },
  }
}

/** Ids in the order they are made, so that lists in the order of ids are in the same order in both worlds; no id is in both. */
function risingIds(salt: string): Context['newId'] {
  let count = 0
  return () => {
    count += 1
    return `${count.toString(16).padStart(8, '0')}-0000-4000-8000-${salt}${(count * 7919).toString(16).padStart(11, '0')}`
  }
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** What of an answer must be equal in both worlds: all but ids, the origin, cursors, and the child's own incident numbers and counts. */
export function comparable(answer: TestAnswer, { server }: World): string {
  const holdsIncident = answer.text.includes('/cpis-incident')
  const headers = [...answer.headers]
    .filter(([name]) => !(holdsIncident && name === 'content-length'))
    .map(([name, value]) => `${name}: ${value}`)
    .sort()
  const body = answer.json === undefined ? '' : JSON.stringify(withoutIncidents(answer.json), null, 1)
  const text = [String(answer.status), ...headers, body].join('\n').replaceAll(server.url, 'ORIGIN')
  const ids = new Map<string, string>()
  return text.replace(/_cursor=[\w~.%-]+/g, '_cursor=C').replace(UUID, (id) => {
    const known = ids.get(id) ?? `id-${ids.size + 1}`
    ids.set(id, known)
    return known
  })
}

/** An incident is the child's, whoever's plans are visible (R21): its numbers are left out, and with them the length. */
function withoutIncidents(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutIncidents)
  if (typeof value !== 'object' || value === null) return value
  const isIncident = 'url' in value && typeof value.url === 'string' && value.url.endsWith('/cpis-incident')
  if (isIncident) return 'incident'
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutIncidents(member)]))
}

/** Sends one request to a world and notes what was made. */
export async function ask({ server, made }: World, request: TestRequest): Promise<TestAnswer> {
  const answer = await server.send({ ...request, headers: { 'Accept-Encoding': 'identity', ...request.headers } })
  if (answer.status < 300) noteMade(answer.json, made)
  return answer
}

function noteMade(body: unknown, made: Map<string, string[]>): void {
  if (typeof body !== 'object' || body === null || !('resourceType' in body)) return
  if ('entry' in body && Array.isArray(body.entry)) {
    for (const one of body.entry as { readonly resource?: unknown }[]) noteMade(one.resource, made)
    return
  }
  if (!('id' in body) || typeof body.id !== 'string') return
  const type = String(body.resourceType)
  const ids = made.get(type) ?? []
  if (!ids.includes(body.id)) made.set(type, [...ids, body.id])
}
