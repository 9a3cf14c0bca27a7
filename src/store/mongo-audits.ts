/** The audit: insert-only compact records, the number sealed, found by time, by child and by authority (security.md "Audit"; storage.md "Collections"). */
import type { Filter } from 'mongodb'
import type { AuditRecord } from '../domain/audit-record.ts'
import { COLLECTIONS, type SealedField } from './collections.ts'
import { openJson, sealJson } from './row-document.ts'
import { auditsOf, reading, run, type Scope, writing } from './scope.ts'
import type { AuditQuery } from './store.ts'

export interface AuditDocument extends Omit<AuditRecord, 'id' | 'nhsNumber' | 'authorities'> {
  readonly _id: string
  readonly subjectKey?: string
  readonly number?: SealedField
  /** Absent when no authority may read it. */
  readonly authorities?: AuditRecord['authorities']
}

/** Adds one; a used id is a StoreError 'duplicate' on 'audit'. */
export async function insertAudit(scope: Scope, record: AuditRecord): Promise<void> {
  await run(scope, auditsOf(scope).insertOne(toDocument(scope, record), writing(scope)))
}

/** Adds several in one go; none when one id was used. */
export async function insertAudits(scope: Scope, records: readonly AuditRecord[]): Promise<void> {
  const [only, second] = records
  if (only === undefined) return
  if (second === undefined) return insertAudit(scope, only)
  const documents = records.map((record) => toDocument(scope, record))
  await run(scope, auditsOf(scope).insertMany(documents, writing(scope)))
}

/** Newest first. */
export async function findAudits(scope: Scope, query: AuditQuery): Promise<readonly AuditRecord[]> {
  if (query.limit <= 0) return []
  const filter = { $and: [toFilter(scope, query), behind(query.after)] }
  const options = { ...reading(scope), sort: { recorded: -1, _id: -1 } as const, limit: query.limit }
  const documents = await run(scope, auditsOf(scope).find(filter, options).toArray())
  return documents.map((one) => toRecord(scope, one))
}

export async function countAudits(scope: Scope, query: Omit<AuditQuery, 'limit' | 'after'>): Promise<number> {
  return run(scope, auditsOf(scope).countDocuments(toFilter(scope, query), reading(scope)))
}

function toDocument(scope: Scope, record: AuditRecord): AuditDocument {
  const { id, nhsNumber, authorities, ...facts } = record
  return {
    _id: id,
    ...facts,
    ...(nhsNumber === undefined
      ? {}
      : {
          subjectKey: scope.crypto.subjectKey(nhsNumber),
          number: sealJson(nhsNumber, placeOf(id), scope.crypto),
        }),
    ...(authorities.length === 0 ? {} : { authorities }),
  }
}

function toRecord(scope: Scope, document: AuditDocument): AuditRecord {
  const { _id, subjectKey: _key, number, authorities, ...facts } = document
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
  if (after === undefined) return {}
  const [recorded, id] = [String(after[0]), String(after[1])]
  return { $or: [{ recorded: { $lt: recorded } }, { recorded, _id: { $lt: id } }] }
}
