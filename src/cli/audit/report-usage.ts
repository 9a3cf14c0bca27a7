/** A report of counts, by `AuditEvent/$report`: one person by the day and hour, or whoever stands out. */
import type { Parameters, ParametersParameter } from '@medplum/fhirtypes'
import { EXIT, type Io, say, styled } from '../io.ts'
import { parseResource } from '../parse-answer.ts'
import { tableOf } from '../reconcile.ts'
import { sendFhir } from '../server-client.ts'
import { sayCount, sayDay } from '../words.ts'
import { plain } from './audited-access.ts'
import type { Reporting } from './report.ts'
import type { Auditor } from './report-pages.ts'
import type { ReportPeriod } from './report-period.ts'
import { openBundle, writeSafeCsvLine } from './report-writer.ts'

export interface UsageAsked {
  readonly period: ReportPeriod
  /** Absent: everyone, and who stands out. */
  readonly user?: string
}

/** Writes the counts. Network I/O. */
export async function reportUsage(asked: UsageAsked, { auditor, io, format, now }: Reporting): Promise<number> {
  const answer = await readUsage(asked, auditor)
  if (format === 'fhir') {
    const bundle = openBundle(io, now)
    bundle.add(`urn:uuid:${crypto.randomUUID()}`, answer)
    bundle.end()
  } else if (format === 'csv') {
    for (const cells of asked.user === undefined ? unusualRows(answer) : hourRows(answer))
      io.out(writeSafeCsvLine(cells))
  } else if (asked.user === undefined) {
    sayUnusual(answer, asked.period, io)
  } else {
    sayUser(answer, asked.period, io)
  }
  io.err('Asking for this was recorded too.\n')
  return EXIT.ok
}

async function readUsage({ period, user }: UsageAsked, auditor: Auditor): Promise<Parameters> {
  const parameter: ParametersParameter[] = [
    { name: 'from', valueDate: period.from },
    { name: 'until', valueDate: period.until },
    ...(user === undefined ? [] : [{ name: 'user', valueString: user }]),
  ]
  const answer = await sendFhir(auditor.origin, {
    method: 'POST',
    path: '/AuditEvent/$report',
    token: await auditor.token(),
    body: { resourceType: 'Parameters', parameter },
  })
  return parseResource(answer.body, 'Parameters')
}

const named = (list: readonly ParametersParameter[] | undefined, name: string): readonly ParametersParameter[] =>
  (list ?? []).filter((one) => one.name === name)

/** The value of a part as text; empty when there is none. */
function textOf(list: readonly ParametersParameter[] | undefined, name: string): string {
  const one = named(list, name)[0]
  const value =
    one?.valueString ??
    one?.valueInteger ??
    one?.valueDecimal ??
    one?.valueCode ??
    one?.valueDate ??
    one?.valueIdentifier?.value
  return plain(value === undefined ? '' : String(value))
}

function roleOf(part: readonly ParametersParameter[] | undefined): string {
  const role = named(part, 'role')[0]?.valueCoding
  return role === undefined ? '' : `${plain(role.display)} (${plain(role.code)})`
}

const COUNTED = [
  'checks',
  'hits',
  'misses',
  'refused',
  'out-of-hours',
  'children',
  'one-child',
  'organizations',
  'settings',
  'stopped',
  'miss-alerts',
]

function unusualRows({ parameter }: Parameters): string[][] {
  const columns = ['name', 'user_id', 'role_profile', 'role', ...COUNTED.map((one) => one.replaceAll('-', '_'))]
  const rows = named(parameter, 'unusual').flatMap(({ part }) =>
    named(part, 'finding').map((finding) => [
      ...['name', 'user-id', 'role-profile'].map((name) => textOf(part, name)),
      roleOf(part),
      ...COUNTED.map((name) => textOf(part, name)),
      ...['measure', 'value', 'median', 'limit'].map((name) => textOf(finding.part, name)),
      textOf(part, 'compared-group'),
      textOf(part, 'compared-with'),
    ]),
  )
  return [[...columns, 'stands_out_by', 'value', 'median', 'limit', 'compared_group', 'compared_users'], ...rows]
}

function hourRows({ parameter }: Parameters): string[][] {
  const columns = ['day', 'hour', 'hits', 'misses', 'refused']
  return [columns, ...named(parameter, 'hour').map(({ part }) => columns.map((name) => textOf(part, name)))]
}

const MEASURES: Readonly<Record<string, string>> = {
  checks: 'checks',
  'miss-ratio': 'share of checks that found nothing',
  'out-of-hours': 'share of checks out of hours',
  organizations: 'organisations',
  settings: 'care settings',
  'one-child': 'checks of one child',
  refused: 'refused checks',
  stopped: 'times stopped for numbers in sequence',
  'miss-alerts': 'alerts about misses',
}

function sayUnusual({ parameter }: Parameters, period: ReportPeriod, io: Io): void {
  const unusual = named(parameter, 'unusual')
  say(io, styled(io, 'bold', `Who stands out, ${sayDay(period.from)} to ${sayDay(period.until)}`))
  say(
    io,
    `${textOf(parameter, 'users')} people made ${textOf(parameter, 'checks')} checks; ${textOf(parameter, 'unusual-users')} stand out.`,
  )
  say(io)
  say(io, textOf(parameter, 'method'))
  for (const { part } of unusual) {
    say(io)
    say(
      io,
      `${styled(io, 'bold', textOf(part, 'name'))}, ${roleOf(part)} (user ${textOf(part, 'user-id')}, role profile ${textOf(part, 'role-profile')})`,
    )
    for (const finding of named(part, 'finding')) say(io, `    ${findingInWords(finding, part)}`)
    say(io, `    ${countsInWords(part)}`)
  }
}

function findingInWords({ part }: ParametersParameter, user: readonly ParametersParameter[] | undefined): string {
  const measure = textOf(part, 'measure')
  const median = textOf(part, 'median')
  const words = `${MEASURES[measure] ?? measure}: ${textOf(part, 'value')}`
  if (median === '') return words
  const who = textOf(user, 'compared-group') === 'role' ? 'of the role' : 'in all'
  return `${words} (median of ${textOf(user, 'compared-with')} ${who}: ${median}; stands out above ${textOf(part, 'limit')})`
}

function countsInWords(part: readonly ParametersParameter[] | undefined): string {
  const count = (name: string): string => textOf(part, name)
  return [
    sayCount(Number(count('checks')), 'check'),
    `${count('hits')} found a plan`,
    `${count('misses')} found nothing`,
    `${count('refused')} refused`,
    `${count('out-of-hours')} out of hours`,
    `${count('children')} different children, one of them ${count('one-child')} times at most`,
    `${count('organizations')} organisations, ${count('settings')} settings`,
  ].join('; ')
}

function sayUser({ parameter }: Parameters, period: ReportPeriod, io: Io): void {
  const users = named(parameter, 'user')
  if (users.length === 0) say(io, 'Nobody of this id made a check in this time.')
  for (const { part } of users) {
    say(
      io,
      `${styled(io, 'bold', textOf(part, 'name'))}, ${roleOf(part)} (user ${textOf(part, 'user-id')}, role profile ${textOf(part, 'role-profile')})`,
    )
    say(io, `    ${sayDay(period.from)} to ${sayDay(period.until)}: ${countsInWords(part)}`)
    for (const name of ['stopped', 'miss-alerts'])
      if (textOf(part, name) !== '0') say(io, `    ${MEASURES[name]}: ${textOf(part, name)}`)
  }
  const rows = hourRows({ resourceType: 'Parameters', ...(parameter === undefined ? {} : { parameter }) })
  if (rows.length > 1) for (const line of ['', ...tableOf(rows)]) say(io, line)
}
