/** Mutation check of the table of access: whatever is taken out of it or loosened in it, the expectation written by hand disagrees. */
import { describe, expect, test } from '@jest/globals'
import { ACCESS_TABLE, type AccessRow } from '../../src/auth/access-table.ts'
import type { Caller, CallerKind } from '../../src/auth/caller.ts'
import { buildDecideAccess, type DecideAccess } from '../../src/auth/policy.ts'
import { ADMIN_ROUTES } from '../../src/http/admin-routes.ts'
import { FHIR_ROUTES } from '../../src/http/routes.ts'
import { CALLERS, userCaller } from '../support/callers.ts'
import { EXPECTED, expectedAccess, neededScopes } from './expected-access.ts'

const KINDS = Object.keys(CALLERS) as CallerKind[]
const STRANGE_SCOPES = ['system/Observation.cruds', 'user/Observation.cruds']

/** Routes of operations that the table knows already and that are not served yet. */
const NOT_SERVED_YET: readonly string[] = []
const ROUTES = [...FHIR_ROUTES, ...ADMIN_ROUTES.map((row) => ({ ...row, path: `admin/${row.path}` }))]

interface Probe {
  readonly words: string
  readonly caller: Caller | undefined
  readonly request: Parameters<DecideAccess>[1]
  readonly expected: 'refused' | 'own' | 'any'
}

const PROBES: readonly Probe[] = ROUTES.flatMap((row) => {
  const route = `${row.method} ${row.path}`
  const request = {
    interaction: row.interaction,
    ...(row.type === undefined ? {} : { type: row.type }),
    ...(row.operation === undefined ? {} : { operation: row.operation }),
  }
  const allowed = (kind: CallerKind | 'nobody') => {
    const found = expectedAccess(kind, route)
    return found === undefined ? ('refused' as const) : found === 'own' ? ('own' as const) : ('any' as const)
  }
  const isPublic = expectedAccess('nobody', route) === 'public'
  const probe = (words: string, caller: Caller | undefined, expected: Probe['expected']): Probe => ({
    words: `${words}: ${route}`,
    caller,
    request,
    expected,
  })
  return [
    probe('nobody', undefined, allowed('nobody')),
    ...KINDS.flatMap((kind) => {
      const needed = neededScopes(kind, route)
      const without = probe(
        `${kind} without its scope`,
        { ...CALLERS[kind], scopes: needed === 'any' ? [] : STRANGE_SCOPES },
        isPublic ? 'any' : 'refused',
      )
      const only = (needed === undefined || needed === 'any' ? [] : needed).map((scope) =>
        probe(`${kind} with ${scope} only`, { ...CALLERS[kind], scopes: [scope] }, allowed(kind)),
      )
      return [probe(kind, CALLERS[kind], allowed(kind)), without, ...only]
    }),
    ...(['nhs-user', 'maternity-user'] as const).map((kind) =>
      probe(
        `${kind} of another role`,
        userCaller(kind, { roleCode: 'R8006' }),
        row.operation === 'cpis-check' ? 'refused' : allowed(kind),
      ),
    ),
  ]
})

function disagreements(table: readonly AccessRow[]): readonly string[] {
  const decide = buildDecideAccess(table)
  return PROBES.filter(({ caller, request, expected }) => {
    const access = decide(caller, request)
    return (access.allowed ? access.scope : 'refused') !== expected
  }).map((one) => one.words)
}

const nameOf = (row: AccessRow): string =>
  `${row.type} ${row.operations?.join(',') ?? row.interactions.join(',')} for ${Object.keys(row.allow).join(',')}`
const without = (at: number): readonly AccessRow[] => ACCESS_TABLE.filter((_, one) => one !== at)
const changed = (at: number, row: AccessRow): readonly AccessRow[] =>
  ACCESS_TABLE.map((one, index) => (index === at ? row : one))

const isServed = (row: AccessRow): boolean => row.operations?.every((name) => NOT_SERVED_YET.includes(name)) !== true
const ROWS = ACCESS_TABLE.map((row, at) => [nameOf(row), row, at] as const).filter(([, row]) => isServed(row))

test('the table agrees with the expectation', () => {
  expect(disagreements(ACCESS_TABLE)).toEqual([])
})

test('what the table knows and is not served yet is just what is listed here', () => {
  const served = new Set(ROUTES.flatMap((row) => row.operation ?? []))
  const named = ACCESS_TABLE.flatMap((row) => row.operations ?? [])
  expect([...new Set(named.filter((name) => !served.has(name)))].sort()).toEqual([...NOT_SERVED_YET].sort())
})

test('every kind of caller of the table is expected', () => {
  const kinds = new Set(ACCESS_TABLE.flatMap((row) => Object.keys(row.allow)))
  expect([...kinds].filter((kind) => !(kind in EXPECTED))).toEqual([])
  expect(Object.keys(EXPECTED).filter((kind) => !kinds.has(kind))).toEqual([])
})

describe('is found out', () => {
  test.each(ROWS)('without the row %s', (_, _row, at) => {
    expect(disagreements(without(at))).not.toEqual([])
  })

  const callers = ROWS.flatMap(([name, row, at]) =>
    Object.keys(row.allow).map((kind) => [kind, name, row, at] as const),
  )
  test.each(callers)('without %s in %s', (kind, _, row, at) => {
    const allow = Object.fromEntries(Object.entries(row.allow).filter(([one]) => one !== kind))
    // What is public to nobody is public to all: the other names in that row say the same once more
    if (row.allow.nobody === 'public' && kind !== 'nobody')
      expect(disagreements(changed(at, { ...row, allow }))).toEqual([])
    else expect(disagreements(changed(at, { ...row, allow }))).not.toEqual([])
  })

  const interactions = ROWS.flatMap(([name, row, at]) => row.interactions.map((one) => [one, name, row, at] as const))
  // A batch is told from a transaction inside the Bundle: it has no route of its own
  test.each(interactions.filter(([one]) => one !== 'batch'))('without %s in %s', (one, _, row, at) => {
    const kept = row.interactions.filter((other) => other !== one)
    expect(disagreements(changed(at, { ...row, interactions: kept }))).not.toEqual([])
  })

  test.each(ROWS.filter(([, row]) => row.scope !== 'none'))('with no scope needed in %s', (_, row, at) => {
    expect(disagreements(changed(at, { ...row, scope: 'none' }))).not.toEqual([])
  })

  test.each(ROWS.filter(([, row]) => row.needsCheckRole === true))('with any role in %s', (_, row, at) => {
    const { needsCheckRole: _role, ...loose } = row
    expect(disagreements(changed(at, loose))).not.toEqual([])
  })

  test.each(ROWS.filter(([, row]) => row.letter !== undefined))('with another letter in %s', (_, row, at) => {
    expect(disagreements(changed(at, { ...row, letter: 'd' }))).not.toEqual([])
  })

  const reaches = ROWS.filter(([, row]) => Object.values(row.allow).includes('own'))
  test.each(reaches)('with any rows in place of own in %s', (_, row, at) => {
    const allow = Object.fromEntries(
      Object.entries(row.allow).map(([kind, reach]) => [kind, reach === 'own' ? 'any' : reach]),
    )
    expect(disagreements(changed(at, { ...row, allow }))).not.toEqual([])
  })

  const opened = ROWS.flatMap(([name, row, at]) =>
    [...KINDS, 'nobody' as const]
      .filter((kind) => row.allow[kind] === undefined && row.allow.nobody === undefined)
      .map((kind) => [kind, name, row, at] as const),
  )
  test.each(opened)('with %s let in at %s', (kind, _, row, at) => {
    // Scopes of one kind do not fit the row of another; so the scope gate is opened as well
    const wide: AccessRow = {
      ...row,
      allow: { ...row.allow, [kind]: kind === 'nobody' ? 'public' : 'any' },
      scope: 'none',
    }
    expect(disagreements(changed(at, wide))).not.toEqual([])
  })
})
