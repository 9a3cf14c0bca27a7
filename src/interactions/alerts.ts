/** `/admin/alerts`: what the administrator must look at, newest first: what the server raised by itself, refusals summed up, and Subscriptions whose authority is not told now. Nothing of a child. */
import type { Context } from '../context.ts'
import type { AuditRecord } from '../domain/audit-record.ts'
import { parseDay } from '../domain/london-day.ts'
import { FhirError, fhirError } from '../fhir/fhir-error.ts'
import { issue } from '../fhir/outcome.ts'
import { openPage, type Place, sealCursor } from './cursor.ts'
import type { FhirRequest, Handler } from './interaction.ts'
import { findLaneViews, type LaneView } from './lanes.ts'
import { parseCount } from './paging.ts'

/** One alert. `user` is the person it is about; a child is never named. */
export interface AlertView {
  readonly id: string
  readonly at: string
  /** numbers-in-sequence, unusual-misses, subscription-error …; refused or many-tokens: requests summed up. */
  readonly alert: string
  readonly user?: { readonly id: string; readonly name: string; readonly roleCode: string; readonly roleName: string }
  readonly organization?: string
  readonly subscription?: string
  readonly authority?: string
  /** Refused requests: how many, of which client where it is known, with which code. */
  readonly count?: number
  readonly client?: string
  readonly codes?: readonly string[]
}

const SCOPE = 'admin/alerts'
const NAMES = ['from', '_count', '_cursor']
/** A lane whose oldest event has waited longer is told of. */
const WAITS_LONG_MS = 15 * 60_000

/** A page of alerts and a cursor for the next; with the first page the lanes in trouble. Throws UNKNOWN_PARAMETER, INVALID_PARAMETER. Store I/O. */
export const handleAlerts: Handler = async (request, caller, context) => {
  const holder = { caller, context }
  const { cursor, parameters } = openPage(request, SCOPE, holder)
  const { from, count } = parseAlerts(parameters)
  const place = cursor?.places.at(-1)
  const after = place === undefined ? {} : { after: [String(place[0]), String(place[1])] as const }
  const found = await context.store.read.alerts({ ...from, ...after, limit: count + 1 })
  const shown = found.slice(0, count)
  const last = shown.at(-1)
  const more: Place | undefined = found.length > count && last !== undefined ? [last.recorded, last.id] : undefined
  const next = more === undefined ? {} : { next: sealCursor({ places: [more], parameters }, SCOPE, holder) }
  const lanes = cursor === undefined ? { lanes: await findTroubled(request, context) } : {}
  return {
    status: 200,
    body: { alerts: shown.map(viewAlert), ...lanes, ...next },
    audit: { parameters: parameters.map(([name]) => name) },
  }
}

interface AskedAlerts {
  readonly from: { readonly from?: string }
  readonly count: number
}

function parseAlerts(parameters: FhirRequest['parameters']): AskedAlerts {
  if (parameters.some(([name]) => !NAMES.includes(name)))
    throw fhirError('UNKNOWN_PARAMETER', undefined, `Only ${NAMES.join(', ')} are taken here.`)
  const given = (name: string): string | undefined => parameters.find(([one]) => one === name)?.[1]
  const from = given('from')
  const count = parseCount(given('_count'))
  if (typeof count !== 'number') throw new FhirError([count])
  if (count === 0) throw new FhirError([issue('INVALID_PARAMETER', undefined, '_count must be 1 or more.')])
  if (from === undefined) return { from: {}, count }
  if (parseDay(from) === undefined)
    throw fhirError('INVALID_PARAMETER', undefined, 'from must be a day or an instant with its zone.')
  return { from: { from: new Date(from).toISOString() }, count }
}

/** What is told of one. Pure. */
export function viewAlert(record: AuditRecord): AlertView {
  const { caller, count } = record
  const subject = record.entities.find(({ type }) => type === 'Subscription')
  const named = record.entities.find(({ type }) => type === 'client')?.id
  const client = count === undefined ? undefined : (named ?? (caller.clientId === '' ? undefined : caller.clientId))
  return {
    id: record.id,
    at: record.recorded,
    alert: count === undefined ? (record.operation ?? 'unknown') : record.outcome === '0' ? 'many-tokens' : 'refused',
    ...(caller.user === undefined ? {} : { user: personOf(caller.user) }),
    ...(caller.organization === undefined ? {} : { organization: caller.organization }),
    ...(subject === undefined ? {} : { subscription: subject.id }),
    ...(subject?.owner === undefined ? {} : { authority: subject.owner }),
    ...(count === undefined ? {} : { count, codes: record.codes }),
    ...(client === undefined ? {} : { client }),
  }
}

function personOf({
  id,
  name,
  roleCode,
  roleName,
}: NonNullable<AuditRecord['caller']['user']>): NonNullable<AlertView['user']> {
  return { id, name, roleCode, roleName }
}

async function findTroubled({ at }: FhirRequest, context: Context): Promise<readonly LaneView[]> {
  const waitsLong = ({ oldestWaitingAt }: LaneView): boolean =>
    oldestWaitingAt !== undefined && at.getTime() - Date.parse(oldestWaitingAt) > WAITS_LONG_MS
  return (await findLaneViews(context)).filter((lane) => lane.state === 'error' || waitsLong(lane))
}
