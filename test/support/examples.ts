/** The examples as a story: the table of examples/README.md, how a row is sent, and how answers are compared. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Receiver } from './receiver.ts'

const FOLDER = new URL('../../examples/', import.meta.url)

export interface ExampleRow {
  readonly request: string
  /** Sandbox identity, or `nobody`. */
  readonly as: string
  readonly method: string
  readonly path: string
  readonly withRequestId: boolean
  readonly status: number
  /** File name of the answer. */
  readonly answer: string
}

export interface ExampleAnswer {
  readonly status: number
  readonly body: unknown
}

/** The rows of the table, in order. Throws when a row is not of the form. Disk I/O. */
export function readExampleRows(): ExampleRow[] {
  const lines = readFileSync(new URL('README.md', FOLDER), 'utf8').split('\n')
  return lines.filter((line) => /^\| \S+\.json /.test(line)).map(parseRow)
}

function parseRow(line: string): ExampleRow {
  const [, request = '', as = '', target = '', answer = ''] = line.split('|').map((cell) => cell.trim())
  const [method = '', path = ''] = target.split(' ')
  const [status = '', file = ''] = answer.split(' ')
  if (!/^\d{3}$/.test(status) || !file.endsWith('.json')) throw new Error(`examples/README.md: ${line}`)
  return {
    request,
    as,
    method,
    path,
    withRequestId: !target.includes('(without'),
    status: Number(status),
    answer: file,
  }
}

/** The JSON of an example. Disk I/O. */
export function readExample(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8'))
}

/** Where an example's answer or request lies. */
export function exampleUrl(name: string): URL {
  return new URL(name, FOLDER)
}

/** A running server and where its notifications go. */
export interface ExampleWorld {
  readonly origin: string
  readonly endpoint: string
  /** Access token of a sandbox identity. */
  token(name: string): Promise<string>
}

/** Sends one row; the world's endpoint takes the place of the Subscription's. */
export async function sendExample(row: ExampleRow, world: ExampleWorld): Promise<ExampleAnswer> {
  const response = await fetch(world.origin + (await pathOf(row, world)), {
    method: row.method,
    headers: {
      'content-type': 'application/fhir+json',
      ...(row.as === 'nobody' ? {} : { authorization: `Bearer ${await world.token(row.as)}` }),
      ...(row.withRequestId ? { 'x-request-id': randomUUID() } : {}),
    },
    body: JSON.stringify(readExample(row.request)).replaceAll(ENDPOINT, world.endpoint),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(asPublished(text, world)) }
}

/** `[id]` of an AuditEvent is the newest check that the caller may see. */
async function pathOf({ path, as }: ExampleRow, world: ExampleWorld): Promise<string> {
  if (!path.includes('AuditEvent/[id]')) return path
  const headers = { authorization: `Bearer ${await world.token(as)}` }
  const found = await fetch(`${world.origin}/FHIR/R4/AuditEvent?subtype=cpis-check&_count=1`, { headers })
  const { entry } = (await found.json()) as { entry: readonly { resource: { id: string } }[] }
  return path.replace('[id]', entry[0]?.resource.id ?? '')
}

/** What the endpoint has got, as the examples print it: the handshake and the first event, and the AuditEvent that this points at, read by the authority's receiver; and what its check had shown, as an auditor has it rebuilt. */
export async function followUpsOf(receiver: Receiver, world: ExampleWorld): Promise<Readonly<Record<string, unknown>>> {
  const first = (type: string): string => receiver.ofType(type)[0]?.body ?? 'null'
  const event = first('event-notification')
  const [focus = ''] = /http[^"]*\/AuditEvent\/[\w-]+/.exec(event) ?? []
  const headers = { authorization: `Bearer ${await world.token('receiver-E10000007')}` }
  const audit = await (await fetch(focus, { headers })).text()
  const asAuditor = { authorization: `Bearer ${await world.token('auditor')}` }
  const published = (text: string): unknown => JSON.parse(asPublished(text, world))
  return {
    'notification-handshake.json': published(first('handshake')),
    'notification-event.json': published(event),
    'notification-audit-event.json': published(audit),
    'disclosed.answer.json': published(await (await fetch(`${focus}/$disclosed`, { headers: asAuditor })).text()),
  }
}

/** The instant of the nth row: a minute after the one before. */
export function exampleInstant(nth: number): Date {
  return new Date(Date.parse('2026-06-01T08:12:00Z') + nth * 60_000)
}

const ENDPOINT = 'http://127.0.0.1:9099/notifications'
const ORIGIN = 'http://127.0.0.1:8080'

/** The text with the addresses of this world as the examples print them. Pure. */
export function asPublished(text: string, world: Pick<ExampleWorld, 'origin' | 'endpoint'>): string {
  return text.replaceAll(world.endpoint, ENDPOINT).replaceAll(world.origin, ORIGIN)
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g

/** A body with its ids numbered in the order in which they first appear and its instants blanked: what two runs of one story have in common. Pure. */
export function comparable(body: unknown): unknown {
  const names = new Map<string, string>()
  const nameOf = (id: string): string => {
    const name = names.get(id) ?? `id-${names.size + 1}`
    names.set(id, name)
    return name
  }
  return JSON.parse(
    JSON.stringify(body ?? null)
      .replace(UUID, nameOf)
      .replace(INSTANT, 'an instant'),
  )
}
