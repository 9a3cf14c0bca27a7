import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { addDays } from '../../../src/domain/london-day.ts'
import { findOverlap } from '../../../src/domain/upload/overlap.ts'
import { plan, TODAY } from '../../support/domain-facts.ts'

type Parts = Parameters<typeof plan>[0]

function pairs(...all: readonly Parts[]): readonly string[] {
  return findOverlap(all.map((parts, at) => plan({ id: `p${at}`, ...parts }))).map(([a, b]) => `${a.id}+${b.id}`)
}

describe('R13 two plans of one type at one time', () => {
  test.each<[readonly Parts[], readonly string[], string]>([
    [[{}, {}], ['p0+p1'], 'both without an end'],
    [[{ start: '2026-01-01' }, { start: '2025-01-01', end: '2026-01-02' }], ['p0+p1'], 'by one day'],
    [
      [
        { start: '2026-01-01', end: '2026-12-01' },
        { start: '2026-03-01', end: '2026-04-01' },
      ],
      ['p0+p1'],
      'one within the other',
    ],
    [[{ start: '2026-01-01' }, { start: '2025-01-01', end: '2026-01-01' }], [], 'one starts the day the other ends'],
    [[{ start: '2026-01-01' }, { start: '2025-01-01', end: '2025-12-31' }], [], 'one after the other'],
    [[{}, { type: 'LAC' }, { type: 'UCPP' }], [], 'other types'],
    [[{}, { withdrawn: true }], [], 'one is withdrawn'],
    [[{}], [], 'one alone'],
    [[], [], 'none'],
    [[{}, {}, {}], ['p0+p1', 'p0+p2', 'p1+p2'], 'three'],
  ])('%j: %j (%s)', (all, expected) => {
    expect(pairs(...all)).toEqual(expected)
  })

  test('overlap is that some day lies in both, the last days aside', () => {
    const span = fc.record({
      from: fc.integer({ min: 0, max: 20 }),
      length: fc.option(fc.integer({ min: 1, max: 10 })),
    })
    fc.assert(
      fc.property(span, span, (a, b) => {
        const parts = [a, b].map(({ from, length }) => ({
          start: addDays(TODAY, from),
          ...(length === null ? {} : { end: addDays(TODAY, from + length) }),
        }))
        const days = Array.from({ length: 60 }, (_, at) => at)
        const holds = ({ from, length }: typeof a, at: number): boolean =>
          at >= from && (length === null || at < from + length)
        expect(pairs(...parts).length === 1).toBe(days.some((at) => holds(a, at) && holds(b, at)))
      }),
    )
  })
})
