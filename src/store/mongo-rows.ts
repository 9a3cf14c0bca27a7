/** Owned rows: the one place that adds the owner to every query (security.md "Table of access"). */
import type { AuthorityCode } from '../domain/brands.ts'
import { type RowFilter, toFilter, toPlace, toSort } from './mongo-query.ts'
import { toRow } from './row-document.ts'
import { historyOf, reading, rowsOf, run, type Scope } from './scope.ts'
import type { OwnedType, Rows } from './store.ts'

/** Rows of one type that this authority owns. */
export function ownRows<T extends OwnedType>(scope: Scope, type: T, owner: AuthorityCode): Rows<T> {
  if (typeof owner !== 'string' || owner === '') throw new TypeError('Rows need an owner.')
  return buildRows(scope, type, { owner })
}

/** The directory: the only rows that all callers may read. */
export function publicOrganizations(scope: Scope): Rows<'Organization'> {
  return buildRows(scope, 'Organization', {})
}

/** Subscriptions of all authorities, for who keeps the service running; they hold nothing of a child. */
export function allSubscriptions(scope: Scope): Rows<'Subscription'> {
  return buildRows(scope, 'Subscription', {})
}

function buildRows<T extends OwnedType>(scope: Scope, type: T, own: { readonly owner?: AuthorityCode }): Rows<T> {
  const { crypto } = scope
  const rows = rowsOf(scope, type)
  const history = historyOf(scope, type)
  const options = reading(scope)
  const inside = (...filters: RowFilter[]): RowFilter => ({ $and: [own, ...filters] })

  return {
    async find(id) {
      const document = await run(scope, rows.findOne(inside({ _id: String(id) }), options))
      return document === null ? undefined : toRow(type, document, crypto)
    },
    async findVersion(id, version) {
      const filter = { ...own, id: String(id), version: Number(version) }
      const document = await run(scope, history.findOne(filter, options))
      return document === null ? undefined : toRow(type, document, crypto)
    },
    async search(query) {
      if (query.limit <= 0) return []
      const filter = inside({ deleted: false }, toFilter(query.criteria, crypto), toPlace(query))
      const found = rows.find(filter, { ...options, sort: toSort(query), limit: query.limit })
      const documents = await run(scope, found.toArray())
      return documents.map((one) => toRow(type, one, crypto))
    },
    async searchAny(criteria, limit) {
      if (limit <= 0 || criteria.length === 0) return []
      // the whole filter in each part: then each is planned by itself
      const $or = criteria.map((one) => inside({ deleted: false }, toFilter([one], crypto)))
      const documents = await run(scope, rows.find({ $or }, { ...options, limit }).toArray())
      return documents.map((one) => toRow(type, one, crypto))
    },
    async count(criteria) {
      const filter = inside({ deleted: false }, toFilter(criteria, crypto))
      return run(scope, rows.countDocuments(filter, options))
    },
    async history({ id, since, limit, after }) {
      if (limit <= 0) return []
      const filter = {
        ...own,
        ...(id === undefined ? {} : { id: String(id) }),
        $and: [since === undefined ? {} : { lastUpdated: { $gte: String(since) } }, behind(after, id !== undefined)],
      }
      const sort = id === undefined ? ({ lastUpdated: -1, id: -1, version: -1 } as const) : ({ version: -1 } as const)
      const documents = await run(scope, history.find(filter, { ...options, sort, limit }).toArray())
      return documents.map((one) => toRow(type, one, crypto))
    },
  }
}

/** What is older than the place [lastUpdated, id, version] in the order newest first; versions of one id are in the order of their numbers. */
function behind(after: readonly [string, string, number] | undefined, isOneId: boolean): object {
  if (after === undefined) return {}
  const [lastUpdated, id, version] = [String(after[0]), String(after[1]), Number(after[2])]
  if (isOneId) return { version: { $lt: version } }
  return {
    $or: [
      { lastUpdated: { $lt: lastUpdated } },
      { lastUpdated, id: { $lt: id } },
      { lastUpdated, id, version: { $lt: version } },
    ],
  }
}
