import { expect, test } from '@jest/globals'
import { buildReadAhead } from '../../src/delivery/read-ahead.ts'
import type { ResourceId } from '../../src/domain/brands.ts'
import type { DeliveryStore, NumberedEvent } from '../../src/store/delivery-store.ts'

const LANE = 'lane' as ResourceId
const EVENT: NumberedEvent['event'] = {
  id: 'e',
  at: '2026-05-03T09:00:00.000Z',
  topic: 'child-checked',
  authority: 'E10000007' as NumberedEvent['event']['authority'],
  plans: [],
  caseStatus: 'open',
}

/** A lane whose numbers go up to `last`; says how often it was read. */
function buildLane(last: () => number) {
  const reads: number[] = []
  const waiting: DeliveryStore['waiting'] = async (_id, after, limit) => {
    reads.push(after)
    const count = Math.max(0, Math.min(limit, last() - after))
    return Array.from({ length: count }, (_, at) => ({ number: after + 1 + at, event: EVENT }))
  }
  return { reads, ahead: buildReadAhead({ waiting }) }
}

const numbers = (events: readonly NumberedEvent[]): number[] => events.map(({ number }) => number)

test('what was read ahead is not read again', async () => {
  const { reads, ahead } = buildLane(() => 100)
  await ahead.prepare(LANE, 0)
  for (let after = 0; after < 32; after += 1) expect(numbers(await ahead.waiting(LANE, after, 1))).toEqual([after + 1])
  expect(reads).toEqual([0])
  expect(numbers(await ahead.waiting(LANE, 32, 1))).toEqual([33])
  expect(reads).toEqual([0, 32])
})

test('a bundle that could be fuller is read anew: what was numbered meanwhile belongs in it', async () => {
  let last = 2
  const { ahead } = buildLane(() => last)
  await ahead.prepare(LANE, 0)
  last = 5
  expect(numbers(await ahead.waiting(LANE, 0, 4))).toEqual([1, 2, 3, 4])
  expect(numbers(await ahead.waiting(LANE, 4, 4))).toEqual([5])
})

test('more than is read ahead is read whole', async () => {
  const { ahead } = buildLane(() => 200)
  expect(numbers(await ahead.waiting(LANE, 0, 100))).toHaveLength(100)
})

test('older numbers, asked for once more, are never mixed up with what was read ahead', async () => {
  const { ahead } = buildLane(() => 100)
  await ahead.prepare(LANE, 50)
  expect(numbers(await ahead.waiting(LANE, 9, 2))).toEqual([10, 11])
  expect(numbers(await ahead.waiting(LANE, 50, 1))).toEqual([51])
})
