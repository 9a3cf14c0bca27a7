import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Criterion, Query, Row, Token } from '../../src/store/store.ts'
import {
  DERBY,
  NO_INDEX,
  NOON,
  nhsNumber,
  openTestStore,
  planRow,
  resourceId,
  SHEFFIELD,
  type TestStore,
} from '../support/test-store.ts'

let opened: TestStore
beforeAll(async () => {
  opened = await openTestStore()
  const rows: Row<'EpisodeOfCare'>[] = [
    planRow({
      id: 'a',
      number: '9990000011',
      index: { identifiers: [{ system: 'urn:la', value: '1' }], start: '2026-01-01' },
    }),
    planRow({
      id: 'b',
      number: '9990000012',
      index: { identifiers: [{ value: '1' }], start: '2026-02-01', end: '2026-03-01' },
    }),
    planRow({
      id: 'c',
      type: 'LAC',
      index: { identifiers: [{ system: 'urn:other', value: '2' }], start: '2026-02-01', status: 'finished' },
    }),
    planRow({
      id: 's',
      number: '9990000011',
      owner: SHEFFIELD,
      index: { identifiers: [{ system: 'urn:la', value: '1' }] },
    }),
  ]
  await opened.store.transact(async (unit) => {
    for (const row of rows) await unit.put(row)
  })
})
afterAll(() => opened.close())

const plans = () => opened.store.read.of(DERBY, 'EpisodeOfCare')
const idsOf = (rows: readonly Row<'EpisodeOfCare'>[]): string[] => rows.map(({ id }) => id)
const search = async (criteria: readonly Criterion[], more: Partial<Query> = {}): Promise<string[]> =>
  idsOf(await plans().search({ criteria, limit: 100, ...more }))

describe('values that would be operators', () => {
  const payloads = [{ $ne: '' }, { $gt: '' }, { $regex: '.*' }, { $where: 'true' }, ['a', 'b'], 7, null]

  test.each(payloads)('%j as a value is refused, never translated', async (payload) => {
    const values = JSON.parse(JSON.stringify([payload])) as string[]
    const value = values[0] as string
    const criteria: readonly Criterion[] = [
      { field: 'id', anyOf: values },
      { field: 'status', anyOf: values, not: true },
      { field: 'nhsNumber', anyOf: values },
      { field: 'identifier', tokens: [{ system: value }] },
      { field: 'start', from: value },
      { field: 'name', startsWith: values },
      { or: [[{ field: 'id', anyOf: values }]] },
    ]
    for (const one of criteria) {
      await expect(search([one])).rejects.toThrow(TypeError)
      await expect(plans().searchAny([one], 5)).rejects.toThrow(TypeError)
    }
  })

  test.each(payloads.slice(0, 4))('%j as an id, a place or an owner finds nothing', async (payload) => {
    const value = JSON.parse(JSON.stringify(payload)) as string
    expect(await plans().find(resourceId(value))).toBeUndefined()
    expect(await plans().findVersion(resourceId(value), 1)).toBeUndefined()
    await expect(search([], { after: [value, value] })).rejects.toThrow(TypeError)
    expect(() => opened.store.read.of(value as typeof DERBY, 'EpisodeOfCare')).toThrow(TypeError)
  })

  test.each(['$where', 'owner', '__proto__', 'constructor', 'body', 'index.$gt', 'subjectKey'])(
    'the field %s cannot be asked for',
    async (field) => {
      const criterion = { field, anyOf: ['x'] } as unknown as Criterion
      await expect(search([criterion])).rejects.toThrow(TypeError)
      await expect(plans().count([{ or: [[criterion]] }])).rejects.toThrow(TypeError)
    },
  )

  test('texts that look like operators are just texts', async () => {
    const tricky = planRow({ id: 'tricky', index: { status: '$ne', url: '$$ROOT', topic: '{"$gt":""}' } })
    await opened.store.transact((unit) => unit.put(tricky))
    expect(await plans().find(resourceId('tricky'))).toEqual(tricky)
    expect(await search([{ field: 'status', anyOf: ['$ne'] }])).toEqual(['tricky'])
    await opened.store.transact((unit) => unit.put(planRow({ id: 'tricky', version: 2, deleted: true })))
  })
})

describe('another authority', () => {
  test('finds, counts, pages and reads versions of its own rows only', async () => {
    const other = opened.store.read.of(SHEFFIELD, 'EpisodeOfCare')
    expect(await other.find(resourceId('a'))).toBeUndefined()
    expect(await other.findVersion(resourceId('a'), 1)).toBeUndefined()
    expect(idsOf(await other.search({ criteria: [], limit: 100 }))).toEqual(['s'])
    expect(await other.count([{ field: 'id', anyOf: ['a', 'b', 's'] }])).toBe(1)
    expect(await other.count([{ or: [[{ field: 'id', anyOf: ['a'] }], [{ field: 'id', anyOf: ['b'] }]] }])).toBe(0)
    expect(await other.history({ id: resourceId('a'), limit: 10 })).toEqual([])
    expect(idsOf(await other.history({ limit: 10 }))).toEqual(['s'])
  })

  test('any of several keys finds its own rows only, each once, deleted ones never', async () => {
    const gone = planRow({ id: 'gone', number: '9990000019' })
    await opened.store.transact((unit) => unit.put(gone))
    await opened.store.transact((unit) => unit.put(planRow({ id: 'gone', version: 2, deleted: true })))
    const criteria: readonly Criterion[] = [
      { field: 'identifier', tokens: [{ system: 'urn:la', value: '1' }] },
      { field: 'nhsNumber', anyOf: ['9990000011', '9990000012', '9990000019'] },
      { field: 'id', anyOf: ['gone', 's'] },
    ]
    expect(idsOf(await plans().searchAny(criteria, 10)).toSorted()).toEqual(['a', 'b'])
    expect((await plans().searchAny(criteria, 1)).length).toBe(1)
    expect(await plans().searchAny([], 10)).toEqual([])
    expect(await plans().searchAny(criteria, 0)).toEqual([])
  })

  test('cannot write a version of it', async () => {
    const taken = opened.store.transact((unit) => unit.put(planRow({ id: 'a', version: 2, owner: SHEFFIELD })))
    await expect(taken).rejects.toMatchObject({ kind: 'conflict' })
    expect(await plans().find(resourceId('a'))).toMatchObject({ version: 1, owner: DERBY })
  })

  test('may hold the same unique identifier', async () => {
    const token = { system: 'urn:la', value: 'shared' }
    await opened.store.transact(async (unit) => {
      await unit.put(planRow({ id: 'd-shared', index: { unique: [token] } }))
      await unit.put(planRow({ id: 's-shared', owner: SHEFFIELD, index: { unique: [token] } }))
      await unit.put(planRow({ id: 'd-shared', version: 2, deleted: true }))
      await unit.put(planRow({ id: 's-shared', owner: SHEFFIELD, version: 2, deleted: true }))
    })
  })
})

describe('criteria', () => {
  const token = (one: Token): Criterion => ({ field: 'identifier', tokens: [one] })
  test.each<[string, readonly Criterion[], string[]]>([
    ['none: all own rows', [], ['a', 'b', 'c']],
    ['system|value', [token({ system: 'urn:la', value: '1' })], ['a']],
    ['value of any system', [token({ value: '1' })], ['a', 'b']],
    ['value without a system', [token({ system: '', value: '1' })], ['b']],
    ['system alone', [token({ system: 'urn:other' })], ['c']],
    ['one of two tokens', [{ field: 'identifier', tokens: [{ value: '2' }, { system: 'urn:la' }] }], ['a', 'c']],
    ['not a token', [{ field: 'identifier', tokens: [{ value: '1' }], not: true }], ['c']],
    ['an NHS number', [{ field: 'nhsNumber', anyOf: [nhsNumber('9990000011')] }], ['a']],
    ['without a number (R8)', [{ field: 'nhsNumber', missing: true }], ['c']],
    ['with a number', [{ field: 'nhsNumber', missing: false }], ['a', 'b']],
    ['a type', [{ field: 'planType', anyOf: ['LAC'] }], ['c']],
    ['not a status', [{ field: 'status', anyOf: ['finished'], not: true }], ['a', 'b']],
    ['a missing end', [{ field: 'end', missing: true }], ['a', 'c']],
    ['from a day', [{ field: 'start', from: '2026-02-01' }], ['b', 'c']],
    ['before a day', [{ field: 'start', before: '2026-02-01' }], ['a']],
    ['a range that keeps open ends', [{ field: 'end', from: '2026-04-01', openEnd: true }], ['a', 'c']],
    [
      'alternatives',
      [{ or: [[{ field: 'id', anyOf: ['a'] }], [{ field: 'status', anyOf: ['finished'] }]] }],
      ['a', 'c'],
    ],
    ['no alternative', [{ or: [] }], []],
    ['nothing of nothing', [{ field: 'id', anyOf: [] }], []],
    [
      'all together',
      [
        { field: 'start', from: '2026-02-01' },
        { field: 'planType', anyOf: ['CPP'] },
      ],
      ['b'],
    ],
  ])('%s', async (_name, criteria, expected) => {
    expect(await search(criteria)).toEqual(expected)
    expect(await plans().count(criteria)).toBe(expected.length)
  })

  test('a range without a bound is refused', async () => {
    await expect(search([{ field: 'start' }])).rejects.toThrow(TypeError)
  })

  test.each<[NonNullable<Query['sort']>, string[]]>([
    [{ field: 'id', descending: true }, ['c', 'b', 'a']],
    [{ field: 'start', descending: false }, ['a', 'b', 'c']],
    [{ field: 'start', descending: true }, ['c', 'b', 'a']],
    [{ field: 'lastUpdated', descending: true }, ['c', 'b', 'a']],
  ])('in the order of %j, and page by page', async (sort, expected) => {
    expect(await search([], { sort })).toEqual(expected)
    const paged: string[] = []
    let after: readonly [string, string] | undefined
    for (;;) {
      const [row] = await plans().search({ criteria: [], sort, limit: 1, ...(after === undefined ? {} : { after }) })
      if (row === undefined) break
      paged.push(row.id)
      const value = sort.field === 'start' ? (row.index.start ?? '') : sort.field === 'id' ? row.id : row.lastUpdated
      after = [value, row.id]
    }
    expect(paged).toEqual(expected)
  })

  test.each([true, false])(
    'rows without the sort field have their place in the pages too (descending %s)',
    async (descending) => {
      const { start: _start, ...index } = planRow({ id: 'x' }).index
      const [first, second] = descending ? ['n1', 'n2'] : ['m1', 'm2']
      const rows = [String(first), String(second)].map((id) => ({ ...planRow({ id, owner: SHEFFIELD }), index }))
      await opened.store.transact(async (unit) => {
        for (const row of rows) await unit.put(row)
      })
      const other = opened.store.read.of(SHEFFIELD, 'EpisodeOfCare')
      const sort = { field: 'start', descending } as const
      const paged: string[] = []
      let after: readonly [string, string] | undefined
      for (;;) {
        const [row] = await other.search({ criteria: [], sort, limit: 1, ...(after === undefined ? {} : { after }) })
        if (row === undefined) break
        paged.push(row.id)
        after = [row.index.start ?? '', row.id]
      }
      expect(paged).toEqual(descending ? ['s', second, first] : [first, second, 's'])
      await opened.store.transact(async (unit) => {
        for (const row of rows) await unit.put({ ...row, version: 2, deleted: true, method: 'DELETE' })
      })
    },
  )
})

describe('versions', () => {
  test('come one after the other: a gap, a repetition and a second first are conflicts', async () => {
    const put = (version: number) =>
      opened.store.transact((unit) => unit.put(planRow({ id: 'v', version, index: { withdrawn: true } })))
    await expect(put(2)).rejects.toMatchObject({ kind: 'conflict' })
    await put(1)
    await expect(put(1)).rejects.toMatchObject({ kind: 'conflict' })
    await expect(put(3)).rejects.toMatchObject({ kind: 'conflict' })
    await put(2)
    await expect(put(2)).rejects.toMatchObject({ kind: 'conflict' })
    const versions = await plans().history({ id: resourceId('v'), limit: 10 })
    expect(versions.map(({ version }) => version)).toEqual([2, 1])
  })

  test('are kept as they were, newest first and page by page; a deletion ends searching and frees the identifier', async () => {
    const token = { system: 'urn:la', value: 'deleted' }
    const first = planRow({ id: 'h', number: '9990000013', index: { identifiers: [token], unique: [token] } })
    const second = { ...first, version: 2, lastUpdated: '2026-05-03T12:00:01.000Z', method: 'PUT' as const }
    const third = planRow({
      id: 'h',
      version: 3,
      deleted: true,
      at: '2026-05-03T12:00:02.000Z',
      index: { unique: [token] },
    })
    for (const row of [first, second, third]) await opened.store.transact((unit) => unit.put(row))
    expect(await plans().history({ id: resourceId('h'), limit: 10 })).toEqual([third, second, first])
    const after = [third.lastUpdated, 'h', 3] as const
    expect(await plans().history({ id: resourceId('h'), limit: 1, after })).toEqual([second])
    const newest = await plans().history({ since: '2026-05-03T12:00:01.000Z', limit: 1 })
    expect(newest).toEqual([third])
    expect(await plans().history({ since: '2026-05-03T12:00:01.000Z', limit: 9, after })).toEqual([second])
    expect(await plans().findVersion(resourceId('h'), 2)).toEqual(second)
    expect(await plans().find(resourceId('h'))).toEqual(third)
    expect(await search([{ field: 'id', anyOf: ['h'] }])).toEqual([])
    expect(await opened.store.read.plansOfChild(nhsNumber('9990000013'))).toEqual([])
    await opened.store.transact((unit) => unit.put(planRow({ id: 'h2', index: { unique: [token], withdrawn: true } })))
  })

  test('reindexing changes what finds the row, not its version, time or content', async () => {
    const parked = planRow({ id: 'parked', owner: SHEFFIELD })
    await opened.store.transact((unit) => unit.put(parked))
    const index = { ...parked.index, nhsNumber: nhsNumber('9990000014') }
    await opened.store.transact((unit) => unit.reindex('EpisodeOfCare', parked.id, index))
    const rows = opened.store.read.of(SHEFFIELD, 'EpisodeOfCare')
    expect(await rows.find(parked.id)).toEqual({ ...parked, index })
    expect(idsOf(await rows.search({ criteria: [{ field: 'nhsNumber', missing: true }], limit: 5 }))).toEqual([])
    expect(idsOf(await rows.search({ criteria: [{ field: 'nhsNumber', anyOf: ['9990000014'] }], limit: 5 }))).toEqual([
      'parked',
    ])
    expect((await opened.store.read.plansOfChild(nhsNumber('9990000014'))).map(({ id }) => id)).toEqual(['parked'])
    const absent = opened.store.transact((unit) => unit.reindex('EpisodeOfCare', resourceId('absent'), NO_INDEX))
    await expect(absent).rejects.toMatchObject({ kind: 'conflict' })
  })

  test('an unknown limit of nothing gives nothing', async () => {
    expect(await plans().search({ criteria: [], limit: 0 })).toEqual([])
    expect(await plans().history({ limit: 0 })).toEqual([])
  })
})

describe('the directory', () => {
  const organization = (id: string, more: Partial<Row<'Organization'>>): Row<'Organization'> => ({
    type: 'Organization',
    id: resourceId(id),
    version: 1,
    lastUpdated: NOON,
    owner: 'directory',
    method: 'POST',
    deleted: false,
    resource: { resourceType: 'Organization', id, name: id },
    index: NO_INDEX,
    ...more,
  })
  const ods = (value: string): Token => ({ system: 'https://fhir.nhs.uk/Id/ods-organization-code', value })
  const read = () => opened.store.read

  beforeAll(() =>
    opened.store.transact(async (unit) => {
      await unit.put(
        organization('derby', { owner: DERBY, index: { ...NO_INDEX, orgType: 'authority', name: 'Derby' } }),
      )
      await unit.put(
        organization('site', { index: { ...NO_INDEX, identifiers: [ods('RCUEF')], name: "Élan Children's Hospital" } }),
      )
    }),
  )

  test('is read by everyone, by name without case and accents from its start', async () => {
    const named = (text: string) =>
      read().organizations.search({ criteria: [{ field: 'name', startsWith: [text] }], limit: 5 })
    expect((await named('elan ch')).map(({ id }) => id)).toEqual(['site'])
    expect((await named('DERBY')).map(({ id }) => id)).toEqual(['derby'])
    expect(await named('hospital')).toEqual([])
    expect(await named('.*')).toEqual([])
    expect(await read().organizations.count([])).toBe(2)
  })

  test('gives authorities by GSS and sites by ODS code, unknown ones left out', async () => {
    expect((await read().authorities([SHEFFIELD, DERBY])).map(({ id }) => id)).toEqual(['derby'])
    expect((await read().site('RCUEF' as Parameters<ReturnType<typeof read>['site']>[0]))?.id).toBe('site')
    expect(await read().site('XXXXX' as Parameters<ReturnType<typeof read>['site']>[0])).toBeUndefined()
  })

  test('shows a change of this process at once', async () => {
    const index = { ...NO_INDEX, orgType: 'authority', name: 'Derbyshire' }
    await read().authorities([DERBY])
    await opened.store.transact((unit) =>
      unit.put(organization('derby', { owner: DERBY, version: 2, method: 'PUT', index })),
    )
    expect((await read().authorities([DERBY]))[0]).toMatchObject({ version: 2, index: { name: 'Derbyshire' } })
  })
})
