/** Cursors: sealed, bound to who asked for what, and short enough for a link. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Caller } from '../../src/auth/caller.ts'
import { FhirError } from '../../src/fhir/fhir-error.ts'
import { type Cursor, openCursor, sealCursor } from '../../src/interactions/cursor.ts'
import { authorityCaller, userCaller } from '../support/callers.ts'
import { openTestStore, type TestStore } from '../support/test-store.ts'

const NUMBER = '9995973952'
const CURSOR: Cursor = {
  places: [
    ['2026-05-03', 'a'],
    ['2026-05-02', 'b'],
  ],
  parameters: [['patient:identifier', NUMBER]],
}

let world: TestStore
beforeAll(async () => {
  world = await openTestStore()
})
afterAll(() => world.close())

const holderOf = (caller: Caller | undefined) => ({ caller, context: { store: world.store } })
const la = authorityCaller('la-supplier', 'E10000007')

function codeOf(work: () => unknown): string | undefined {
  try {
    work()
  } catch (error) {
    if (error instanceof FhirError) return error.issues[0]?.code
    throw error
  }
  return undefined
}

describe('a cursor is refused', () => {
  const sealed = (): string => sealCursor(CURSOR, 'EpisodeOfCare', holderOf(la))

  test.each<[string, Caller | undefined]>([
    ['for another authority', authorityCaller('la-supplier', 'E06000015')],
    ['for another kind of caller', authorityCaller('la-receiver', 'E10000007')],
    ['for another client', { ...la, clientId: 'another' }],
    ['for a person', userCaller('auditor')],
    ['without a caller', undefined],
  ])('%s', (_whose, caller) => {
    expect(codeOf(() => openCursor(sealed(), 'EpisodeOfCare', holderOf(caller)))).toBe('INVALID_PARAMETER')
  })

  test('for another search', () => {
    expect(codeOf(() => openCursor(sealed(), 'Flag', holderOf(la)))).toBe('INVALID_PARAMETER')
  })

  test('when it was changed in any place, or cut', () => {
    const text = sealed()
    for (let at = 0; at < text.length; at += 1) {
      const other = text[at] === 'A' ? 'B' : 'A'
      const changed = text.slice(0, at) + other + text.slice(at + 1)
      const opened = codeOf(() => openCursor(changed, 'EpisodeOfCare', holderOf(la)))
      // The last letter of base64url may hold bits that mean nothing
      if (at < text.length - 1) expect(opened).toBe('INVALID_PARAMETER')
    }
    expect(codeOf(() => openCursor(text.slice(0, -4), 'EpisodeOfCare', holderOf(la)))).toBe('INVALID_PARAMETER')
    expect(codeOf(() => openCursor('', 'EpisodeOfCare', holderOf(la)))).toBe('INVALID_PARAMETER')
  })
})

test('the same caller opens it, also with a new token; nobody reads the number in it', () => {
  const sealed = sealCursor(CURSOR, 'EpisodeOfCare', holderOf(la))
  expect(openCursor(sealed, 'EpisodeOfCare', holderOf({ ...la, tokenId: 'new' }))).toEqual(CURSOR)
  expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain(NUMBER)
  expect(sealed).toMatch(/^[A-Za-z0-9_.-]+$/)
})

test('a way of 1,000 pages stays short: only the last places are kept', () => {
  const places = Array.from({ length: 1000 }, (_, nth): [string, string] => ['2026-05-03T11:00:00.000Z', `id-${nth}`])
  const sealed = sealCursor({ places, parameters: [] }, 'AuditEvent', holderOf(la))
  expect(sealed.length).toBeLessThan(4000)
  expect(openCursor(sealed, 'AuditEvent', holderOf(la)).places.at(-1)).toEqual(places.at(-1))
})
