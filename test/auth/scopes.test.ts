import { describe, expect, test } from '@jest/globals'
import { coversScope, hasScope, parseResourceScope, parseScopes, SCOPE } from '../../src/auth/scopes.ts'

describe('parseScopes', () => {
  test.each([
    ['a SMART v1 scope', 'system/EpisodeOfCare.read'],
    ['a wildcard type', 'system/*.rs'],
    ['a wildcard permission', 'system/EpisodeOfCare.*'],
    ['letters out of order', 'system/EpisodeOfCare.sr'],
    ['a letter twice', 'system/EpisodeOfCare.rr'],
    ['no letters', 'system/EpisodeOfCare.'],
    ['a search condition', 'system/EpisodeOfCare.rs?status=active'],
    ['a patient scope', 'patient/EpisodeOfCare.rs'],
    ['a type in lower case', 'system/episodeOfCare.rs'],
    ['a scope of nobody', 'https://cpis.example/fhir/scope/everything'],
    ['openid', 'openid'],
    ['a tab between scopes', 'system/Flag.rs\tsystem/Patient.rs'],
    ['a known scope beside an unknown one', `${SCOPE.check} offline_access`],
  ])('knows nothing of %s', (_, text) => {
    expect(parseScopes(text)).toBeUndefined()
  })

  test('keeps the order and drops repetitions', () => {
    expect(parseScopes(`system/Flag.rs  ${SCOPE.check} system/Flag.rs`)).toEqual(['system/Flag.rs', SCOPE.check])
  })

  test('gives an empty list for an empty text', () => {
    expect(parseScopes('')).toEqual([])
  })
})

describe('parseResourceScope', () => {
  test('takes a scope apart', () => {
    expect(parseResourceScope('user/AuditEvent.rs')).toEqual({ context: 'user', type: 'AuditEvent', permissions: 'rs' })
  })
})

describe('coversScope', () => {
  test.each([
    ['system/Flag.rs', 'system/Flag.cruds'],
    ['system/Flag.rs', 'system/Flag.d'],
    ['system/Flag.cruds', 'user/Flag.r'],
    ['system/Flag.cruds', 'system/Patient.r'],
    [SCOPE.check, SCOPE.birth],
    [SCOPE.admin, SCOPE.check],
    ['system/Flag.cruds', SCOPE.check],
  ])('%s does not cover %s', (granted, wanted) => {
    expect(coversScope(granted, wanted)).toBe(false)
  })

  test.each([
    ['system/Flag.cruds', 'system/Flag.rs'],
    ['system/Flag.rs', 'system/Flag.s'],
    [SCOPE.check, SCOPE.check],
  ])('%s covers %s', (granted, wanted) => {
    expect(coversScope(granted, wanted)).toBe(true)
  })

  test('one of several scopes is enough', () => {
    expect(hasScope(['system/Flag.r', 'system/Patient.s'], 'system/Patient.s')).toBe(true)
    expect(hasScope([], 'system/Patient.s')).toBe(false)
  })
})
