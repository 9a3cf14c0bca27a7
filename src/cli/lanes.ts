/** `cpis lanes`: the administrator's view of notifications: every lane, what waits, what its endpoint last said; and their release, pause and resending (delivery.md "Recovery"). */
import { isObject } from '../fhir/json-object.ts'
import { getBearer } from './bearer.ts'
import { CliError, EXIT, type Io, say, sayJson, styled } from './io.ts'
import { refusal, send, serverOrigin } from './server-client.ts'
import { sayCount, sayInstant } from './words.ts'

export interface LanesOptions {
  /** Sandbox identity of an administrator. */
  readonly as: string
  /** Id of a Subscription, or `all`. */
  readonly release?: string
  /** Id of a Subscription. */
  readonly pause?: string
  readonly resume?: string
  /** Id of a Subscription whose events of these numbers are sent once more. */
  readonly resend?: string
  readonly from?: string
  readonly through?: string
  readonly json?: boolean
}

/** Does what is asked for, then prints how the lanes stand. Resolves to 1 when one is in error. */
export async function runLanes(options: LanesOptions, io: Io): Promise<number> {
  const origin = serverOrigin(io.env)
  const { token } = await getBearer(origin, options.as, io)
  const ask = async (method: 'GET' | 'POST', path: string): Promise<unknown> => {
    const answer = await send(origin, { method, path, token, headers: { accept: 'application/json' } })
    if (answer.status >= 400) throw refusal(answer)
    return answer.body
  }
  for (const { path, said } of ordersOf(options)) io.err(`${said(await ask('POST', path))}\n`)
  const lanes = await readLanes(origin, token)
  if (options.json) for (const lane of lanes) sayJson(io, lane)
  else for (const line of laneLines(lanes, io)) say(io, line)
  return lanes.some((lane) => lane['state'] === 'error') ? EXIT.failed : EXIT.ok
}

/** What is sent for each option, and what is said of its answer. */
interface Order {
  readonly path: string
  readonly said: (answer: unknown) => string
}

function ordersOf({ release, pause, resume, resend, from, through }: LanesOptions): readonly Order[] {
  const one = (id: string, order: string): string => `/admin/lanes/${encodeURIComponent(id)}/${order}`
  const count = (name: string, word: string) => (answer: unknown) =>
    `${word}: ${sayCount(listIn(answer, name).length, 'lane')}.`
  return [
    ...(release === undefined
      ? []
      : [
          {
            path: release === 'all' ? '/admin/lanes/release' : one(release, 'release'),
            said: count('released', 'Released'),
          },
        ]),
    ...(pause === undefined ? [] : [{ path: one(pause, 'pause'), said: count('paused', 'Paused') }]),
    ...(resume === undefined ? [] : [{ path: one(resume, 'resume'), said: count('resumed', 'Resumed') }]),
    ...(resend === undefined
      ? []
      : [{ path: `${one(resend, 'resend')}?${numbersOf(from, through)}`, said: sayQueued }]),
  ]
}

function numbersOf(from: string | undefined, through: string | undefined): URLSearchParams {
  return new URLSearchParams({
    ...(from === undefined ? {} : { eventsSinceNumber: from }),
    ...(through === undefined ? {} : { eventsUntilNumber: through }),
  })
}

function sayQueued(answer: unknown): string {
  const queued = isObject(answer) ? answer['queued'] : undefined
  if (!isObject(queued)) return 'Sent once more: nothing; there is no event of these numbers in the last 90 days.'
  return `Sent once more: events ${queued['from']} to ${queued['through']}.`
}

function listIn(answer: unknown, name: string): readonly unknown[] {
  const list = isObject(answer) ? answer[name] : undefined
  if (Array.isArray(list)) return list
  throw new CliError(EXIT.failed, 'The server answered something that is no list of lanes.')
}

type Lane = Readonly<Record<string, unknown>>

/** How all lanes stand, as an administrator's token reads them. Throws CliError. */
export async function readLanes(origin: string, token: string): Promise<readonly Lane[]> {
  const answer = await send(origin, {
    method: 'GET',
    path: '/admin/lanes',
    token,
    headers: { accept: 'application/json' },
  })
  if (answer.status >= 400) throw refusal(answer)
  return listIn(answer.body, 'lanes').filter(isObject)
}

const HEADINGS = ['authority', 'state', 'waiting', 'oldest', 'last answer', 'next try', 'subscription']

/** A table, a line for each lane. Pure. */
export function laneLines(lanes: readonly Lane[], io: Io): readonly string[] {
  if (lanes.length === 0) return ['There are no lanes: no authority has a Subscription yet.']
  const rows = [HEADINGS, ...lanes.map(cellsOf)]
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row, nth) => {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
    const state = lanes[nth - 1]?.['state']
    return styled(io, nth === 0 ? 'bold' : state === 'error' ? 'red' : 'dim', line.trimEnd())
  })
}

function cellsOf(lane: Lane): string[] {
  const text = (name: string): string => {
    const value = lane[name]
    return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  }
  const answer = isObject(lane['lastAnswer']) ? lane['lastAnswer'] : {}
  const said = answer['status'] ?? answer['answer']
  return [
    [text('authority'), text('authorityName')].filter((one) => one !== '').join(' '),
    lane['paused'] === true && lane['state'] !== 'paused' ? `${text('state')}, paused` : text('state'),
    text('waiting'),
    instantOf(text('oldestWaitingAt')),
    said === undefined ? '-' : `${said} ${instantOf(String(answer['at']))}`,
    instantOf(text('nextTryAt')),
    text('subscription'),
  ]
}

function instantOf(text: string): string {
  return text === '' ? '-' : sayInstant(text)
}
