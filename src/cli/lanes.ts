/** `cpis lanes`: the administrator's view of notifications: every lane, what waits, what its endpoint last said; and their release (delivery.md "Recovery"). */
import { fetchToken } from './bearer.ts'
import { CliError, EXIT, type Io, say, sayJson, styled } from './io.ts'
import { isObject } from './parse-answer.ts'
import { refusal, send, serverOrigin } from './server-client.ts'
import { sayCount, sayDay, sayTime } from './words.ts'

export interface LanesOptions {
  /** Sandbox identity of an administrator. */
  readonly as: string
  /** Id of a Subscription, or `all`. */
  readonly release?: string
  readonly json?: boolean
}

/** Releases what is asked for, then prints how the lanes stand. Resolves to 1 when one is in error. */
export async function runLanes(options: LanesOptions, io: Io): Promise<number> {
  const origin = serverOrigin(io.env)
  const { token } = await fetchToken(origin, options.as, io)
  const ask = async (method: 'GET' | 'POST', path: string): Promise<unknown> => {
    const answer = await send(origin, { method, path, token, headers: { accept: 'application/json' } })
    if (answer.status >= 400) throw refusal(answer)
    return answer.body
  }
  const { release } = options
  if (release !== undefined) {
    const which = release === 'all' ? '' : `/${encodeURIComponent(release)}`
    const answer = await ask('POST', `/admin/lanes${which}/release`)
    io.err(`Released: ${sayCount(listIn(answer, 'released').length, 'lane')}.\n`)
  }
  const lanes = await readLanes(origin, token)
  if (options.json) for (const lane of lanes) sayJson(io, lane)
  else for (const line of laneLines(lanes, io)) say(io, line)
  return lanes.some((lane) => lane['state'] === 'error') ? EXIT.failed : EXIT.ok
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
    text('state'),
    text('waiting'),
    sayInstant(text('oldestWaitingAt')),
    said === undefined ? '-' : `${said} ${sayInstant(String(answer['at']))}`,
    sayInstant(text('nextTryAt')),
    text('subscription'),
  ]
}

function sayInstant(instant: string): string {
  return instant === '' ? '-' : `${sayDay(instant.slice(0, 10))} ${sayTime(new Date(instant))}`
}
