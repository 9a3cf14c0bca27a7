import { describe, expect, test } from '@jest/globals'
import { authoritiesOf, maySeeAccess, shownAccesses } from '../../src/domain/access-history.ts'
import { type AccessFacts, buildAccessEvents, buildPlanEvent, noteOpened } from '../../src/domain/events.ts'
import { decideAccess } from '../../src/domain/incident.ts'
import { access, DERBYSHIRE, LEEDS, plan, TODAY } from '../support/domain-facts.ts'

const AT = new Date('2026-05-03T09:12:00.000Z')
const decided = decideAccess({ incidents: [] }, AT, 'incident-1')

function facts(parts: Partial<AccessFacts> = {}): AccessFacts {
  let ids = 0
  return {
    plans: [plan()],
    incident: decided.state.incident,
    carried: decided.carried,
    setting: 'emergency-department',
    auditId: 'audit-1',
    at: AT,
    today: TODAY,
    newId: () => {
      ids += 1
      return `event-${ids}`
    },
    ...parts,
  }
}

describe('R18 an access is told', () => {
  test('to the authority with a visible plan, as facts', () => {
    expect(buildAccessEvents(facts())).toEqual(
      ['child-checked', 'incident-opened'].map((topic, at) => ({
        id: `event-${at + 1}`,
        at: AT.toISOString(),
        topic,
        authority: DERBYSHIRE,
        plans: [{ id: 'plan-1', version: 1, type: 'CPP' }],
        caseStatus: 'open',
        setting: 'emergency-department',
        incident: { id: 'incident-1', leg: 1, inSixMonths: 1 },
        auditId: 'audit-1',
      })),
    )
  })

  test('R7 to every authority, each of its own plans only', () => {
    const plans = [
      plan({ id: 'a' }),
      plan({ id: 'b', owner: LEEDS, end: '2026-04-01' }),
      plan({ id: 'c', type: 'LAC' }),
    ]
    const checked = buildAccessEvents(facts({ plans })).filter((event) => event.topic === 'child-checked')
    expect(checked.map((event) => [event.authority, event.plans.map((one) => one.id), event.caseStatus])).toEqual([
      [LEEDS, ['b'], 'closed'],
      [DERBYSHIRE, ['a', 'c'], 'open'],
    ])
  })

  test('to nobody when nothing is visible', () => {
    expect(buildAccessEvents(facts({ plans: [] }))).toEqual([])
  })

  test('carries nothing of the child', () => {
    const plans = [plan({ birthDate: '2016-06-12' })]
    expect(JSON.stringify(buildAccessEvents(facts({ plans })))).not.toContain('2016-06-12')
  })
})

describe('R20 a closed unborn plan', () => {
  const late = plan({
    id: 'late',
    type: 'UCPP',
    start: '2025-06-01',
    end: '2026-01-01',
    expectedDelivery: '2026-01-01',
  })

  test('is told no more 28 days after the expected delivery, though it is shown', () => {
    expect(buildAccessEvents(facts({ plans: [late] }))).toEqual([])
  })

  test('does not silence or join another plan of the same authority', () => {
    const [checked] = buildAccessEvents(facts({ plans: [late, plan({ id: 'own', end: '2026-04-01' })] }))
    expect(checked).toMatchObject({ plans: [{ id: 'own' }], caseStatus: 'closed' })
  })
})

describe('R21 incident-opened', () => {
  test('comes once per incident and authority', () => {
    const first = buildAccessEvents(facts())
    const noted = noteOpened(decided.state.incident, first)
    expect(noted.openedFor).toEqual([DERBYSHIRE])
    expect(buildAccessEvents(facts({ incident: noted })).map((event) => event.topic)).toEqual(['child-checked'])
    expect(noteOpened(noted, [])).toBe(noted)
  })

  test('comes later for an authority whose plan became visible during the incident', () => {
    const incident = { ...decided.state.incident, openedFor: [DERBYSHIRE] }
    const plans = [plan(), plan({ id: 'b', owner: LEEDS })]
    expect(buildAccessEvents(facts({ incident, plans })).map((event) => [event.authority, event.topic])).toEqual([
      [LEEDS, 'child-checked'],
      [LEEDS, 'incident-opened'],
      [DERBYSHIRE, 'child-checked'],
    ])
  })
})

describe('R25 nothing empty', () => {
  test.each(['nhs-number-missing', 'nhs-number-superseded', 'baby-born'] as const)('%s names the plan', (topic) => {
    expect(buildPlanEvent(topic, plan(), { id: 'event-1', at: AT, today: TODAY })).toEqual({
      id: 'event-1',
      at: AT.toISOString(),
      topic,
      authority: DERBYSHIRE,
      plans: [{ id: 'plan-1', version: 1, type: 'CPP' }],
      caseStatus: 'open',
    })
  })
})

describe('R19 the access history', () => {
  test('shows the last 25, newest first', () => {
    const minutes = Array.from({ length: 30 }, (_, at) => at)
    const all = minutes.map((at) => access({ id: `a${at}`, at: new Date(AT.getTime() + at * 60_000).toISOString() }))
    const shown = shownAccesses(all)
    expect(shown.map((one) => one.id)).toEqual(
      minutes
        .slice(5)
        .reverse()
        .map((at) => `a${at}`),
    )
    expect(shownAccesses([...all].reverse())).toEqual(shown)
  })

  test('lets an authority see the accesses made while one of its plans was visible', () => {
    const authorities = authoritiesOf([plan(), plan({ id: 'b', owner: LEEDS }), plan({ id: 'c' })])
    expect(authorities).toEqual([LEEDS, DERBYSHIRE])
    expect(maySeeAccess({ authorities }, DERBYSHIRE)).toBe(true)
    expect(maySeeAccess({ authorities: [LEEDS] }, DERBYSHIRE)).toBe(false)
  })
})
