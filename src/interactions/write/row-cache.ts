/** Rows of one transaction that are known already: by id, and by keys of which all live rows are known. */
import type { Criterion, OwnedType, Query, Row, Token } from '../../store/store.ts'

export interface RowCache {
  /** From now on all live rows that this criterion, of one key, finds are those that are put here. */
  knowAll(type: OwnedType, criterion: Criterion): void
  /** A row as it now stands; its older self is gone. */
  put(row: Row<OwnedType>): void
  /** The same for the plans that name their child by this identifier and have no Patient. */
  knowNaming(token: Token): void
  /** Plans that name their child by one of these identifiers and have no Patient; undefined when that is not known here. */
  naming(tokens: readonly Token[]): readonly Row<'EpisodeOfCare'>[] | undefined
  byId<T extends OwnedType>(type: T, id: string): Row<T> | undefined
  /** What the store would answer; undefined when that is not known here. */
  search<T extends OwnedType>(type: T, query: Query): readonly Row<T>[] | undefined
  /** Nothing is known of this type any more. */
  forget(type: OwnedType): void
}

interface Shelf {
  readonly rows: Map<string, Row<OwnedType>>
  /** Key → ids of its live rows. */
  readonly keys: Map<string, Set<string>>
}

/** An empty cache. Pure. */
export function buildRowCache(): RowCache {
  const shelves = new Map<OwnedType, Shelf>()
  const shelfOf = (type: OwnedType): Shelf => {
    const shelf = shelves.get(type) ?? { rows: new Map(), keys: new Map() }
    shelves.set(type, shelf)
    return shelf
  }
  return {
    knowAll: (type, criterion) => {
      const { keys } = shelfOf(type)
      const key = keyOf(criterion)
      if (key !== undefined && !keys.has(key)) keys.set(key, new Set())
    },
    knowNaming: (token) => {
      const { keys } = shelfOf('EpisodeOfCare')
      for (const key of namingKeys(token)) if (!keys.has(key)) keys.set(key, new Set())
    },
    naming: (tokens) => {
      const { rows, keys } = shelfOf('EpisodeOfCare')
      const known = tokens.flatMap(namingKeys).map((key) => keys.get(key))
      if (known.some((ids) => ids === undefined)) return undefined
      const ids = new Set(known.flatMap((one) => [...(one ?? [])]))
      return [...ids].sort().flatMap((id) => (rows.get(id) as Row<'EpisodeOfCare'> | undefined) ?? [])
    },
    put: (row) => putRow(shelfOf(row.type), row),
    byId: <T extends OwnedType>(type: T, id: string) => shelfOf(type).rows.get(id) as Row<T> | undefined,
    search: <T extends OwnedType>(type: T, query: Query) =>
      searchShelf(shelfOf(type), query) as readonly Row<T>[] | undefined,
    forget: (type) => {
      shelves.delete(type)
    },
  }
}

function putRow({ rows, keys }: Shelf, row: Row<OwnedType>): void {
  const before = rows.get(row.id)
  if (before === undefined) {
    // its older self may stand under any key only when it was read there, and then it is known by its id
    rows.set(row.id, row)
  } else {
    for (const key of keysOf(before)) keys.get(key)?.delete(row.id)
    rows.set(row.id, row)
  }
  if (!row.deleted) for (const key of keysOf(row)) keys.get(key)?.add(row.id)
}

/** A plan may name its child by the value alone. */
const namingKeys = ({ system, value }: Token): readonly string[] => [
  `naming ${system ?? ''}|${value ?? ''}`,
  `naming |${value ?? ''}`,
]

const namingKey = (token: Token): string => `naming ${token.system ?? ''}|${token.value ?? ''}`

function keysOf({ index }: Row<OwnedType>): readonly string[] {
  return [
    ...index.identifiers.map((one) => `identifier ${one.system ?? ''}|${one.value ?? ''}`),
    ...(index.nhsNumber === undefined ? [] : [`nhsNumber ${index.nhsNumber}`]),
    ...(index.patientId === undefined ? [] : [`patientId ${index.patientId}`]),
    ...(index.patientToken === undefined || index.patientId !== undefined ? [] : [namingKey(index.patientToken)]),
  ]
}

/** Answers a search for one key, in the order of ids; with the further condition that a row refers to no Patient. */
function searchShelf({ rows, keys }: Shelf, query: Query): readonly Row<OwnedType>[] | undefined {
  const [first, second, third] = query.criteria
  if (first === undefined || third !== undefined || query.sort !== undefined || query.after !== undefined)
    return undefined
  const key = keyOf(first)
  const ids = key === undefined ? undefined : keys.get(key)
  if (ids === undefined || (second !== undefined && !isUnlinked(second))) return undefined
  const found = [...ids].sort().flatMap((id) => rows.get(id) ?? [])
  const kept = second === undefined ? found : found.filter((row) => row.index.patientId === undefined)
  return kept.slice(0, query.limit)
}

function keyOf(criterion: Criterion): string | undefined {
  if ('or' in criterion || ('not' in criterion && criterion.not === true)) return undefined
  if ('tokens' in criterion) {
    const [token, another] = criterion.tokens
    if (!token?.system || !token.value || another !== undefined) return undefined
    return `identifier ${token.system}|${token.value}`
  }
  if (!('anyOf' in criterion) || criterion.anyOf.length !== 1) return undefined
  const isKey = criterion.field === 'nhsNumber' || criterion.field === 'patientId'
  return isKey ? `${criterion.field} ${criterion.anyOf[0]}` : undefined
}

function isUnlinked(criterion: Criterion): boolean {
  return 'missing' in criterion && criterion.field === 'patientId' && criterion.missing
}
