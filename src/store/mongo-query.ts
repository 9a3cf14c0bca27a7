/** Criteria → filters: the only translation to MongoDB's query language (architecture.md "Laws"). No value from outside becomes an operator or a key. */
import type { Document, Filter, Sort } from 'mongodb'
import type { NhsNumber } from '../domain/brands.ts'
import type { RowDocument } from './collections.ts'
import type { StoreCrypto } from './crypto.ts'
import { foldName } from './fold-name.ts'
import type { Criterion, IndexField, Query, Token } from './store.ts'

export type RowFilter = Filter<RowDocument>

/** Field of the contract → field of the document. What is not listed cannot be asked for. */
const FIELDS: ReadonlyMap<string, string> = new Map<IndexField | 'patientToken', keyof RowDocument>([
  ['id', '_id'],
  ['lastUpdated', 'lastUpdated'],
  ['nhsNumber', 'subjectKey'],
  ['identifier', 'identifiers'],
  ['status', 'status'],
  ['planType', 'planType'],
  ['start', 'start'],
  ['end', 'end'],
  ['patientId', 'patientId'],
  ['patientToken', 'patientToken'],
  ['planId', 'planId'],
  ['flagId', 'flagId'],
  ['birthDate', 'birthDate'],
  ['expectedDelivery', 'expectedDelivery'],
  ['topic', 'topic'],
  ['url', 'url'],
  ['name', 'name'],
  ['orgType', 'orgType'],
  ['partOf', 'partOf'],
])

/** All criteria together; none is everything. Throws TypeError on a field or value that the contract does not allow. Pure. */
export function toFilter(criteria: readonly Criterion[], crypto: StoreCrypto): RowFilter {
  const parts = criteria.map((one) => toPart(one, crypto))
  return parts.length === 0 ? {} : { $and: parts }
}

/** Order of a query; without one, by id. The id decides between equals. */
export function toSort(query: Query): Sort {
  const { field, direction } = orderOf(query)
  return field === '_id' ? { _id: direction } : { [field]: direction, _id: direction }
}

/** What lies behind the place that a page ended at; a missing sort value is '' there. Pure. */
export function toPlace(query: Query): RowFilter {
  if (query.after === undefined) return {}
  const { field, direction } = orderOf(query)
  const [value, id] = query.after.map(asText)
  const further = direction === 1 ? '$gt' : '$lt'
  if (field === '_id') return { _id: { [further]: id } }
  const absent = { [field]: { $exists: false } }
  const present = { [field]: { $exists: true } }
  // MongoDB sorts a missing field before every text.
  if (value === '') {
    const behind = { ...absent, _id: { [further]: id } }
    return direction === 1 ? { $or: [behind, present] } : behind
  }
  const behind = [{ [field]: { [further]: value } }, { [field]: value, _id: { [further]: id } }]
  return { $or: direction === 1 ? behind : [...behind, absent] }
}

function orderOf(query: Query): { readonly field: string; readonly direction: 1 | -1 } {
  return { field: fieldOf(query.sort?.field ?? 'id'), direction: query.sort?.descending === true ? -1 : 1 }
}

function toPart(criterion: Criterion, crypto: StoreCrypto): Document {
  if ('or' in criterion) {
    // No alternative at all is satisfied by nothing.
    if (criterion.or.length === 0) return { _id: { $in: [] } }
    return { $or: criterion.or.map((one) => toFilter(one, crypto)) }
  }
  const field = fieldOf(criterion.field)
  if ('missing' in criterion) return toMissing(field, criterion.missing === true)
  if ('tokens' in criterion) {
    const tokens = criterion.field === 'patientToken' ? criterion.tokens.flatMap(orByValue) : criterion.tokens
    const keys = tokens.map(({ system, value }) =>
      crypto.searchKey({
        ...(system === undefined ? {} : { system: asText(system) }),
        ...(value === undefined ? {} : { value: asText(value) }),
      }),
    )
    return { [field]: { [criterion.not === true ? '$nin' : '$in']: keys } }
  }
  if ('startsWith' in criterion) return toPrefixes(criterion.startsWith)
  if ('anyOf' in criterion) {
    const values = criterion.anyOf.map(asText)
    const stored = field === 'subjectKey' ? values.map((number) => crypto.subjectKey(number as NhsNumber)) : values
    return { [field]: { [criterion.not === true ? '$nin' : '$in']: stored } }
  }
  return toRange(field, criterion)
}

/** A plan may name its child with the identifier's system or by the value alone (R8). */
function orByValue(token: Token): readonly Token[] {
  return token.value === undefined ? [token] : [token, { value: token.value }]
}

function toMissing(field: string, isMissing: boolean): Document {
  if (field === 'subjectKey') return { parked: isMissing ? true : { $ne: true } }
  if (field === 'identifiers') return { identifiers: isMissing ? { $size: 0 } : { $ne: [] } }
  return { [field]: { $exists: !isMissing } }
}

function toPrefixes(prefixes: readonly string[]): Document {
  if (prefixes.length === 0) return { _id: { $in: [] } }
  const ranges = prefixes.map((one) => foldName(asText(one)))
  // A range, not a pattern: U+10FFFF sorts behind everything that can follow the prefix.
  return { $or: ranges.map((prefix) => ({ nameKey: { $gte: prefix, $lt: `${prefix}\u{10FFFF}` } })) }
}

function toRange(
  field: string,
  range: { readonly from?: string; readonly before?: string; readonly openEnd?: boolean },
): Document {
  const bounds = {
    ...(range.from === undefined ? {} : { $gte: asText(range.from) }),
    ...(range.before === undefined ? {} : { $lt: asText(range.before) }),
  }
  if (Object.keys(bounds).length === 0) throw new TypeError('A range needs a bound.')
  const inside = { [field]: bounds }
  return range.openEnd === true ? { $or: [inside, { [field]: { $exists: false } }] } : inside
}

function fieldOf(name: string): string {
  const field = FIELDS.get(name)
  if (field === undefined) throw new TypeError('This field cannot be asked for.')
  return field
}

/** The types say text; what came from JSON is made sure of here, where it would become an operator. */
function asText(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('A value of a criterion must be text.')
  return value
}
