import { describe, expect, test } from '@jest/globals'
import { contactsInWords, planInWords } from '../../../src/domain/disclosure/words.ts'
import type { FoundPlan } from '../../../src/domain/visibility.ts'
import { DERBYSHIRE, DERBYSHIRE_ORGANIZATION, plan, TODAY } from '../../support/domain-facts.ts'

describe('a plan in plain words', () => {
  const closed = { start: '2024-06-01', end: '2026-03-01' }
  test.each<[FoundPlan, string]>([
    [plan({ start: '2026-05-03' }), 'Subject to a child protection plan with Derbyshire since 3 May 2026 (open).'],
    [
      plan({ end: '2026-06-01' }),
      'Subject to a child protection plan with Derbyshire since 1 February 2026 (open, due to end on 1 June 2026).',
    ],
    [
      plan(closed),
      'Was subject to a child protection plan with Derbyshire from 1 June 2024 until 1 March 2026 (closed, shown until 1 March 2027).',
    ],
    [plan({ type: 'LAC' }), 'Looked after by Derbyshire since 1 February 2026 (open).'],
    [
      plan({ type: 'LAC', ...closed }),
      'Was looked after by Derbyshire from 1 June 2024 until 1 March 2026 (closed, shown until 1 March 2027).',
    ],
    [
      plan({ type: 'UCPP' }),
      'An unborn child of this woman is subject to a child protection plan with Derbyshire since 1 February 2026 (open).',
    ],
    [
      plan({ type: 'UCPP', ...closed }),
      'An unborn child of this woman was subject to a child protection plan with Derbyshire from 1 June 2024 until 1 March 2026 (closed, shown until 1 March 2027).',
    ],
    [
      plan({ type: 'UCPP', via: 'mother' }),
      'Filed on the mother before birth: this child is subject to a child protection plan with Derbyshire since 1 February 2026 (open).',
    ],
    [
      plan({ type: 'UCPP', via: 'mother', ...closed }),
      'Filed on the mother before birth: this child was subject to a child protection plan with Derbyshire from 1 June 2024 until 1 March 2026 (closed, shown until 1 March 2027).',
    ],
  ])('%#', (one, words) => {
    expect(planInWords(one, 'Derbyshire', TODAY)).toBe(words)
  })

  test('names the authority by its code when its name is not at hand', () => {
    expect(planInWords(plan(), undefined, TODAY)).toContain(`with the local authority ${DERBYSHIRE} since`)
  })
})

describe('whom to call', () => {
  test('by purpose', () => {
    expect(contactsInWords(DERBYSHIRE_ORGANIZATION)).toBe(
      'Call Derbyshire: office hours 01632 960200; MASH 01632 960202.',
    )
  })

  test('nobody, when no telephone is known', () => {
    expect(contactsInWords({ resourceType: 'Organization', name: 'Derbyshire' })).toBeUndefined()
    const contact = [{ telecom: [{ system: 'email' as const, value: 'mash@derbyshire.example' }] }]
    expect(contactsInWords({ resourceType: 'Organization', name: 'Derbyshire', contact })).toBeUndefined()
  })
})
