/** What a set of changes will look for, read before they are carried out: one read for each collection, for round trips are what a small transaction costs. */
import type { AuthorityCode, NhsNumber } from '../../domain/brands.ts'
import type { NumberNotices } from '../../domain/number-notice.ts'
import type { Criterion, OwnedType, Row, Unit } from '../../store/store.ts'
import type { Foreseen, FullToken } from './foresee-reads.ts'
import type { RowCache } from './row-cache.ts'

/** Most rows that are read ahead for one key: more than one LA holds for one child. */
const MOST_ROWS_A_KEY = 20

/** Far more plans than wait for one Patient. */
const MOST_WAITING = 500

export interface Ahead {
  readonly unit: Unit
  readonly owner: AuthorityCode
  readonly cache: RowCache
  /** What the NHS has said of these numbers. */
  notices: { readonly of: ReadonlySet<NhsNumber>; readonly all: NumberNotices } | undefined
}

export type Keys =
  | { readonly field: 'identifier'; readonly tokens: readonly FullToken[] }
  | { readonly field: 'nhsNumber' | 'patientId'; readonly anyOf: readonly string[] }

/** Children and plans first, then what those lead to. Before anything is written: what is read here must not stand in for what a change made of it. */
export async function readAhead(ahead: Ahead, foreseen: Foreseen): Promise<void> {
  const { cache } = ahead
  const patients = await fetchKeys(ahead, 'Patient', [
    { field: 'identifier', tokens: foreseen.patientTokens },
    { field: 'nhsNumber', anyOf: foreseen.numbers },
  ])
  // a plan that was read already needs no look at its child's other plans unless it changes: only those of new numbers are read
  const plans = foreseen.planTokens.flatMap((one) => known(ahead, 'EpisodeOfCare', byToken(one)) ?? [])
  const numbers = new Set(plans.flatMap(({ index }) => index.nhsNumber ?? []))
  const others = foreseen.planNumbers.filter((one) => !numbers.has(one))
  const keys: readonly Keys[] = [
    { field: 'identifier', tokens: foreseen.planTokens },
    { field: 'nhsNumber', anyOf: others },
  ]
  await fetchKeys(ahead, 'EpisodeOfCare', keys, foreseen.namingTokens)
  if (others.length > 0) ahead.notices = { of: new Set(others), all: await ahead.unit.numberNotices(others) }
  if (!foreseen.patientsLookedUp) return
  await fetchKeys(ahead, 'EpisodeOfCare', [{ field: 'patientId', anyOf: [...new Set(patients.map(({ id }) => id))] }])
  for (const id of foreseen.freshPatientIds) cache.knowAll('EpisodeOfCare', byValue('patientId', id))
}

/** All live rows under many keys, and the plans that wait for Patients with these identifiers: those that are not known yet are read at once and remembered, with the keys. */
export async function fetchKeys<T extends OwnedType>(
  ahead: Ahead,
  type: T,
  asked: readonly Keys[],
  naming: readonly FullToken[] = [],
): Promise<readonly Row<T>[]> {
  const { unit, owner, cache } = ahead
  const unknown = asked.map((keys) => keepUnknown(ahead, type, keys))
  const parts = unknown.flatMap(criteriaOf)
  const waiting: readonly Criterion[] = naming.length === 0 ? [] : [{ field: 'patientToken', tokens: naming }]
  const together = [...unknown.filter((keys) => criteriaOf(keys).length > 0), ...waiting]
  const limit = parts.length * MOST_ROWS_A_KEY + (naming.length === 0 ? 0 : MOST_WAITING)
  if (together.length > 0) {
    const rows = await unit.of(owner, type).searchAny(together, limit)
    // a full page may hide rows: then each key is asked for by itself, when it is needed
    if (rows.length === limit) return []
    for (const one of parts) cache.knowAll(type, one)
    for (const token of naming) cache.knowNaming(token)
    for (const row of rows) cache.put(row)
  }
  return asked.flatMap(criteriaOf).flatMap((one) => known(ahead, type, one) ?? [])
}

function known<T extends OwnedType>({ cache }: Ahead, type: T, criterion: Criterion): readonly Row<T>[] | undefined {
  return cache.search(type, { criteria: [criterion], limit: MOST_ROWS_A_KEY })
}

function keepUnknown(ahead: Ahead, type: OwnedType, keys: Keys): Keys {
  const isUnknown = (one: Criterion): boolean => known(ahead, type, one) === undefined
  if (keys.field === 'identifier') return { ...keys, tokens: keys.tokens.filter((one) => isUnknown(byToken(one))) }
  return { ...keys, anyOf: keys.anyOf.filter((one) => isUnknown(byValue(keys.field, one))) }
}

const byToken = (token: FullToken): Criterion => ({ field: 'identifier', tokens: [token] })
const byValue = (field: 'nhsNumber' | 'patientId', value: string): Criterion => ({ field, anyOf: [value] })

/** One criterion for each key. */
function criteriaOf(keys: Keys): readonly Criterion[] {
  return keys.field === 'identifier' ? keys.tokens.map(byToken) : keys.anyOf.map((one) => byValue(keys.field, one))
}
