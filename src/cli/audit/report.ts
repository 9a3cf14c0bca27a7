/** `cpis audit report`: what a privacy officer asks of the log: who saw one child, what one person did, who stands out (issue 6, 9). A client of the server, whose every question is recorded. */

import { SYSTEM } from '../../fhir/canonicals.ts'
import { buildTokenSource } from '../bearer.ts'
import { CliError, EXIT, type Io } from '../io.ts'
import { serverOrigin } from '../server-client.ts'
import { readServerClock } from '../server-clock.ts'
import { sayDay, sayInstant, sayNumber } from '../words.ts'
import { parseInstant } from './parse-instant.ts'
import { reportAccesses } from './report-accesses.ts'
import type { Auditor, Criteria } from './report-pages.ts'
import { dateParameters, daysOf, parsePeriod, type ReportPeriod } from './report-period.ts'
import { reportUsage } from './report-usage.ts'
import { FORMATS, type Format } from './report-writer.ts'

export interface AuditReportOptions {
  /** Sandbox identity of an auditor. */
  readonly as: string
  readonly child?: string
  /** SDS user id or role profile id. */
  readonly user?: string
  /** With `child`: all that carries its number, not only checks. */
  readonly all?: boolean
  readonly unusual?: boolean
  readonly from?: string
  readonly until?: string
  /** An instant: what was shown up to then. */
  readonly at?: string
  readonly format: string
}

/** What every kind of report is given. */
export interface Reporting {
  readonly auditor: Auditor
  readonly io: Io
  readonly format: Format
  readonly now: Date
}

/** Prints the report. Resolves to 0; throws CliError for wrong usage and with the server's words. */
export async function runAuditReport(options: AuditReportOptions, io: Io): Promise<number> {
  const format = FORMATS.find((one) => one === options.format)
  if (format === undefined) throw new CliError(EXIT.usage, `--format must be one of ${FORMATS.join(', ')}.`)
  const subjects = [options.child, options.user, options.unusual].filter((one) => one !== undefined)
  if (subjects.length !== 1) throw new CliError(EXIT.usage, 'Ask for one of --child, --user and --unusual.')
  if (options.at !== undefined && options.child === undefined)
    throw new CliError(EXIT.usage, '--at goes with --child only.')
  const origin = serverOrigin(io.env)
  const now = (await readServerClock(origin))()
  const auditor = { origin, token: buildTokenSource(origin, options.as, io) }
  const reporting = { auditor, io, format, now }
  if (options.child !== undefined) return await reportChild(options.child, options, reporting)
  const period = parsePeriod(options, now)
  const { user } = options
  if (user === undefined) return await reportUsage({ period }, reporting)
  if (format !== 'fhir') return await reportUsage({ period, user }, reporting)
  return await reportAccesses({ searches: searchesOf(user, period), title: '' }, reporting)
}

async function reportChild(child: string, options: AuditReportOptions, reporting: Reporting): Promise<number> {
  const number = child.replaceAll(' ', '')
  const byNumber = ['patient:identifier', `${SYSTEM.nhsNumber}|${number}`] as const
  if (options.at !== undefined)
    return await reportAt({ number, byNumber, at: options.at, from: options.from }, reporting)
  const period = parsePeriod(options, reporting.now)
  const title = `Who was shown what about ${sayNumber(number)}, ${sayDay(period.from)} to ${sayDay(period.until)}, newest first`
  const checks: Criteria = options.all === true ? [] : CHECKS
  return await reportAccesses({ searches: [[...dateParameters(period), byNumber, ...checks]], title }, reporting)
}

const CHECKS: Criteria = [['subtype', 'cpis-check']]

interface AskedAt {
  readonly number: string
  readonly byNumber: readonly [string, string]
  readonly at: string
  readonly from: string | undefined
}

async function reportAt({ number, byNumber, at, from }: AskedAt, reporting: Reporting): Promise<number> {
  const instant = parseInstant('--at', at)
  const begins = from === undefined ? [] : [['date', `ge${parseInstant('--from', from)}`] as const]
  const search: Criteria = [['date', `le${instant}`], ...begins, byNumber, ...CHECKS]
  const title = `What checks of ${sayNumber(number)} had shown the NHS by ${sayInstant(instant)}, newest first`
  return await reportAccesses({ searches: [search], title }, reporting)
}

/** A day at a time: each search stays short, however long the period. */
function* searchesOf(user: string, period: ReportPeriod): Generator<Criteria> {
  for (const day of daysOf(period)) yield [...dateParameters(day), ['agent:identifier', user]]
}
