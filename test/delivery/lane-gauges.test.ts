import { expect, test } from '@jest/globals'
import { setLaneGauges } from '../../src/delivery/lane-gauges.ts'
import type { AuthorityCode, ResourceId } from '../../src/domain/brands.ts'
import { buildMetrics } from '../../src/metrics.ts'
import type { Lane } from '../../src/store/delivery-store.ts'

const NOW = new Date('2026-05-03T12:00:00Z')
let nth = 0

function lane(authority: string, more: Partial<Lane> = {}): Lane {
  nth += 1
  const id = `lane-${nth}` as ResourceId
  return { id, authority: authority as AuthorityCode, lastNumber: 10, deliveredThrough: 10, failures: 0, ...more }
}

async function gauges(lanes: readonly Lane[], metrics = buildMetrics()) {
  setLaneGauges(metrics, lanes, NOW)
  const read = async (name: 'deliveriesWaiting' | 'deliveriesOldest' | 'lanesInError' | 'lanesPaused') =>
    Object.fromEntries((await metrics[name].get()).values.map(({ labels, value }) => [labels.authority, value]))
  return {
    waiting: await read('deliveriesWaiting'),
    oldest: await read('deliveriesOldest'),
    inError: await read('lanesInError'),
    paused: await read('lanesPaused'),
  }
}

test('what waits, since when, what is in error and what is paused, by authority', async () => {
  const found = await gauges([
    lane('A', { deliveredThrough: 4, oldestWaitingAt: '2026-05-03T11:00:00Z', halted: 'error' }),
    lane('A', { deliveredThrough: 9, oldestWaitingAt: '2026-05-03T11:59:00Z', paused: true }),
    lane('B'),
  ])
  expect(found).toEqual({
    waiting: { A: 7, B: 0 },
    oldest: { A: 3_600, B: 0 },
    inError: { A: 1, B: 0 },
    paused: { A: 1, B: 0 },
  })
})

test('what is deleted waits for nobody; what its owner turned off does not grow old', async () => {
  const old = { deliveredThrough: 4, oldestWaitingAt: '2026-05-01T11:00:00Z' }
  const found = await gauges([lane('A', { ...old, halted: 'deleted' }), lane('B', { ...old, halted: 'off' })])
  expect(found).toEqual({ waiting: { B: 6 }, oldest: { B: 0 }, inError: { B: 0 }, paused: { B: 0 } })
})

test('an authority that has no lanes any more is not told of', async () => {
  const metrics = buildMetrics()
  await gauges([lane('A', { deliveredThrough: 0, oldestWaitingAt: NOW.toISOString() })], metrics)
  expect((await gauges([lane('B')], metrics)).waiting).toEqual({ B: 0 })
})
