import { describe, expect, test } from '@jest/globals'
import { caseStatusOf, isTold } from '../../src/domain/case-status.ts'
import { day, plan, TODAY } from '../support/domain-facts.ts'

describe('R20 case status', () => {
  const open = plan({ id: 'open' })
  const endsToday = plan({ id: 'today', end: TODAY })
  const closed = plan({ id: 'closed', end: '2026-05-02' })
  test.each([
    [[open], 'open'],
    [[endsToday], 'open'],
    [[closed], 'closed'],
    [[closed, open], 'open'],
  ])('%#: %s', (plans, status) => {
    expect(caseStatusOf(plans, TODAY)).toBe(status)
  })
})

describe('R20 events of an unborn plan', () => {
  const parts = { type: 'UCPP', start: '2025-10-01', expectedDelivery: '2026-03-10' } as const
  const closed = plan({ ...parts, end: '2026-03-11' })
  test.each([
    [closed, '2026-04-07', true, 'closed, 28 days after the expected delivery'],
    [closed, '2026-04-08', false, 'closed, 29 days after it'],
    [plan(parts), '2026-12-01', true, 'open: they go on'],
    [plan({ ...parts, end: '2026-06-01' }), '2026-06-01', true, 'still open on its last day'],
    [
      plan({ type: 'UCPP', start: '2025-10-01', end: '2026-03-11' }),
      '2026-12-01',
      true,
      'closed, no date known: they go on',
    ],
    [plan({ type: 'LAC', start: '2025-10-01', end: '2026-03-11' }), '2026-12-01', true, 'closed LAC: they go on'],
  ])('%# on %s: %s (%s)', (one, on, expected) => {
    expect(isTold(one, day(on))).toBe(expected)
  })
})
