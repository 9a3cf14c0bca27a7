import { describe, expect, test } from '@jest/globals'
import { identifierOfCondition } from '../../src/interactions/write/foresee-reads.ts'
import { buildRowCache } from '../../src/interactions/write/row-cache.ts'
import type { Criterion, Row } from '../../src/store/store.ts'
import { planRow, resourceId } from '../support/test-store.ts'

const token = (value: string) => ({ system: 'urn:plan', value })
const byToken = (value: string): Criterion => ({ field: 'identifier', tokens: [token(value)] })
const named = (id: string, value: string, more: object = {}): Row<'EpisodeOfCare'> =>
  planRow({ id, index: { identifiers: [token(value)], ...more } })

describe('rows that are known', () => {
  test('what was not read is not known, and so is every other form of question', () => {
    const cache = buildRowCache()
    cache.knowAll('EpisodeOfCare', byToken('a'))
    const search = (criteria: readonly Criterion[], more: object = {}) =>
      cache.search('EpisodeOfCare', { criteria, limit: 5, ...more })
    expect(search([byToken('a')])).toEqual([])
    expect(search([byToken('b')])).toBeUndefined()
    expect(search([])).toBeUndefined()
    expect(search([{ field: 'identifier', tokens: [token('a')], not: true }])).toBeUndefined()
    expect(search([{ field: 'identifier', tokens: [{ value: 'a' }] }])).toBeUndefined()
    expect(search([{ field: 'identifier', tokens: [token('a'), token('b')] }])).toBeUndefined()
    expect(search([byToken('a'), { field: 'status', anyOf: ['active'] }])).toBeUndefined()
    expect(search([byToken('a')], { after: ['x', 'x'] })).toBeUndefined()
    expect(search([{ or: [[byToken('a')]] }])).toBeUndefined()
    expect(cache.search('Patient', { criteria: [byToken('a')], limit: 5 })).toBeUndefined()
  })

  test('a row leaves the keys that it no longer has, and all of them when it is deleted', () => {
    const cache = buildRowCache()
    for (const value of ['a', 'b']) cache.knowAll('EpisodeOfCare', byToken(value))
    const ids = (value: string) =>
      cache.search('EpisodeOfCare', { criteria: [byToken(value)], limit: 5 })?.map((one) => one.id)
    cache.put(named('2', 'a'))
    cache.put(named('1', 'a'))
    expect(ids('a')).toEqual(['1', '2'])
    cache.put(named('1', 'b'))
    expect([ids('a'), ids('b')]).toEqual([['2'], ['1']])
    cache.put({ ...named('2', 'a'), deleted: true })
    expect(ids('a')).toEqual([])
    expect(cache.byId('EpisodeOfCare', '2')?.deleted).toBe(true)
  })

  test('plans without a Patient, of a number', () => {
    const cache = buildRowCache()
    const number: Criterion = { field: 'nhsNumber', anyOf: ['9998450055'] }
    cache.knowAll('EpisodeOfCare', number)
    cache.put(planRow({ id: '1', number: '9998450055' }))
    cache.put(planRow({ id: '2', number: '9998450055', index: { patientId: resourceId('p') } }))
    const criteria: Criterion[] = [number, { field: 'patientId', missing: true }]
    expect(cache.search('EpisodeOfCare', { criteria, limit: 5 })?.map((one) => one.id)).toEqual(['1'])
    expect(cache.search('EpisodeOfCare', { criteria: [number], limit: 1 })?.length).toBe(1)
  })

  test('plans that name their child and have no Patient, with the system or by the value alone', () => {
    const cache = buildRowCache()
    const child = { system: 'urn:child', value: 'c' }
    expect(cache.naming([child])).toBeUndefined()
    cache.knowNaming(child)
    cache.put(named('1', 'a', { patientToken: child }))
    cache.put(named('2', 'b', { patientToken: { value: 'c' } }))
    cache.put(named('3', 'c', { patientToken: child, patientId: resourceId('p') }))
    expect(cache.naming([child])?.map((one) => one.id)).toEqual(['1', '2'])
  })
})

describe('the identifier that a condition names', () => {
  test.each([
    ['identifier=urn:plan|a', token('a')],
    ['EpisodeOfCare?identifier=urn%3Aplan%7Ca', token('a')],
    ['identifier=a', undefined],
    ['identifier=|a', undefined],
    ['identifier=urn:plan|', undefined],
    ['identifier=urn:plan|a,urn:plan|b', undefined],
    ['identifier=urn:plan|a\\,b', undefined],
    ['identifier:not=urn:plan|a', undefined],
    ['identifier=urn:plan|a&status=active', undefined],
    ['status=active', undefined],
    [undefined, undefined],
  ])('%s', (condition, expected) => {
    expect(identifierOfCondition(condition)).toEqual(expected)
  })
})
