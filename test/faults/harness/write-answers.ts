/** What the answers to a council's system tell of its plans: identifiers, versions, states. */
import type { Details } from './attempt.ts'
import { type Came, isRecord } from './caller.ts'
import type { Outcome, PlanWrite } from './operation.ts'
import type { PlanState } from './plan-bodies.ts'

/** What a write of a plan is, whatever came of it. Pure. */
export const writeFacts = ({ plan, child, value, isWithdrawn = false }: PlanState) => ({
  plan,
  child,
  value,
  hides: isWithdrawn,
})

/** A write on its own, with the version that its ETag names. Pure. */
export function writeOf(state: PlanState, { etag }: Came, outcome: Outcome): PlanWrite {
  const version = outcome === 'ok' ? Number(/^W\/"(\d+)"$/.exec(etag ?? '')?.[1]) : Number.NaN
  return { ...writeFacts(state), outcome, ...(Number.isNaN(version) ? {} : { version }) }
}

interface EntryAnswer {
  readonly status?: number
  readonly version?: number
  readonly id?: string
}

/** What a Bundle's answer says of one of its entries. Pure. */
export function entryAnswer(bundle: unknown, at: number): EntryAnswer {
  const entries = isRecord(bundle) && Array.isArray(bundle['entry']) ? bundle['entry'] : []
  const response = isRecord(entries[at]) ? entries[at]['response'] : undefined
  if (!isRecord(response)) return {}
  const [, id, version] = /EpisodeOfCare\/([^/]+)\/_history\/(\d+)$/.exec(String(response['location'])) ?? []
  const status = Number(String(response['status']).slice(0, 3))
  return { status, ...(id === undefined ? {} : { id }), ...(version === undefined ? {} : { version: Number(version) }) }
}

type ReadSeen = NonNullable<NonNullable<Details['read']>['seen']>

/** The plan in the answer to a search by its identifier, if there is one. Pure. */
export function seenOf({ body }: Came): { seen?: ReadSeen } {
  const [entry] = isRecord(body) && Array.isArray(body['entry']) ? body['entry'] : []
  const resource = isRecord(entry) ? entry['resource'] : undefined
  if (!isRecord(resource) || resource['resourceType'] !== 'EpisodeOfCare') return {}
  const { id, meta, period, status } = resource
  const version = Number(isRecord(meta) ? meta['versionId'] : undefined)
  const start = String(isRecord(period) ? period['start'] : '')
  return { seen: { id: String(id), version, start, hides: status === 'entered-in-error' } }
}
