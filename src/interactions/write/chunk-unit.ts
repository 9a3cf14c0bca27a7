/** A Unit for many changes of one LA in one transaction: what they will ask for is read ahead together, locks and versions are held back and sent together (R15, R16; storage.md "Transactions"). */
import type { AuthorityCode, ResourceId } from '../../domain/brands.ts'
import type { RegisterEvent } from '../../domain/events.ts'
import type { LockKey, OwnedType, Query, Row, Rows, Unit } from '../../store/store.ts'
import type { Change } from './change.ts'
import { type FullToken, foreseeReads } from './foresee-reads.ts'
import { type Ahead, fetchKeys, readAhead } from './read-ahead.ts'
import { buildRowCache, type RowCache } from './row-cache.ts'

export interface ChunkUnit {
  /** Behaves as the transaction's own unit; sees what was put through it. */
  readonly unit: Unit
  /** Reads the plans with these identifiers. */
  readPlans(tokens: readonly FullToken[]): Promise<void>
  /** The plans with this identifier as they now stand; undefined when they were not read. */
  plansNamed(token: FullToken): readonly Row<'EpisodeOfCare'>[] | undefined
  /** Reads what these changes will look for, in few calls. */
  readAhead(changes: readonly Change[]): Promise<void>
  /** Begins one change: its locks are counted only when it writes. */
  begin(): void
  /** Sends the locks and versions that are held back. To be called before the transaction ends. */
  flush(): Promise<void>
}

interface Held {
  readonly rows: Row<OwnedType>[]
  readonly events: RegisterEvent[]
  readonly locks: LockKey[]
  /** Of the change at hand, which may yet turn out to write nothing. */
  locksOfChange: LockKey[]
}

/**
 * Holds back what these changes write and remembers what is read. Locks are taken with the writes, at the end: all reads are
 * of one snapshot, and a guard that another transaction wrote since then makes this one run again, however late it is written.
 */
export function openChunkUnit(unit: Unit, owner: AuthorityCode): ChunkUnit {
  const cache = buildRowCache()
  const held: Held = { rows: [], events: [], locks: [], locksOfChange: [] }
  const ahead: Ahead = { unit, owner, cache, notices: undefined }
  const flush = async (): Promise<void> => {
    await unit.lock(held.locks.splice(0))
    await unit.putAll(held.rows.splice(0))
    await unit.appendEvents(held.events.splice(0))
  }
  const write = (): void => {
    held.locks.push(...held.locksOfChange.splice(0))
  }
  return {
    readPlans: async (tokens) => {
      await fetchKeys(ahead, 'EpisodeOfCare', [{ field: 'identifier', tokens }])
    },
    plansNamed: ({ system, value }) =>
      cache.search('EpisodeOfCare', { criteria: [{ field: 'identifier', tokens: [{ system, value }] }], limit: 2 }),
    readAhead: (changes) => readAhead(ahead, foreseeReads(changes)),
    begin: () => {
      held.locksOfChange = []
    },
    flush,
    unit: {
      ...unit,
      of: (of, type) => (of === owner ? cachedRows(unit.of(of, type), { type, cache, flush }) : unit.of(of, type)),
      numberNotices: async (numbers) => {
        const isKnown = numbers.every((one) => ahead.notices?.of.has(one))
        return isKnown && ahead.notices !== undefined ? ahead.notices.all : unit.numberNotices(numbers)
      },
      plansNaming: async (of, tokens) => {
        const known = of === owner ? cache.naming(tokens) : undefined
        if (known !== undefined) return known
        await flush()
        return unit.plansNaming(of, tokens)
      },
      lock: async (keys) => {
        held.locksOfChange.push(...keys)
      },
      put: async (row) => {
        write()
        held.rows.push(row)
        cache.put(row)
      },
      putAll: async (rows) => {
        write()
        held.rows.push(...rows)
        for (const row of rows) cache.put(row)
      },
      reindex: async (type, id, index) => {
        write()
        await flush()
        await unit.reindex(type, id, index)
        cache.forget(type)
      },
      appendEvents: async (events) => {
        if (events.length === 0) return
        write()
        held.events.push(...events)
      },
    },
  }
}

function cachedRows<T extends OwnedType>(
  rows: Rows<T>,
  { type, cache, flush }: { type: T; cache: RowCache; flush: () => Promise<void> },
): Rows<T> {
  const after = async <R>(read: () => Promise<R>): Promise<R> => {
    await flush()
    return read()
  }
  return {
    // what is held back is in the cache by its id
    find: async (id: ResourceId) => cache.byId(type, id) ?? (await rows.find(id)),
    search: async (query: Query) => cache.search(type, query) ?? (await after(() => rows.search(query))),
    searchAny: (criteria, limit) => after(() => rows.searchAny(criteria, limit)),
    findVersion: (id, version) => after(() => rows.findVersion(id, version)),
    count: (criteria) => after(() => rows.count(criteria)),
    history: (options) => after(() => rows.history(options)),
  }
}
