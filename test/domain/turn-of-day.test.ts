import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { LondonDay } from '../../src/domain/brands.ts'
import { addDays } from '../../src/domain/london-day.ts'
import { turnsOn } from '../../src/domain/turn-of-day.ts'
import { flagStatusOn, statusOn } from '../../src/domain/visibility.ts'

const day = (text: string): LondonDay => text as LondonDay

describe('R12 R14 the next day on which a stored status stops being true', () => {
  test.each([
    ['a future plan: its start', { type: 'CPP', start: '2026-06-01' }, '2026-05-03', '2026-06-01'],
    [
      'a plan that ends: the day after',
      { type: 'CPP', start: '2026-01-01', end: '2026-05-03' },
      '2026-05-03',
      '2026-05-04',
    ],
    [
      'an ended plan: the day after its 365 days',
      { type: 'LAC', start: '2018-01-31', end: '2019-01-31' },
      '2019-05-03',
      '2020-02-01',
    ],
    [
      'an open plan: the 18th birthday',
      { type: 'LAC', start: '2018-01-31', birthDate: '2008-07-09' },
      '2026-05-03',
      '2026-07-09',
    ],
    ['an open plan of unknown birth: never', { type: 'LAC', start: '2018-01-31' }, '2026-05-03', undefined],
    [
      'an unborn plan: never, whatever the age of the mother',
      { type: 'UCPP', start: '2026-01-31', birthDate: '2008-07-09' },
      '2026-05-03',
      undefined,
    ],
    ['a withdrawn plan: never', { type: 'CPP', start: '2026-06-01', withdrawn: true }, '2026-05-03', undefined],
  ] as const)('%s', (_name, plan, today, expected) => {
    const facts = { withdrawn: false, ...plan } as Parameters<typeof turnsOn>[0]
    expect(turnsOn(facts, day(today))).toBe(expected)
  })

  test('no status changes before that day, and one does on it', () => {
    const dayAround = fc.integer({ min: -800, max: 800 }).map((days) => addDays(day('2026-05-03'), days))
    fc.assert(
      fc.property(
        dayAround,
        fc.option(fc.integer({ min: 0, max: 500 }), { nil: undefined }),
        fc.option(dayAround, { nil: undefined }),
        (start, length, eighteenth) => {
          const plan = {
            type: 'CPP' as const,
            start,
            withdrawn: false,
            ...(length === undefined ? {} : { end: addDays(start, length) }),
            ...(eighteenth === undefined
              ? {}
              : { birthDate: `${Number(eighteenth.slice(0, 4)) - 18}${eighteenth.slice(4)}` }),
          }
          const today = day('2026-05-03')
          const statuses = (on: LondonDay): string => `${statusOn(plan, on)} ${flagStatusOn(plan, on)}`
          const turn = turnsOn(plan, today)
          for (let at = today; at < addDays(today, 400); at = addDays(at, 1)) {
            if (turn === undefined || at < turn) expect(statuses(at)).toBe(statuses(today))
          }
        },
      ),
      { numRuns: 100 },
    )
  })
})
