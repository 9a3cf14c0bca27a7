/** The audit: insert-only compact records, the number sealed, found by time, by child and by authority (security.md "Audit"; storage.md "Collections"). */
import type { Document, Filter } from 'mongodb'
import type { AuditRecord } from '../domain/audit-record.ts'
import { COLLECTIONS, type SealedField } from './collections.ts'
import { openJson, sealJson } from './row-document.ts'
import { accessesOf, auditsOf, reading, run, type Scope, writing } from './scope.ts'
import type { AlertQuery, AuditQuery } from './store.ts'

export interface AuditDocument extends Omit<AuditRecord, 'id' | 'nhsNumber' | 'authorities'> {
  readonly _id: string
  readonly subjectKey?: string
  readonly number?: SealedField
  /** Absent when no authority may read it. */
  readonly authorities?: AuditRecord['authorities']
  /** Hash of all of it but this and `number`, made when it was written: by it the record is sealed. Older ones have none. */
  readonly content?: string
}

/** Adds one; a used id is a StoreError 'duplicate' on 'audit'. */
export async function insertAudit(scope: Scope, record: AuditRecord): Promise<void> {
  await insertAudits(scope, [toAuditDocument(scope, record)])
}

/** Adds several in one go; none when one id was used. */
export async function insertAudits(scope: Scope, documents: readonly AuditDocument[]): Promise<void> {
  const [only, second] = documents
  if (only === undefined) return
  const audits = auditsOf(scope)
  await run<unknown>(
    scope,
    second === undefined ? audits.insertOne(only, writing(scope)) : audits.insertMany(documents, writing(scope)),
  )
}

/** Newest first. */
export async function findAudits(scope: Scope, query: AuditQuery): Promise<readonly AuditRecord[]> {
  if (query.limit <= 0) return []
  if (query.acknowledged !== undefined) return findInWorklist(scope, query)
  const filter = { $and: [toFilter(scope, query), behind(query.after)] }
  const options = { ...reading(scope), sort: { recorded: -1, _id: -1 } as const, limit: query.limit }
  const documents = await run(scope, auditsOf(scope).find(filter, options).toArray())
  return documents.map((one) => toRecord(scope, one))
}

export async function countAudits(scope: Scope, query: Omit<AuditQuery, 'limit' | 'after'>): Promise<number> {
  if (query.acknowledged === undefined)
    return run(scope, auditsOf(scope).countDocuments(toFilter(scope, query), reading(scope)))
  if (isPlainWorklist(query)) {
    const [match] = worklist(scope, query)
    return run(scope, accessesOf(scope).countDocuments(match?.['$match'] ?? {}, reading(scope)))
  }
  const counted = [...worklist(scope, query), { $count: 'count' }]
  const [found] = await run(scope, accessesOf(scope).aggregate<{ count: number }>(counted, reading(scope)).toArray())
  return found?.count ?? 0
}

/** Alerts of the server's own and summaries of refusals, newest first: each kind by its narrow index, as one query over both would read the whole log. */
export async function findAlerts(scope: Scope, query: AlertQuery): Promise<readonly AuditRecord[]> {
  const { limit, after, ...bounds } = query
  const ofKind = (kind: Filter<AuditDocument>, hint: string): Promise<AuditDocument[]> => {
    const filter = { $and: [kind, toFilter(scope, bounds), behind(after)] }
    const options = { ...reading(scope), sort: { recorded: -1, _id: -1 } as const, limit, hint }
    return run(scope, auditsOf(scope).find(filter, options).toArray())
  }
  const alerts = await ofKind({ 'caller.kind': 'server', interaction: 'operation' }, 'alerts')
  const found = [...alerts, ...(await ofKind({ count: { $exists: true } }, 'summaries'))]
  return found
    .sort(newestFirst)
    .slice(0, limit)
    .map((one) => toRecord(scope, one))
}

function newestFirst(a: AuditDocument, b: AuditDocument): number {
  if (a.recorded !== b.recorded) return a.recorded < b.recorded ? 1 : -1
  return a._id < b._id ? 1 : -1
}

/** Whether the accesses alone tell which fit. */
function isPlainWorklist(query: Omit<AuditQuery, 'limit' | 'after'>): boolean {
  return Object.keys(query).every((name) => ['acknowledged', 'authority', 'from', 'before'].includes(name))
}

async function findInWorklist(scope: Scope, query: AuditQuery): Promise<readonly AuditRecord[]> {
  const stages = [...worklist(scope, query), { $limit: query.limit }]
  const documents = await run(scope, accessesOf(scope).aggregate<AuditDocument>(stages, reading(scope)).toArray())
  return documents.map((one) => toRecord(scope, one))
}

/** Accesses in the order of the index, newest first, each as its audit record (which has its id and instant), if the rest of the query fits that. */
function worklist(scope: Scope, query: Omit<AuditQuery, 'limit'>): Document[] {
  const { acknowledged, authority, from, before } = query
  if (authority === undefined) throw new Error('A worklist is one of an authority.')
  const bounds: Document[] = [
    { [acknowledged === true ? 'acknowledged' : 'unacknowledged']: String(authority) },
    ...(from === undefined ? [] : [{ at: { $gte: String(from) } }]),
    ...(before === undefined ? [] : [{ at: { $lt: String(before) } }]),
    ...(query.after === undefined ? [] : [olderThan('at', query.after)]),
  ]
  return [
    { $match: { $and: bounds } },
    { $sort: { at: -1, _id: -1 } },
    {
      $lookup: {
        from: COLLECTIONS.auditEvents,
        localField: '_id',
        foreignField: '_id',
        pipeline: [{ $match: toFilter(scope, query) }],
        as: 'audit',
      },
    },
    { $unwind: '$audit' },
    { $replaceRoot: { newRoot: '$audit' } },
  ]
}

/** A record as it is stored. Pure, but for the nonce of the sealed number. */
export function toAuditDocument(scope: Pick<Scope, 'crypto' | 'contentOf'>, record: AuditRecord): AuditDocument {
  const { id, nhsNumber, authorities, ...facts } = record
  const said = {
    _id: id,
    ...facts,
    ...(nhsNumber === undefined ? {} : { subjectKey: scope.crypto.subjectKey(nhsNumber) }),
    ...(authorities.length === 0 ? {} : { authorities }),
  }
  return {
    ...said,
    ...(nhsNumber === undefined ? {} : { number: sealJson(nhsNumber, placeOf(id), scope.crypto) }),
    ...(scope.contentOf === undefined ? {} : { content: scope.contentOf(said) }),
  }
}

function toRecord(scope: Scope, document: AuditDocument): AuditRecord {
  const { _id, subjectKey: _key, content: _hash, number, authorities, ...facts } = document
  return {
    id: _id,
    ...facts,
    ...(number === undefined ? {} : { nhsNumber: openJson(number, placeOf(_id), scope.crypto) }),
    authorities: authorities ?? [],
  }
}

/** An audit record has one version only. */
const placeOf = (id: string): string => `${COLLECTIONS.auditEvents}/${id}/1`

function toFilter(scope: Scope, query: Omit<AuditQuery, 'limit' | 'after'>): Filter<AuditDocument> {
  const parts: Filter<AuditDocument>[] = []
  if (query.from !== undefined) parts.push({ recorded: { $gte: String(query.from) } })
  if (query.before !== undefined) parts.push({ recorded: { $lt: String(query.before) } })
  if (query.nhsNumber !== undefined) parts.push({ subjectKey: scope.crypto.subjectKey(query.nhsNumber) })
  if (query.authority !== undefined) parts.push({ authorities: query.authority })
  if (query.ids !== undefined) parts.push({ _id: oneOf(query.ids) })
  if (query.outcomes !== undefined) parts.push({ outcome: oneOf(query.outcomes) } as Filter<AuditDocument>)
  if (query.incidents !== undefined) parts.push({ 'incident.id': oneOf(query.incidents) } as Filter<AuditDocument>)
  if (query.agents !== undefined) parts.push(anyField(AGENT_FIELDS, query.agents))
  if (query.subtypes !== undefined) parts.push(anyField(SUBTYPE_FIELDS, query.subtypes))
  if (query.entities !== undefined) {
    parts.push({ $or: [...query.entities.map((one) => toEntity(one, query.authority)), NOTHING] })
  }
  return parts.length === 0 ? {} : { $and: parts }
}

/** Everything that an AuditEvent names an agent by. */
const AGENT_FIELDS = [
  'caller.user.id',
  'caller.user.roleProfileId',
  'caller.clientId',
  'caller.organization',
  'caller.authority',
] as const
const SUBTYPE_FIELDS = ['interaction', 'operation'] as const
const NOTHING: Filter<AuditDocument> = { _id: { $in: [] } }

const oneOf = (values: readonly string[]): { readonly $in: string[] } => ({ $in: values.map(String) })

function anyField(fields: readonly string[], values: readonly string[]): Filter<AuditDocument> {
  return { $or: fields.map((field) => ({ [field]: oneOf(values) })) } as Filter<AuditDocument>
}

/** `Type/id`, or an id of any type. An authority finds a record by what it is shown of it: its own resources, and all of what it did itself; else it could ask whether another's plan is of the same child. */
function toEntity(text: string, authority: AuditQuery['authority']): Filter<AuditDocument> {
  const [first, second] = String(text).split('/')
  const match = second === undefined ? { id: first } : { type: first, id: second }
  const named = { entities: { $elemMatch: match } } as Filter<AuditDocument>
  if (authority === undefined) return named
  const ownOne = { entities: { $elemMatch: { ...match, owner: authority } } } as Filter<AuditDocument>
  const done = { 'caller.authority': authority } as Filter<AuditDocument>
  return { $or: [ownOne, { $and: [done, named] }] }
}

function behind(after: AuditQuery['after']): Filter<AuditDocument> {
  return after === undefined ? {} : (olderThan('recorded', after) as Filter<AuditDocument>)
}

function olderThan(field: 'recorded' | 'at', after: NonNullable<AuditQuery['after']>): Document {
  const [instant, id] = [String(after[0]), String(after[1])]
  return { $or: [{ [field]: { $lt: instant } }, { [field]: instant, _id: { $lt: id } }] }
}
