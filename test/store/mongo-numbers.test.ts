/** Replaced numbers and births in the database (R23, R24): what a check finds, what it costs, and what the raw documents show. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { LondonDay, NhsNumber } from '../../src/domain/brands.ts'
import {
  accessOf,
  DERBY,
  NOON,
  nhsNumber,
  openTestStore,
  planRow,
  SHEFFIELD,
  type TestStore,
} from '../support/test-store.ts'

let opened: TestStore
beforeAll(async () => {
  opened = await openTestStore()
})
afterAll(() => opened.close())

let next = 9_990_200_000
const numbers = (count: number): NhsNumber[] => Array.from({ length: count }, () => nhsNumber(String(next++)))
const BORN = '2026-05-02' as LondonDay
const found = async (number: NhsNumber) =>
  (await opened.store.read.plansOfChild(number)).map(({ id, via, childKey }) => [id, via, childKey]).sort()
const keyOf = (number: NhsNumber) => opened.store.read.childKey(number)

/** One link and what follows of it, as the story of `$number-changed` does it. */
async function link(from: NhsNumber, to: NhsNumber, child: readonly NhsNumber[], last: NhsNumber): Promise<void> {
  await opened.store.transact(async (unit) => {
    await unit.putNumberLink({ from, to, at: NOON })
    await unit.gatherChild({ numbers: child, from: child.map(keyOf), into: keyOf(last) })
  })
}

describe('R23 a link', () => {
  test('is kept as a notice that either number finds, of the whole chain, and forgotten again', async () => {
    const [a, b, c] = numbers(3) as [NhsNumber, NhsNumber, NhsNumber]
    await link(a, b, [a, b], b)
    await link(b, c, [a, b, c], c)
    const links = [
      { from: a, to: b, at: NOON },
      { from: b, to: c, at: NOON },
    ]
    for (const number of [a, b, c]) {
      const { links: kept, births } = await opened.store.read.numberNotices([number])
      expect([[...kept].sort((x, y) => (x.from < y.from ? -1 : 1)), births]).toEqual([links, []])
    }
    await opened.store.transact((unit) => unit.removeNumberLink({ from: a, to: b, at: NOON }))
    expect(await opened.store.read.numberNotices([a])).toEqual({ links: [], births: [] })
    expect((await opened.store.read.numberNotices([b])).links).toEqual([links[1]])
  })

  test('leads both ways, and all numbers of the chain are the child of its last', async () => {
    const [a, b, c] = numbers(3) as [NhsNumber, NhsNumber, NhsNumber]
    await opened.store.transact(async (unit) => {
      await unit.put(planRow({ id: `a-${a}`, number: a }))
      await unit.put(planRow({ id: `c-${c}`, number: c, owner: SHEFFIELD }))
    })
    await link(b, c, [b, c], c)
    await link(a, b, [a, b, c], c)
    const key = keyOf(c)
    expect(await found(a)).toEqual([
      [`a-${a}`, 'own', key],
      [`c-${c}`, 'superseded', key],
    ])
    expect(await found(b)).toEqual([
      [`a-${a}`, 'superseded', key],
      [`c-${c}`, 'superseded', key],
    ])
    expect(await found(c)).toEqual([
      [`a-${a}`, 'superseded', key],
      [`c-${c}`, 'own', key],
    ])
  })

  test('of a number replaced by nothing leads nowhere', async () => {
    const [a] = numbers(1) as [NhsNumber]
    await opened.store.transact((unit) => unit.putNumberLink({ from: a, at: NOON }))
    expect((await opened.store.read.numberNotices([a])).links).toEqual([{ from: a, at: NOON }])
    const pointers = opened.store.handle.db.collection('episodesOfCare')
    expect(await pointers.countDocuments({ kind: 'pointer', subjectKey: keyOf(a) })).toBe(0)
  })

  test('moves the accesses of these numbers, out of these histories, and parts them again by the number they were made under', async () => {
    const [a, b, other] = numbers(3) as [NhsNumber, NhsNumber, NhsNumber]
    await opened.store.transact(async (unit) => {
      await unit.appendAccess({ childKey: keyOf(a), asked: a }, accessOf(`1-${a}`, '2026-05-01T10:00:00.000Z'))
      await unit.appendAccess({ childKey: keyOf(b), asked: b }, accessOf(`2-${a}`, '2026-05-02T10:00:00.000Z'))
      await unit.appendAccess({ childKey: keyOf(other), asked: other }, accessOf(`3-${a}`, '2026-05-03T10:00:00.000Z'))
    })
    const history = async (number: NhsNumber) =>
      (await opened.store.read.accesses(keyOf(number), { limit: 9 })).map(({ id }) => id)
    await link(a, b, [a, b], b)
    expect([await history(a), await history(b), await history(other)]).toEqual([[], [`2-${a}`, `1-${a}`], [`3-${a}`]])
    await opened.store.transact(async (unit) => {
      await unit.removeNumberLink({ from: a, to: b, at: NOON })
      await unit.gatherChild({ numbers: [a], from: [keyOf(b)], into: keyOf(a) })
    })
    expect([await history(a), await history(b), await history(other)]).toEqual([[`1-${a}`], [`2-${a}`], [`3-${a}`]])
  })
})

describe('R24 a birth', () => {
  test("leads from the baby to the mother's unborn plans and is found by her numbers alone", async () => {
    const [mother, hers, baby] = numbers(3) as [NhsNumber, NhsNumber, NhsNumber]
    const birth = { mother, baby, birthDate: BORN, at: NOON }
    await opened.store.transact(async (unit) => {
      await unit.put(planRow({ id: `u-${mother}`, number: hers, type: 'UCPP' }))
      await unit.putBirth(birth)
    })
    await link(mother, hers, [mother, hers], hers)
    expect(await found(baby)).toEqual([[`u-${mother}`, 'mother', keyOf(baby)]])
    for (const number of [mother, hers])
      expect((await opened.store.read.numberNotices([number])).births).toEqual([birth])
    expect((await opened.store.read.numberNotices([baby])).births).toEqual([])
  })

  test("a number that is both the child's own and its mother's counts as its own", async () => {
    const [a, b] = numbers(2) as [NhsNumber, NhsNumber]
    await opened.store.transact(async (unit) => {
      await unit.put(planRow({ id: `both-${a}`, number: b }))
      await unit.putBirth({ mother: b, baby: a, birthDate: BORN, at: NOON })
    })
    expect(await found(a)).toEqual([])
    await link(a, b, [a, b], b)
    expect(await found(a)).toEqual([[`both-${a}`, 'superseded', keyOf(b)]])
  })
})

describe('what it costs, and what it shows', () => {
  test('a number with no notice is one read of one index', async () => {
    const plan = await opened.store.handle.db
      .collection('numberNotices')
      .find({ keys: { $in: [keyOf(numbers(1)[0] as NhsNumber)] } })
      .explain('executionStats')
    expect(plan['executionStats']).toMatchObject({ totalDocsExamined: 0, totalKeysExamined: 0 })
  })

  test('plans under numbers are the live ones of all authorities, and no pointer', async () => {
    const [a, b] = numbers(2) as [NhsNumber, NhsNumber]
    await opened.store.transact(async (unit) => {
      await unit.put(planRow({ id: `p1-${a}`, number: a, owner: DERBY }))
      await unit.put(planRow({ id: `p2-${a}`, number: b, owner: SHEFFIELD }))
      await unit.put(planRow({ id: `p3-${a}`, number: b, index: { withdrawn: true } }))
    })
    await link(a, b, [a, b], b)
    const rows = await opened.store.transact((unit) => unit.plansUnder([a, b]))
    expect(rows.map(({ id }) => id).sort()).toEqual([`p1-${a}`, `p2-${a}`])
  })

  test('neither notices nor pointers show a number or a day of birth', async () => {
    const [a, b, c] = numbers(3) as [NhsNumber, NhsNumber, NhsNumber]
    await link(a, b, [a, b], b)
    await opened.store.transact((unit) => unit.putBirth({ mother: a, baby: c, birthDate: BORN, at: NOON }))
    const { db } = opened.store.handle
    const raw = JSON.stringify([
      await db.collection('numberNotices').find().toArray(),
      await db.collection('episodesOfCare').find({ kind: 'pointer' }).toArray(),
    ])
    for (const text of [a, b, c, BORN]) expect(raw).not.toContain(text)
  })

  test('an authority never meets a pointer among its rows', async () => {
    const [a, b] = numbers(2) as [NhsNumber, NhsNumber]
    await link(a, b, [a, b], b)
    const rows = opened.store.read.of(DERBY, 'EpisodeOfCare')
    expect(await rows.search({ criteria: [{ field: 'nhsNumber', anyOf: [a, b] }], limit: 9 })).toEqual([])
    expect(await opened.store.read.plansToTell('missing', '2026-05-03' as LondonDay, { limit: 500 })).toEqual([])
  })
})
