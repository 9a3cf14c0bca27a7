import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { addDays } from '../../src/domain/london-day.ts'
import {
  eighteenthBirthday,
  findVisible,
  flagStatusOn,
  isOpen,
  isVisible,
  shownUntil,
  statusOn,
} from '../../src/domain/visibility.ts'
import { DERBYSHIRE, day, LEEDS, plan, TODAY } from '../support/domain-facts.ts'

describe('R2 a plan is visible from its start to 365 days after its end', () => {
  const closed = plan({ start: '2018-01-31', end: '2019-01-31' })
  const leap = plan({ start: '2018-01-31', end: '2019-03-01' })
  test.each([
    [closed, '2018-01-30', false, 'the day before it starts'],
    [closed, '2018-01-31', true, 'the day it starts'],
    [closed, '2019-01-31', true, 'the day it ends'],
    [closed, '2020-01-31', true, 'day 365'],
    [closed, '2020-02-01', false, 'day 366'],
    [leap, '2020-02-29', true, 'day 365 of a span with a leap day'],
    [leap, '2020-03-01', false, 'day 366 of it: a calendar year, but not 365 days'],
  ])('%# %s', (one, on, expected) => {
    expect(isVisible(one, day(on))).toBe(expected)
  })

  test('and says until when', () => {
    expect(shownUntil(leap)).toBe('2020-02-29')
    expect(shownUntil(plan())).toBeUndefined()
  })
})

describe('R3 a plan without an end', () => {
  test('is visible without limit', () => {
    expect(isVisible(plan({ start: '1991-01-01' }), day('2099-12-31'))).toBe(true)
  })
})

describe('R4 a withdrawn plan', () => {
  test('is never visible', () => {
    expect(isVisible(plan({ withdrawn: true }), TODAY)).toBe(false)
    expect(isOpen(plan({ withdrawn: true }), TODAY)).toBe(false)
  })
})

describe('R5 an end that arrives late', () => {
  test('closes and hides the plan by R2', () => {
    expect(isVisible(plan({ start: '2015-01-01', end: '2020-01-01' }), TODAY)).toBe(false)
  })
})

describe('R6 the 18th birthday hides CPP and LAC', () => {
  test.each([
    ['2008-05-03', '2026-05-03'],
    ['2008-02-29', '2026-03-01'],
    ['2010-02-28', '2028-02-28'],
    ['2006-02-28', '2024-02-28'],
    ['2008-02', '2026-03-01'],
    ['2008-04', '2026-04-30'],
    ['2008', '2026-12-31'],
  ])('born %s: %s', (birthDate, birthday) => {
    expect(eighteenthBirthday(birthDate)).toBe(birthday)
    const one = plan({ birthDate, start: '2020-01-01' })
    expect(isVisible(one, addDays(day(birthday), -1))).toBe(true)
    expect(isVisible(one, day(birthday))).toBe(false)
  })

  test('also inside the 365 days', () => {
    const one = plan({ type: 'LAC', birthDate: '2008-05-03', end: '2026-04-01' })
    expect(isVisible(one, day('2026-05-02'))).toBe(true)
    expect(isVisible(one, day('2026-05-03'))).toBe(false)
  })

  test('not an unborn plan: the mother’s age does not matter', () => {
    expect(isVisible(plan({ type: 'UCPP', birthDate: '1990-01-01' }), TODAY)).toBe(true)
  })

  test.each([[undefined], ['unknown'], ['2008-13'], ['']])('unknown (%j): visible', (birthDate) => {
    const one = birthDate === undefined ? plan() : plan({ birthDate })
    expect(isVisible(one, day('2060-01-01'))).toBe(true)
  })
})

describe('R12 status follows the dates', () => {
  test.each([
    [{ start: '2026-05-04' }, 'planned'],
    [{ start: '2026-05-03' }, 'active'],
    [{ end: '2026-05-04' }, 'active'],
    [{ end: '2026-05-03' }, 'active'],
    [{ end: '2026-05-02' }, 'finished'],
    [{ end: '2026-05-02', withdrawn: true }, 'entered-in-error'],
  ])('%j is %s', (parts, status) => {
    expect(statusOn(plan(parts), TODAY)).toBe(status)
  })

  test.each([
    [{ end: '2026-05-03' }, true],
    [{ end: '2026-05-02' }, false],
    [{}, true],
  ])('%j open: %s', (parts, expected) => {
    expect(isOpen(plan(parts), TODAY)).toBe(expected)
  })
})

describe('R14 the Flag is active on every day on which the plan is visible', () => {
  test.each([
    [{ start: '2026-05-04' }, 'inactive'],
    [{}, 'active'],
    [{ start: '2025-01-01', end: '2025-05-03' }, 'active'],
    [{ start: '2025-01-01', end: '2025-05-02' }, 'inactive'],
    [{ birthDate: '2008-05-03' }, 'inactive'],
    [{ withdrawn: true }, 'entered-in-error'],
  ])('%j: %s', (parts, status) => {
    expect(flagStatusOn(plan(parts), TODAY)).toBe(status)
  })

  test('and on no other day', () => {
    fc.assert(
      fc.property(fc.integer({ min: -800, max: 800 }), fc.integer({ min: 0, max: 400 }), (from, length) => {
        const start = addDays(TODAY, from)
        const one = plan({ start, end: addDays(start, length) })
        expect(flagStatusOn(one, TODAY) === 'active').toBe(isVisible(one, TODAY))
        expect(isVisible(one, TODAY)).toBe(start <= TODAY && TODAY <= addDays(start, length + 365))
      }),
    )
  })
})

describe('R7 several plans', () => {
  test('all visible ones are shown, whoever filed them', () => {
    const shown = [plan({ id: 'a' }), plan({ id: 'b', type: 'LAC' }), plan({ id: 'c', owner: LEEDS })]
    const hidden = [plan({ id: 'd', withdrawn: true }), plan({ id: 'e', start: '2026-06-01' })]
    expect(findVisible([...shown, ...hidden], TODAY)).toEqual(shown)
  })
})

describe('R24 the mother’s plan shows for her baby', () => {
  const ofMother = plan({ id: 'm', type: 'UCPP', via: 'mother', start: '2025-12-01', birthDate: '1995-01-01' })
  const idsOf = (...plans: readonly ReturnType<typeof plan>[]): readonly string[] =>
    findVisible([ofMother, ...plans], TODAY).map((one) => one.id)

  test.each([
    ['with nothing of the baby’s own', [], ['m']],
    ['with a future plan of the baby', [plan({ id: 'f', start: '2026-05-04' })], ['m']],
    ['with a mistaken plan of the baby', [plan({ id: 'w', withdrawn: true })], ['m']],
    ['with a plan of the baby by another authority', [plan({ id: 'o', owner: LEEDS })], ['m', 'o']],
    ['until the baby’s own plan has started', [plan({ id: 's', start: TODAY })], ['s']],
    [
      'and not again when that one has ended and is hidden',
      [plan({ id: 'e', start: '2024-01-01', end: '2024-02-01' })],
      [],
    ],
    ['also under a replaced number', [plan({ id: 'r', via: 'superseded' })], ['r']],
  ])('%s', (_, plans, ids) => {
    expect(idsOf(...plans)).toEqual(ids)
  })

  test('also when it was ended at birth, for its 365 days', () => {
    const ended = plan({ ...ofMother, start: '2025-01-01', end: '2025-05-03' })
    expect(findVisible([ended], TODAY)).toEqual([ended])
    expect(findVisible([ended], addDays(TODAY, 1))).toEqual([])
  })

  test('and a second plan of hers by the same authority does not end it', () => {
    const other = plan({ id: 'n', type: 'UCPP', via: 'mother', owner: DERBYSHIRE })
    expect(findVisible([ofMother, other], TODAY)).toHaveLength(2)
  })
})
