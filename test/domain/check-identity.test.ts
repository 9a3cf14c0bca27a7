import { describe, expect, test } from '@jest/globals'
import { checkIdentity } from '../../src/domain/check-identity.ts'
import type { FoundPlan } from '../../src/domain/visibility.ts'
import { plan } from '../support/domain-facts.ts'

describe('the birth date of a check', () => {
  const held = plan({ birthDate: '2016-06-12' })
  test.each<[string | undefined, readonly FoundPlan[], boolean, string]>([
    ['2016-06-13', [held], true, 'differs from the one held'],
    ['2016-06-12', [held], false, 'agrees'],
    ['2016-06-12', [plan({ birthDate: '2015-01-01' }), held], false, 'agrees with one of those held'],
    ['2016-06-12', [plan({ birthDate: '2016-06' })], false, 'agrees with the month held'],
    ['2016-07-12', [plan({ birthDate: '2016-06' })], true, 'differs from the month held'],
    ['2016', [held], false, 'is the year of the one held'],
    ['2016-06-13', [plan()], false, 'nothing is held'],
    ['2026-04-01', [plan({ via: 'mother', birthDate: '1995-01-01' })], false, 'is not the mother’s'],
    [undefined, [held], false, 'was not sent'],
  ])('%s %#: %s (%s)', (birthDate, plans, warns) => {
    expect(checkIdentity(birthDate, plans)).toEqual(warns ? [{ code: 'CHECK_IDENTITY' }] : [])
  })
})
