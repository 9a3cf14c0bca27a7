import { describe, expect, test } from '@jest/globals'
import type { LondonDay, NhsNumber } from '../../src/domain/brands.ts'
import {
  type Birth,
  decideNotice,
  factsOfNumber,
  linksAfter,
  type NumberLink,
  type NumberNotice,
} from '../../src/domain/number-notice.ts'

const n = (text: string): NhsNumber => text as NhsNumber
const AT = '2026-05-03T12:00:00.000Z'
const link = (from: string, to?: string, at = AT): NumberLink => ({
  from: n(from),
  ...(to === undefined ? {} : { to: n(to) }),
  at,
})
const birth = (mother: string, baby: string, at = AT): Birth => ({
  mother: n(mother),
  baby: n(baby),
  birthDate: '2026-05-02' as LondonDay,
  at,
})
const superseded = (from: string, to: string): NumberNotice => ({ reason: 'superseded', from: n(from), to: n(to) })
const invalid = (from: string): NumberNotice => ({ reason: 'invalid', from: n(from) })
const correction = (from: string, to?: string): NumberNotice => ({
  reason: 'correction',
  from: n(from),
  ...(to === undefined ? {} : { to: n(to) }),
})

describe('R23 what a notice does to the links that stand', () => {
  const cases: readonly [string, readonly NumberLink[], NumberNotice, object][] = [
    ['by itself', [], superseded('A', 'A'), { kind: 'loop' }],
    ['back', [link('A', 'B')], superseded('B', 'A'), { kind: 'loop' }],
    ['back over a chain', [link('A', 'B'), link('B', 'C')], superseded('C', 'A'), { kind: 'loop' }],
    ['a correction by itself', [], correction('A', 'A'), { kind: 'loop' }],
    ['anew', [], superseded('A', 'B'), { kind: 'changed', made: link('A', 'B') }],
    ['again', [link('A', 'B')], superseded('A', 'B'), { kind: 'nothing-new' }],
    [
      'by another',
      [link('A', 'B')],
      superseded('A', 'C'),
      { kind: 'changed', undone: link('A', 'B'), made: link('A', 'C') },
    ],
    [
      'by the end of its own chain',
      [link('A', 'B'), link('B', 'C')],
      superseded('A', 'C'),
      { kind: 'changed', undone: link('A', 'B'), made: link('A', 'C') },
    ],
    ['by nothing', [], invalid('A'), { kind: 'changed', made: link('A') }],
    ['by nothing again', [link('A')], invalid('A'), { kind: 'nothing-new' }],
    [
      'by nothing after all',
      [link('A', 'B')],
      invalid('A'),
      { kind: 'changed', undone: link('A', 'B'), made: link('A') },
    ],
    [
      'by something after all',
      [link('A')],
      superseded('A', 'B'),
      { kind: 'changed', undone: link('A'), made: link('A', 'B') },
    ],
    ['a correction of it', [link('A', 'B')], correction('A', 'B'), { kind: 'changed', undone: link('A', 'B') }],
    [
      'a correction that names no new number',
      [link('A', 'B')],
      correction('A'),
      { kind: 'changed', undone: link('A', 'B') },
    ],
    ['a correction of an adoption', [link('A')], correction('A'), { kind: 'changed', undone: link('A') }],
    ['a correction of another link', [link('A', 'B')], correction('A', 'C'), { kind: 'nothing-new' }],
    ['a correction the wrong way round', [link('A', 'B')], correction('B', 'A'), { kind: 'nothing-new' }],
    ['a correction of nothing', [], correction('A', 'B'), { kind: 'nothing-new' }],
  ]
  test.each(cases)('%s', (_name, links, notice, decided) => {
    expect(decideNotice(links, notice, AT)).toEqual(decided)
  })

  test('leaves all other links', () => {
    const links = [link('A', 'B'), link('C', 'B')]
    expect(linksAfter(links, { kind: 'changed', undone: link('A', 'B'), made: link('A', 'D') })).toEqual([
      link('C', 'B'),
      link('A', 'D'),
    ])
  })
})

describe('R23 R24 what the notices mean for a plan under a number', () => {
  const notices = {
    links: [link('A', 'B'), link('B', 'C'), link('X')],
    births: [
      birth('B', 'twin', '2026-05-03T12:02:00Z'),
      birth('A', 'first', '2026-05-03T12:01:00Z'),
      birth('A', 'twin'),
    ],
  }
  test.each([
    ['A', { newNumber: 'C', isRetired: true, babyNumbers: ['twin', 'first'] }],
    ['B', { newNumber: 'C', isRetired: true, babyNumbers: ['twin', 'first'] }],
    ['C', { isRetired: false, babyNumbers: ['twin', 'first'] }],
    ['X', { isRetired: true, babyNumbers: [] }],
    ['nobody', { isRetired: false, babyNumbers: [] }],
  ])('%s', (number, facts) => {
    expect(factsOfNumber(notices, n(number))).toEqual(facts)
  })
})
