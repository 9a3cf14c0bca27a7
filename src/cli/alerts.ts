/** `cpis alerts`: what an administrator must look at: alerts of the server, Subscriptions in trouble, and councils that are told nothing. */
import { isObject } from '../fhir/json-object.ts'
import { plain } from './audit/audited-access.ts'
import { buildTokenSource } from './bearer.ts'
import { CliError, EXIT, type Io, say, sayJson, styled } from './io.ts'
import { laneLines } from './lanes.ts'
import { refusal, send, serverOrigin } from './server-client.ts'
import { sayCount, sayInstant } from './words.ts'

export interface AlertsOptions {
  /** Sandbox identity of an administrator. */
  readonly as: string
  /** A day or an instant. */
  readonly from?: string
  readonly limit: number
  readonly json?: boolean
}

type Item = Readonly<Record<string, unknown>>

const MOST_A_PAGE = 500

/** Prints them, newest first. Resolves to 1 when a council is not told now: a Subscription in error or waiting long, or none that wants what happens. */
export async function runAlerts(options: AlertsOptions, io: Io): Promise<number> {
  const origin = serverOrigin(io.env)
  const token = buildTokenSource(origin, options.as, io)
  const ask = async (path: string): Promise<Item> => {
    const headers = { accept: 'application/json' }
    const answer = await send(origin, { method: 'GET', path, token: await token(), headers })
    if (answer.status >= 400) throw refusal(answer)
    if (!isObject(answer.body))
      throw new CliError(EXIT.failed, 'The server answered something that is no list of alerts.')
    return answer.body
  }
  const { alerts, lanes } = await readAlerts(options, ask)
  const letters = listOf(await ask('/admin/dead-letters'), 'deadLetters')
  if (options.json) for (const one of [...alerts, ...lanes, ...letters]) sayJson(io, one)
  else sayAll({ alerts, lanes, letters }, io)
  return lanes.length > 0 || letters.some((one) => one['subscribed'] !== true) ? EXIT.failed : EXIT.ok
}

interface Found {
  readonly alerts: readonly Item[]
  readonly lanes: readonly Item[]
}

async function readAlerts({ from, limit }: AlertsOptions, ask: (path: string) => Promise<Item>): Promise<Found> {
  const alerts: Item[] = []
  const first = new URLSearchParams({
    _count: String(Math.min(limit, MOST_A_PAGE)),
    ...(from === undefined ? {} : { from }),
  })
  let page = await ask(`/admin/alerts?${first}`)
  const lanes = listOf(page, 'lanes')
  for (;;) {
    alerts.push(...listOf(page, 'alerts'))
    const next = page['next']
    if (typeof next !== 'string' || alerts.length >= limit) return { alerts: alerts.slice(0, limit), lanes }
    page = await ask(`/admin/alerts?${new URLSearchParams({ _cursor: next })}`)
  }
}

function listOf(body: Item, name: string): readonly Item[] {
  const list = body[name]
  return Array.isArray(list) ? list.filter(isObject) : []
}

function sayAll({ alerts, lanes, letters }: Found & { readonly letters: readonly Item[] }, io: Io): void {
  say(io, styled(io, 'bold', alerts.length === 0 ? 'No alerts.' : sayCount(alerts.length, 'alert')))
  for (const one of alerts) say(io, alertLine(one))
  if (lanes.length > 0) {
    say(io)
    say(io, styled(io, 'red', 'Subscriptions in error or waiting long'))
    for (const line of laneLines(lanes, io)) say(io, line)
  }
  if (letters.length === 0) return
  say(io)
  say(io, styled(io, 'bold', 'Events of the last 90 days that no Subscription wanted'))
  for (const one of letters) say(io, letterLine(one))
}

function textOf(item: Item, name: string): string {
  const value = item[name]
  return typeof value === 'string' || typeof value === 'number' ? plain(String(value)) : ''
}

function alertLine(alert: Item): string {
  const user = isObject(alert['user']) ? alert['user'] : undefined
  const codes = Array.isArray(alert['codes']) ? alert['codes'].join(' ') : ''
  const words = [
    sayInstant(textOf(alert, 'at')),
    textOf(alert, 'alert'),
    ...(user === undefined
      ? []
      : [`${textOf(user, 'name')} (user ${textOf(user, 'id')}, ${textOf(user, 'roleCode')})`]),
    textOf(alert, 'organization'),
    textOf(alert, 'client'),
    textOf(alert, 'authority'),
    textOf(alert, 'subscription'),
    ...(alert['count'] === undefined ? [] : [`${textOf(alert, 'count')} requests ${codes}`.trim()]),
  ]
  return words.filter((one) => one !== '').join('  ')
}

function letterLine(letter: Item): string {
  const who = [textOf(letter, 'authority'), textOf(letter, 'authorityName')].filter((one) => one !== '').join(' ')
  const now = letter['subscribed'] === true ? 'subscribed since' : 'IS TOLD NOTHING'
  return `${who}  ${textOf(letter, 'topic')}  ${sayCount(Number(textOf(letter, 'count')), 'event')} since ${sayInstant(textOf(letter, 'since'))}  ${now}`
}
