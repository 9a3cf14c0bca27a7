/** Requests and answers of examples/ in the OpenAPI document, each at its row; the tests keep the list true to examples/README.md. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OpenApiRow, Part } from './openapi-types.ts'

const FOLDER = join(import.meta.dirname, '../../../examples')

type NamedRow = Pick<OpenApiRow, 'method' | 'path'>

interface Example {
  /** `POST Patient/$cpis-check` */
  readonly row: string
  readonly summary: string
  readonly request?: string
  readonly status: number
  readonly answer: string
}

const upload = (name: string, summary: string, kind = 'transaction'): Example => ({
  row: 'POST ',
  summary,
  request: `${name}.${kind}.json`,
  status: 200,
  answer: `${name}.answer.json`,
})
const check = (request: string, answer: string, summary: string): Example => ({
  row: 'POST Patient/$cpis-check',
  summary,
  request: `${request}.json`,
  status: 200,
  answer: `${answer}.json`,
})
const notice = (operation: string, name: string, summary: string): Example => ({
  row: `POST Patient/$${operation}`,
  summary,
  request: `${name}.request.json`,
  status: 200,
  answer: `${name}.answer.json`,
})

/** Successes, with what was asked. */
export const EXAMPLES: readonly Example[] = [
  check('check-request', 'check-answer-hit', 'A child protection plan'),
  check('check-nothing.request', 'check-answer-nothing', 'Nothing known'),
  check('check-unborn.request', 'check-unborn.answer', 'An unborn child, under the mother’s number'),
  check('check-two-authorities.request', 'check-two-authorities.answer', 'Two authorities'),
  notice('birth-notified', 'birth-notified', 'A baby is born'),
  notice('number-changed', 'number-changed', 'A number is replaced'),
  notice('number-changed', 'number-adopted', 'Replaced by nothing that may be told'),
  notice('number-changed', 'number-corrected', 'An earlier notice was wrong'),
  upload('la-new-plan', 'A new plan with its Patient and Flag'),
  upload('unborn-on-mother', 'An unborn child'),
  upload('looked-after', 'A looked-after child'),
  upload('parked-without-number', 'No NHS number yet'),
  upload('la-end-plan', 'The plan ends'),
  upload('la-withdraw', 'Filed by mistake'),
  upload('la-nightly', 'A nightly batch', 'batch'),
  {
    row: 'POST Bundle/$validate',
    summary: 'Two faults, and nothing stored',
    request: 'refused-two-faults.request.json',
    status: 200,
    answer: 'validate-two-faults.answer.json',
  },
  {
    row: 'POST EpisodeOfCare/$reconcile',
    summary: 'A whole list beside the register',
    request: 'reconcile.request.json',
    status: 200,
    answer: 'reconcile.answer.json',
  },
  {
    row: 'POST /admin/directory',
    summary: 'A trust, a site of it, one that is closed, an authority; and one that is refused',
    request: 'directory-load.request.json',
    status: 200,
    answer: 'directory-load.answer.json',
  },
  {
    row: 'POST Subscription',
    summary: 'An authority is to be told',
    request: 'subscription.json',
    status: 201,
    answer: 'subscription.answer.json',
  },
  {
    row: 'POST Subscription/$status',
    summary: 'How Subscriptions stand',
    request: 'subscription-status.request.json',
    status: 200,
    answer: 'subscription-status.answer.json',
  },
  {
    row: 'POST AuditEvent/[id]/$acknowledge',
    summary: 'A duty social worker acts on it',
    request: 'acknowledge.request.json',
    status: 200,
    answer: 'acknowledge.answer.json',
  },
  {
    row: 'POST AuditEvent/$report',
    summary: 'One person, in counts and by the hour',
    request: 'audit-report.request.json',
    status: 200,
    answer: 'audit-report.answer.json',
  },
  {
    row: 'GET AuditEvent/[id]/$disclosed',
    summary: 'What a check had shown, long after',
    status: 200,
    answer: 'disclosed.answer.json',
  },
  {
    row: 'GET AuditEvent/[id]',
    summary: 'Who looked, as the authority reads it',
    status: 200,
    answer: 'notification-audit-event.json',
  },
]

/** Refusals by status, whatever the row. */
export const REFUSAL_EXAMPLES: Readonly<Record<number, readonly string[]>> = {
  400: ['refused-check-number', 'refused-check-without-request-id', 'refused-two-faults'],
  401: ['refused-check-by-nobody'],
  403: ['refused-check-by-clerk', 'refused-check-site', 'refused-other-authority'],
  409: ['refused-overlapping-plan'],
  422: ['refused-flag-disagrees', 'refused-address'],
}

/** What an endpoint is sent. */
export const NOTIFICATION_EXAMPLES = ['notification-handshake', 'notification-event'] as const

/** Example requests of a row, by name. Disk I/O. */
export function exampleRequestsOf(row: NamedRow): Part {
  return asParts(
    ofRow(row).flatMap(({ request, summary }) => (request === undefined ? [] : [[request, summary] as const])),
  )
}

/** Example answers of a row with this status, by name. Disk I/O. */
export function exampleAnswersOf(row: NamedRow, status: number): Part {
  const found = ofRow(row).filter((one) => one.status === status)
  return asParts(found.map(({ answer, summary }) => [answer, summary] as const))
}

/** Example refusals of a status, by name. Disk I/O. */
export function refusalExamplesOf(status: number): Part {
  return asParts((REFUSAL_EXAMPLES[status] ?? []).map((name) => [`${name}.answer.json`, undefined] as const))
}

/** Example notifications, by name. Disk I/O. */
export function notificationExamples(): Part {
  return asParts(NOTIFICATION_EXAMPLES.map((name) => [`${name}.json`, undefined] as const))
}

function ofRow({ method, path }: NamedRow): readonly Example[] {
  return EXAMPLES.filter((one) => one.row === `${method} ${path}`)
}

function asParts(files: readonly (readonly [file: string, summary: string | undefined])[]): Part {
  return Object.fromEntries(
    files.map(([file, summary]) => [
      file.replace(/\.json$/, ''),
      {
        ...(summary === undefined ? {} : { summary }),
        value: JSON.parse(readFileSync(join(FOLDER, file), 'utf8')),
      },
    ]),
  )
}
