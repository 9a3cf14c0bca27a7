/** Tables of the rules that no single file of the domain holds (register.md R16, P2, P4). Pure. */
import { describe, expect, test } from '@jest/globals'
import { authoritiesOf } from '../../src/domain/access-history.ts'
import type { PlanType } from '../../src/domain/brands.ts'
import { buildAccessEvents } from '../../src/domain/events.ts'
import { decideAccess } from '../../src/domain/incident.ts'
import { parsePlan } from '../../src/domain/upload/parse-plan.ts'
import { findVisible } from '../../src/domain/visibility.ts'
import { FILING, LEEDS, plan, sentLookedAfter, sentPlan, TODAY } from '../support/domain-facts.ts'

describe('R16 all faults of a plan at once', () => {
  const spoilt = {
    number: { patient: { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9995973953' } } },
    dates: { period: { start: '2026-02-01', end: '2026-01-01' } },
    status: { status: 'onhold' as const },
  }
  test.each([
    [
      ['number', 'dates'],
      ['INVALID_NHS_NUMBER', 'END_BEFORE_START'],
    ],
    [
      ['dates', 'status'],
      ['END_BEFORE_START', 'STATUS_NOT_TAKEN'],
    ],
    [
      ['number', 'dates', 'status'],
      ['INVALID_NHS_NUMBER', 'END_BEFORE_START', 'STATUS_NOT_TAKEN'],
    ],
  ] as const)('R16 %p', (parts, codes) => {
    const sent = sentPlan(Object.assign({}, ...parts.map((part) => spoilt[part])))
    const { issues, plan: draft } = parsePlan(sent, FILING)
    expect(draft).toBeUndefined()
    expect(new Set(issues.map((one) => one.code))).toEqual(new Set(codes))
    expect(issues.every((one) => one.expression !== undefined)).toBe(true)
  })
})

describe('P2 whoever is told of an access may read its record', () => {
  const mixes: readonly (readonly [string, readonly (readonly [PlanType, string | undefined])[]])[] = [
    ['one council', [['CPP', undefined]]],
    [
      'two types',
      [
        ['CPP', undefined],
        ['LAC', '2026-01-01'],
      ],
    ],
    [
      'an unborn plan no longer told',
      [
        ['UCPP', '2026-02-02'],
        ['LAC', undefined],
      ],
    ],
    ['only an unborn plan no longer told', [['UCPP', '2026-02-02']]],
  ]
  test.each(mixes)('P2 %s', (_name, kinds) => {
    const plans = findVisible(
      kinds.map(([type, end], nth) =>
        plan({
          id: `plan-${nth}`,
          owner: nth === 0 ? 'E10000007' : LEEDS,
          type,
          start: '2025-06-01',
          ...(end === undefined ? {} : { end }),
          ...(type === 'UCPP' ? { expectedDelivery: '2026-02-02' } : {}),
        }),
      ),
      TODAY,
    )
    const at = new Date('2026-05-03T11:00:00Z')
    const { state, carried } = decideAccess({ incidents: [] }, at, 'incident-1')
    let count = 0
    const newId = () => `event-${++count}`
    const facts = {
      plans,
      incident: state.incident,
      carried,
      setting: 'ambulance',
      auditId: 'audit-1',
      at,
      today: TODAY,
    }
    const events = buildAccessEvents({ ...facts, newId })
    expect(plans).toHaveLength(kinds.length)
    for (const event of events) {
      expect(event.auditId).toBe('audit-1')
      expect(authoritiesOf(plans)).toContain(event.authority)
      expect(event.plans.length).toBeGreaterThan(0)
    }
  })
})

describe('P4 what is plain is taken, with a remark', () => {
  test.each([
    ['no legal basis', sentLookedAfter(), 'LEGAL_BASIS_MISSING'],
    ['a status that the dates contradict', sentPlan({ status: 'finished' }), 'STATUS_CORRECTED'],
    ['cancelled for entered-in-error', sentPlan({ status: 'cancelled' }), 'STATUS_CORRECTED'],
  ])('P4 %s', (_name, sent, code) => {
    const { issues, plan: draft } = parsePlan(sent, FILING)
    expect(draft).toBeDefined()
    expect(issues.map((one) => one.code)).toContain(code)
  })

  test.each([
    ['spaces in the number', sentPlan({ patient: { identifier: numberOf('999 597 3952') } }), '9995973952'],
    ['a dateTime for a day', sentPlan({ period: { start: '2026-01-31T23:30:00+00:00' } }), '2026-01-31'],
  ])('P4 %s', (_name, sent, kept) => {
    expect(JSON.stringify(parsePlan(sent, FILING).plan?.resource)).toContain(kept)
  })
})

function numberOf(value: string) {
  return { system: 'https://fhir.nhs.uk/Id/nhs-number', value }
}
