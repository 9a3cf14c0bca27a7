/** The state that a set of changes would leave, while the rules look at it: rows as they were, rows as they would be. */
import type { ResourceId } from '../../domain/brands.ts'
import { type Issue, underPlace } from '../../fhir/outcome.ts'
import type { OwnedType, Row, Token, Unit } from '../../store/store.ts'
import type { Change, WriteFacts } from './change.ts'

/** What is known of a change once its target is found. */
export interface Target {
  readonly change: Change
  readonly id: ResourceId
  readonly before?: Row<OwnedType>
  /** `held`: a create whose identifier the LA has already (R15): the same content answers as before, other content is refused. `matched`: If-None-Exist found one. */
  readonly how: 'new' | 'update' | 'held' | 'matched' | 'delete'
}

/** A row as it would be after the transaction. `rewritten`: content changed, a new version is due; else only its index. */
export interface Pending {
  readonly before?: Row<OwnedType>
  readonly after: Row<OwnedType>
  readonly rewritten: boolean
}

export interface Workspace {
  readonly unit: Unit
  readonly facts: WriteFacts
  readonly targets: Map<Change, Target>
  /** fullUrl of an entry → its target. */
  readonly byFullUrl: Map<string, Target>
  /** `Type/id` → what would be. */
  readonly pending: Map<string, Pending>
  /** Number or identifier → the first Patient that this request brought under it; it may have lost it since. */
  readonly patientUnder: Map<string, ResourceId>
  /** A brought Flag → the Flag of its plan, which it became. */
  readonly flagOf: Map<Change, ResourceId>
  /** Found so far, by change. */
  readonly issues: Map<Change, Issue[]>
}

/** An empty workspace on a transaction. */
export function openWorkspace(unit: Unit, facts: WriteFacts): Workspace {
  return {
    unit,
    facts,
    targets: new Map(),
    byFullUrl: new Map(),
    pending: new Map(),
    patientUnder: new Map(),
    flagOf: new Map(),
    issues: new Map(),
  }
}

/** Notes issues of a change, with places below its resource. */
export function say(work: Workspace, change: Change, ...issues: readonly Issue[]): void {
  work.issues.set(change, [...(work.issues.get(change) ?? []), ...issues])
}

/** All issues of a change with places as the caller sent it. Pure. */
export function issuesOf(work: Workspace, change: Change): readonly Issue[] {
  const all = [...change.issues, ...(work.issues.get(change) ?? [])]
  if (change.place === '') return all
  return all.map((one) => underPlace(one.expression === undefined ? change.place : `${change.place}.resource`, one))
}

const keyOf = (type: OwnedType, id: ResourceId): string => `${type}/${id}`

/** The row as it would be: what is pending, else what is stored. */
export async function rowAfter<T extends OwnedType>(
  work: Workspace,
  type: T,
  id: ResourceId,
): Promise<Row<T> | undefined> {
  const pending = work.pending.get(keyOf(type, id))
  if (pending !== undefined) return isOfType(pending.after, type) ? pending.after : undefined
  return work.unit.of(work.facts.owner, type).find(id)
}

/** Notes what a row would be. */
export function setPending(work: Workspace, pending: Pending): void {
  const { after } = pending
  work.pending.set(keyOf(after.type, after.id), pending)
  if (!isOfType(after, 'Patient')) return
  const { nhsNumber, identifiers } = after.index
  for (const key of [nhsNumber, ...identifiers.map(tokenKey)])
    if (key !== undefined && !work.patientUnder.has(key)) work.patientUnder.set(key, after.id)
}

const tokenKey = ({ system, value }: Token): string => JSON.stringify([system, value])

/** The first Patient that this request brings and that `isMeant`, of those once under this number or, without one, identifier. */
export function patientBrought(
  work: Workspace,
  under: { readonly nhsNumber?: string | undefined; readonly token?: Token | undefined },
  isMeant: (row: Row<'Patient'>) => boolean,
): Row<'Patient'> | undefined {
  const key = under.nhsNumber ?? (under.token === undefined ? undefined : tokenKey(under.token))
  const id = key === undefined ? undefined : work.patientUnder.get(key)
  const first = id === undefined ? undefined : pendingOf(work, 'Patient', id)?.after
  if (first === undefined) return undefined
  if (isOfType(first, 'Patient') && isMeant(first)) return first
  // it has lost it meanwhile, and another may have it
  return pendingRows(work, 'Patient').find(isMeant)
}

export function pendingOf(work: Workspace, type: OwnedType, id: ResourceId): Pending | undefined {
  return work.pending.get(keyOf(type, id))
}

/** All rows that would be, of one type. Pure. */
export function pendingRows<T extends OwnedType>(work: Workspace, type: T): readonly Row<T>[] {
  const rows: Row<T>[] = []
  for (const { after } of work.pending.values()) if (isOfType(after, type)) rows.push(after)
  return rows
}

function isOfType<T extends OwnedType>(row: Row<OwnedType>, type: T): row is Row<T> {
  return row.type === type
}

/** The next version of a row, or its first. Pure. */
export function nextVersion<T extends OwnedType>(
  work: { readonly facts: Pick<WriteFacts, 'at' | 'owner'> },
  parts: Pick<Row<T>, 'type' | 'id' | 'index' | 'method'> & {
    readonly resource?: Row<T>['resource']
    readonly before?: Row<OwnedType> | undefined
  },
): Row<T> {
  return {
    type: parts.type,
    id: parts.id,
    version: (parts.before?.version ?? 0) + 1,
    lastUpdated: work.facts.at.toISOString(),
    owner: work.facts.owner,
    method: parts.method,
    deleted: parts.resource === undefined,
    ...(parts.resource === undefined ? {} : { resource: parts.resource }),
    index: parts.index,
  }
}
