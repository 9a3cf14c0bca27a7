import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { lastNumber, numbersOfChild, without, wouldLoop } from '../../src/domain/number-chain.ts'

const CHAIN = new Map([
  ['a', 'b'],
  ['b', 'c'],
  ['x', 'c'],
])

describe('R23 replaced numbers', () => {
  test.each([
    ['a', 'c'],
    ['b', 'c'],
    ['c', 'c'],
    ['x', 'c'],
    ['other', 'other'],
  ])('%s is the child %s', (number, child) => {
    expect(lastNumber(CHAIN, number)).toBe(child)
  })

  test.each(['a', 'b', 'c', 'x'])('%s finds the plans of all numbers of the child', (number) => {
    expect([...numbersOfChild(CHAIN, number)].sort()).toEqual(['a', 'b', 'c', 'x'])
  })

  test('a number of nobody else stands alone', () => {
    expect([...numbersOfChild(CHAIN, 'other')]).toEqual(['other'])
  })

  test.each([
    ['a', 'a', true],
    ['c', 'a', true],
    ['c', 'b', true],
    ['b', 'a', true],
    ['a', 'b', false],
    ['c', 'd', false],
    ['x', 'a', false],
  ])('replacing %s by %s closes a circle: %s', (from, to, expected) => {
    expect(wouldLoop(CHAIN, from, to)).toBe(expected)
  })

  test('a correction undoes a link', () => {
    expect([...numbersOfChild(without(CHAIN, 'b'), 'a')].sort()).toEqual(['a', 'b'])
  })

  test('a circle is never followed for ever', () => {
    expect(() =>
      lastNumber(
        new Map([
          ['a', 'b'],
          ['b', 'a'],
        ]),
        'a',
      ),
    ).toThrow('circle')
  })

  test('no order of replacements that are let through makes a circle', () => {
    const number = fc.constantFrom(...'abcdefgh')
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number), { maxLength: 30 }), (links) => {
        let all: ReadonlyMap<string, string> = new Map()
        for (const [from, to] of links) if (!wouldLoop(all, from, to)) all = new Map([...all, [from, to]])
        for (const one of 'abcdefgh') expect(numbersOfChild(all, one)).toContain(lastNumber(all, one))
      }),
    )
  })
})
