import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { LondonDay } from '../../src/domain/brands.ts'
import { openDeliveryStore } from '../../src/store/mongo-delivery-store.ts'
import type { PlanPage, Row, RowIndex } from '../../src/store/store.ts'
import { DERBY, nhsNumber, openTestStore, planRow, SHEFFIELD, type TestStore } from '../support/test-store.ts'

const TODAY = '2026-05-03' as LondonDay

let opened: TestStore
beforeAll(async () => {
  opened = await openTestStore()
  const plans: readonly (readonly [string, Partial<RowIndex>, string?])[] = [
    ['turns-today', { turnsOn: '2026-05-03' }, '9990000101'],
    ['turns-long-ago', { turnsOn: '2026-01-01' }, '9990000102'],
    ['turns-tomorrow', { turnsOn: '2026-05-04' }, '9990000103'],
    ['turns-withdrawn', { turnsOn: '2026-05-01', withdrawn: true }, '9990000104'],
    ['parked-never', {}],
    ['parked-yesterday', { toldOn: '2026-05-02' }],
    ['parked-today', { toldOn: '2026-05-03' }],
    ['parked-withdrawn', { withdrawn: true }],
    ['replaced-never', { newNumber: nhsNumber('9990000199') }, '9990000105'],
    ['replaced-today', { newNumber: nhsNumber('9990000199'), toldOn: '2026-05-03' }, '9990000106'],
  ]
  await opened.store.transact(async (unit) => {
    for (const [id, index, number] of plans)
      await unit.put(planRow({ id, index, ...(number === undefined ? {} : { number }) }))
    await unit.put(planRow({ id: 'parked-elsewhere', owner: SHEFFIELD }))
    await unit.put(planRow({ id: 'parked-deleted' }))
    await unit.put(planRow({ id: 'parked-deleted', version: 2, deleted: true }))
  })
})
afterAll(() => opened.close())

type Find = (page: PlanPage) => Promise<readonly Row<'EpisodeOfCare'>[]>
const turning: Find = (page) => opened.store.read.turningPlans(TODAY, page)
const missing: Find = (page) => opened.store.read.plansToTell('missing', TODAY, page)
const superseded: Find = (page) => opened.store.read.plansToTell('superseded', TODAY, page)

/** All ids, by pages of that size. */
async function byPages(find: Find, limit: number): Promise<string[]> {
  const ids: string[] = []
  for (let after: Row<'EpisodeOfCare'> | undefined; ; ) {
    const page = await find({ limit, ...(after === undefined ? {} : { after }) })
    if (page.length === 0) return ids
    ids.push(...page.map(({ id }) => id))
    after = page.at(-1)
  }
}

describe.each([1, 2, 100])('the work of the day, in pages of %i', (limit) => {
  test('R12 finds live plans that turn on or before the day, the oldest first', async () => {
    expect(await byPages(turning, limit)).toEqual(['turns-long-ago', 'turns-today'])
  })
  test('R17 finds parked plans of every authority that were not told on the day, the never told first', async () => {
    expect(await byPages(missing, limit)).toEqual(['parked-elsewhere', 'parked-never', 'parked-yesterday'])
  })
  test('R23 finds plans under a replaced number that were not told on the day', async () => {
    expect(await byPages(superseded, limit)).toEqual(['replaced-never'])
  })
})

test('each look is a range of an index, in its order: nothing is sorted and no collection is scanned', async () => {
  const plans = opened.store.handle.db.collection('episodesOfCare')
  const looks = [
    [
      { turnsOn: { $lte: '2026-05-03' }, live: true },
      { turnsOn: 1, _id: 1 },
    ],
    [
      { parked: true, toldOn: { $lt: '2026-05-03' }, live: true },
      { toldOn: 1, _id: 1 },
    ],
    [
      { superseded: true, toldOn: { $lt: '2026-05-03' }, live: true },
      { toldOn: 1, _id: 1 },
    ],
  ] as const
  for (const [filter, sort] of looks) {
    const plan = JSON.stringify((await plans.find(filter).sort(sort).limit(100).explain('queryPlanner')).queryPlanner)
    const winning = plan.slice(plan.indexOf('winningPlan'), plan.indexOf('rejectedPlans'))
    expect(winning).toContain('IXSCAN')
    expect(winning).not.toMatch(/COLLSCAN|"SORT"/)
  }
})

test('R8 plans that wait for a Patient are found by what they named the child by, within their authority', async () => {
  const token = { system: 'https://derbyshire.example/child', value: 'c-1' }
  await opened.store.transact(async (unit) => {
    await unit.put(planRow({ id: 'waits', index: { patientToken: token } }))
    await unit.put(planRow({ id: 'waits-without-system', index: { patientToken: { value: 'c-1' } } }))
    await unit.put(planRow({ id: 'waits-elsewhere', owner: SHEFFIELD, index: { patientToken: token } }))
  })
  expect(await naming(DERBY, [token])).toEqual(['waits', 'waits-without-system'])
  expect(await naming(DERBY, [{ ...token, system: 'https://other.example' }])).toEqual(['waits-without-system'])
  expect(await naming(DERBY, [])).toEqual([])
  const raw = await opened.store.handle.db.collection('episodesOfCare').find({}).toArray()
  expect(JSON.stringify(raw)).not.toContain('c-1')
})

async function naming(owner: typeof DERBY, tokens: readonly { system?: string; value?: string }[]): Promise<string[]> {
  const found = await opened.store.transact((unit) => unit.plansNaming(owner, tokens))
  return found.map(({ id }): string => id).sort()
}

test('the work of the day has a lease of its own: one holder at a time, prolonged by it, free when released', async () => {
  const deliveries = await openDeliveryStore(opened.store.handle)
  const first = await deliveries.takeDaily('first')
  expect(await deliveries.takeDaily('second')).toBeUndefined()
  expect(await deliveries.takeDaily('first')).toEqual(first)
  expect(await deliveries.takeDispatcher('second')).toBeDefined()
  if (first === undefined) throw new Error('the lease was not free')
  await deliveries.releaseDaily(first)
  expect(await deliveries.takeDaily('second')).toBeDefined()
  await deliveries.releaseDaily(first)
  expect(await deliveries.takeDaily('third')).toBeUndefined()
})
