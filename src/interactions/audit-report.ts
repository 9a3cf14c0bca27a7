/** `AuditEvent/$report` (issue 6, 9): how people used the register in at most 31 days, summed up in the database: one person by the hour, or whoever stands out. */
import { WORKING_HOURS } from '../domain/audit-usage.ts'
import { addDays, daysBetween, londonInstant, parseDay } from '../domain/london-day.ts'
import { fhirError } from '../fhir/fhir-error.ts'
import type { ParameterSpec } from '../fhir/parameters.ts'
import type { FhirRequest, Handler } from './interaction.ts'
import { buildUnusualReport, buildUserReport, type Period } from './report/build-report.ts'
import { parseOperationInput, wrongInput } from './subscription/operation-input.ts'

const INPUTS = {
  from: { type: 'valueDate', min: 1, max: 1 },
  until: { type: 'valueDate', min: 1, max: 1 },
  user: { type: 'valueString', min: 0, max: 1 },
} as const satisfies ParameterSpec

/** More is more than one look can take in, and than a database should be asked for at once. */
const MOST_DAYS = 31
const USER = /^[\w.:@-]{1,100}$/

/** Parameters of counts. Throws MISSING_PARAMETER without both days, INVALID_PARAMETER for more than 31 of them. Recorded like every reading of the log. Store I/O, up to 50 seconds, then UNAVAILABLE: ask for fewer days. */
export const handleAuditReport: Handler = async (request, caller, context) => {
  if (caller?.kind !== 'auditor') throw fhirError('NOT_PERMITTED')
  const { period, user } = parseReport(request)
  const query = {
    from: londonInstant(period.from, 0).toISOString(),
    before: londonInstant(addDays(period.until, 1), 0).toISOString(),
    workingHours: WORKING_HOURS,
  }
  const { read } = context.store
  const names = ['from', 'until', ...(user === undefined ? [] : ['user'])]
  const resource =
    user === undefined
      ? buildUnusualReport(period, await read.usage(query))
      : buildUserReport(period, await read.usage({ ...query, user }), await read.usageByHour({ ...query, user }))
  return { status: 200, resource, audit: { parameters: names } }
}

function parseReport(request: FhirRequest): { readonly period: Period; readonly user: string | undefined } {
  const { values, placeOf } = parseOperationInput(request, INPUTS)
  const [from, until] = [parseDay(values.from), parseDay(values.until)]
  if (from === undefined) throw wrongInput(placeOf('from'), 'from must be a whole day, such as 2026-05-01.')
  if (until === undefined) throw wrongInput(placeOf('until'), 'until must be a whole day, such as 2026-05-31.')
  const days = daysBetween(from, until) + 1
  if (days < 1 || days > MOST_DAYS)
    throw wrongInput(placeOf('until'), `until must be from 0 to ${MOST_DAYS - 1} days after from.`)
  if (values.user !== undefined && !USER.test(values.user))
    throw wrongInput(placeOf('user'), 'user must be an SDS user id or a role profile id.')
  return { period: { from, until }, user: values.user }
}
