/** What a transaction or batch answers: one entry for each that was sent, in their order (R4 http.html#transaction-response). */
import type { Bundle, BundleEntry } from '@medplum/fhirtypes'
import { statusOf } from '../../fhir/fhir-error.ts'
import { buildOutcome, type Issue } from '../../fhir/outcome.ts'
import type { FhirRequest } from '../interaction.ts'
import { locationOf, renderRow } from '../owned-rows.ts'
import type { Applied, WriteFacts } from '../write/change.ts'

const STATUS_LINE: Readonly<Record<number, string>> = { 200: '200 OK', 201: '201 Created', 204: '204 No Content' }

export interface ReplyFacts {
  readonly request: Pick<FhirRequest, 'prefer' | 'today'>
  readonly facts: Pick<WriteFacts, 'fhirBase'>
}

/** Wraps entries as an answer. Pure. */
export function wrap(type: 'transaction-response' | 'batch-response', entry: readonly BundleEntry[]): Bundle {
  return { resourceType: 'Bundle', type, ...(entry.length === 0 ? {} : { entry: eachVersionOnce(entry) }) }
}

/** One version of one resource may stand in a Bundle once (bdl-7): an entry that means it again has no fullUrl, its location says which it is. Pure. */
function eachVersionOnce(entries: readonly BundleEntry[]): BundleEntry[] {
  const seen = new Set<string>()
  return entries.map((entry) => {
    const { fullUrl, ...rest } = entry
    const version = `${fullUrl} ${entry.resource?.meta?.versionId}`
    if (fullUrl === undefined || !seen.has(version)) {
      seen.add(version)
      return entry
    }
    return rest
  })
}

/** The answer to one entry that was carried out. Pure. */
export function buildEntry(
  { row, status, issues }: Omit<Applied, 'change'>,
  { request, facts }: ReplyFacts,
): BundleEntry {
  const outcome = issues.length === 0 ? {} : { outcome: buildOutcome(issues) }
  if (row === undefined || status === 204)
    return { response: { status: STATUS_LINE[status] ?? String(status), ...outcome } }
  const showsResource = request.prefer.return === 'representation' && row.resource !== undefined
  return {
    ...(showsResource
      ? { fullUrl: `${facts.fhirBase}/${row.type}/${row.id}`, resource: renderRow(row, request.today) }
      : {}),
    response: {
      status: STATUS_LINE[status] ?? String(status),
      location: locationOf(row, facts.fhirBase),
      etag: `W/"${row.version}"`,
      lastModified: row.lastUpdated,
      ...outcome,
    },
  }
}

const REASON: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition Failed',
  422: 'Unprocessable Entity',
  503: 'Service Unavailable',
}

/** The answer to one entry that was refused. Pure. */
export function buildRefusedEntry(issues: readonly Issue[]): BundleEntry {
  const status = statusOf(issues)
  return { response: { status: `${status} ${REASON[status] ?? 'Refused'}`, outcome: buildOutcome(issues) } }
}
