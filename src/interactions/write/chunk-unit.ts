/** A Unit for many changes of one LA in one transaction: what they will ask for is read ahead together, locks and versions are held back and sent together (R15, R16; storage.md "Transactions"). */
import type { AuthorityCode, NhsNumber, ResourceId } from '../../domain/brands.ts'
import type { RegisterEvent } from '../../domain/events.ts'
import type { NumberNotices } from '../../domain/number-notice.ts'
import type { Criterion, LockKey, OwnedType, Query, Row, Rows, Unit } from '../../store/store.ts'
import type { Change } from './change.ts'
import { type Foreseen, type FullToken, foreseeReads } from './foresee-reads.ts'
import { buildRowCache, type KeyField, type RowCache } from './row-cache.ts'

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

/** Most rows that are read ahead for one key: more than one LA holds for one child. */
const MOST_ROWS_A_KEY = 20

/** A store gives no more plans than this that wait for Patients; so many are asked for one by one. */
const MOST_WAITING = 500

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
      await fetchKeys(ahead, 'EpisodeOfCare', { field: 'identifier', tokens })
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

interface Ahead {
  readonly unit: Unit
  readonly owner: AuthorityCode
  readonly cache: RowCache
  /** What the NHS has said of these numbers. */
  notices: { readonly of: ReadonlySet<NhsNumber>; readonly all: NumberNotices } | undefined
}

/** Children and plans first, then what those lead to. */
async function readAhead(ahead: Ahead, foreseen: Foreseen): Promise<void> {
  const { cache } = ahead
  const patients = [
    ...(await fetchKeys(ahead, 'Patient', { field: 'identifier', tokens: foreseen.patientTokens })),
    ...(await fetchKeys(ahead, 'Patient', { field: 'nhsNumber', anyOf: foreseen.numbers })),
  ]
  const plans = await fetchKeys(ahead, 'EpisodeOfCare', { field: 'identifier', tokens: foreseen.planTokens })
  // a plan that stands as it was needs no look at its child's other plans: only those of new numbers are read
  const known = new Set(plans.flatMap(({ index }) => index.nhsNumber ?? []))
  const others = foreseen.planNumbers.filter((one) => !known.has(one))
  await fetchKeys(ahead, 'EpisodeOfCare', { field: 'nhsNumber', anyOf: others })
  if (others.length > 0) ahead.notices = { of: new Set(others), all: await ahead.unit.numberNotices(others) }
  await fetchNaming(ahead, foreseen.namingTokens)
  if (!foreseen.patientsLookedUp) return
  const ids = [...new Set(patients.map((one) => one.id))]
  await fetchKeys(ahead, 'EpisodeOfCare', { field: 'patientId', anyOf: ids })
  for (const id of foreseen.freshPatientIds) cache.knowAll('EpisodeOfCare', { field: 'patientId', anyOf: [id] })
}

/** Plans that wait for the Patients that come. */
async function fetchNaming({ unit, owner, cache }: Ahead, tokens: readonly FullToken[]): Promise<void> {
  if (tokens.length === 0) return
  const rows = await unit.plansNaming(owner, tokens)
  if (rows.length >= MOST_WAITING) return
  for (const token of tokens) cache.knowNaming(token)
  for (const row of rows) cache.put(row)
}

type KeyCriterion =
  | { readonly field: 'identifier'; readonly tokens: readonly FullToken[] }
  | { readonly field: 'nhsNumber' | 'patientId'; readonly anyOf: readonly string[] }

/** All live rows under many keys: those that are not known yet are read at once and remembered, with the keys. */
async function fetchKeys<T extends OwnedType>(
  { unit, owner, cache }: Ahead,
  type: T,
  asked: KeyCriterion,
): Promise<readonly Row<T>[]> {
  const parts: readonly Criterion[] =
    asked.field === 'identifier'
      ? asked.tokens.map((one) => ({ field: 'identifier', tokens: [one] }))
      : asked.anyOf.map((one) => ({ field: asked.field, anyOf: [one] }))
  const unknown = parts.filter((part) => cache.search(type, { criteria: [part], limit: 1 }) === undefined)
  const limit = unknown.length * MOST_ROWS_A_KEY
  if (unknown.length > 0) {
    const rows = await unit.of(owner, type).search({ criteria: [together(asked.field, unknown)], limit })
    // a full page may hide rows: then each key is asked for by itself, when it is needed
    if (rows.length === limit) return []
    for (const part of unknown) cache.knowAll(type, part)
    for (const row of rows) cache.put(row)
  }
  return parts.flatMap((part) => cache.search(type, { criteria: [part], limit: MOST_ROWS_A_KEY }) ?? [])
}

/** One criterion for many of one field. */
function together(field: KeyField, parts: readonly Criterion[]): Criterion {
  if (field === 'identifier') return { field, tokens: parts.flatMap((part) => ('tokens' in part ? part.tokens : [])) }
  return { field, anyOf: parts.flatMap((part) => ('anyOf' in part ? part.anyOf : [])) }
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
    findVersion: (id, version) => after(() => rows.findVersion(id, version)),
    count: (criteria) => after(() => rows.count(criteria)),
    history: (options) => after(() => rows.history(options)),
  }
}
