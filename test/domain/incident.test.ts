import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  type ChildIncidents,
  decideAccess,
  decideIncident,
  incidentsInSixMonths,
  mergeIncidents,
  rebuildIncidents,
} from '../../src/domain/incident.ts'

const START = new Date('2026-05-03T08:00:00.000Z')
const hoursOn = (hours: number): Date => new Date(START.getTime() + hours * 3_600_000)
const NOBODY: ChildIncidents = { incidents: [] }

/** Runs accesses at so many hours after START; ids are i1, i2 … */
function run(
  hours: readonly number[],
  child = NOBODY,
): { readonly legs: readonly string[]; readonly state: ChildIncidents } {
  let state = child
  const legs = hours.map((hour, at) => {
    const decided = decideAccess(state, hoursOn(hour), `i${at + 1}`)
    state = decided.state
    return `${decided.carried.id}/${decided.carried.leg}`
  })
  return { legs, state }
}

describe('R21 an incident', () => {
  test('is 111, ambulance control, crew, ED and ward in five legs', () => {
    expect(run([0, 0.5, 1, 2, 9]).legs).toEqual(['i1/1', 'i1/2', 'i1/3', 'i1/4', 'i1/5'])
  })

  test.each([
    [[0, 12], ['i1/1', 'i1/2'], 'within 12 hours of the previous access, the last instant included'],
    [[0, 12.001], ['i1/1', 'i2/1'], 'a little later is another'],
    [[0, 12, 24, 36, 48], ['i1/1', 'i1/2', 'i1/3', 'i1/4', 'i1/5'], 'within 48 hours of the first'],
    [[0, 12, 24, 36, 48.001], ['i1/1', 'i1/2', 'i1/3', 'i1/4', 'i5/1'], 'a little later is another'],
    [
      [0, 12, 24, 36, 47, 49, 60],
      ['i1/1', 'i1/2', 'i1/3', 'i1/4', 'i1/5', 'i6/1', 'i6/2'],
      'the next one counts its own 48 hours',
    ],
  ])('%j → %j: %s', (hours, legs) => {
    expect(run(hours).legs).toEqual(legs)
  })

  test('is not split by a clock that is a little behind', () => {
    const { incident } = decideIncident(undefined, hoursOn(1), 'i1')
    const next = decideIncident(incident, hoursOn(0.9), 'i2')
    expect(next).toMatchObject({ isFirst: false, leg: 2, incident: { lastAccessAt: hoursOn(1).toISOString() } })
  })

  test('never spans more than 48 hours, and legs are numbered without gaps', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 30, noNaN: true }), { maxLength: 40 }), (gaps) => {
        let hour = 0
        let state = NOBODY
        let leg = 0
        for (const gap of gaps) {
          hour += gap
          const decided = decideAccess(state, hoursOn(hour), `at ${hour}`)
          const span = Date.parse(decided.incident.lastAccessAt) - Date.parse(decided.incident.startedAt)
          expect(span).toBeLessThanOrEqual(48 * 3_600_000)
          expect(decided.leg).toBe(decided.isFirst ? 1 : leg + 1)
          leg = decided.leg
          state = decided.state
        }
      }),
    )
  })
})

describe('R22 the repeat count', () => {
  const at = (instant: string): { id: string; at: string } => ({ id: instant, at: instant })

  test.each([
    [[], 0, 'none'],
    [['2025-11-03T09:00:00.000Z'], 1, 'begun at the same hour on London’s clocks six months ago'],
    [['2025-11-03T08:59:59.999Z'], 0, 'begun a moment before'],
    [['2025-10-01T08:00:00.000Z', '2025-12-01T08:00:00.000Z', '2026-05-03T07:00:00.000Z'], 2, 'one too old'],
  ])('of %j at 09:00 on 3 May 2026 in London is %i: %s', (instants, count) => {
    expect(incidentsInSixMonths(instants.map(at), START)).toBe(count)
  })

  test('includes this one', () => {
    expect(decideAccess(NOBODY, START, 'i1').carried).toEqual({ id: 'i1', leg: 1, inSixMonths: 1 })
    const { state } = run([0, 100, 200])
    expect(decideAccess(state, hoursOn(300), 'i4').carried.inSixMonths).toBe(4)
    expect(decideAccess(state, hoursOn(201), 'i4').carried).toEqual({ id: 'i3', leg: 2, inSixMonths: 3 })
  })

  test('forgets what can no longer count', () => {
    const old = { id: 'old', at: '2025-09-01T00:00:00.000Z' }
    expect(decideAccess({ incidents: [old] }, START, 'i1').state.incidents).toEqual([
      { id: 'i1', at: START.toISOString() },
    ])
  })
})

describe('R23 linking two numbers', () => {
  test('merges their incidents, and the later one goes on', () => {
    const a = run([0]).state
    const b: ChildIncidents = { ...decideAccess(NOBODY, hoursOn(3), 'other').state }
    const merged = mergeIncidents(a, b)
    expect(merged.incidents.map((one) => one.id)).toEqual(['i1', 'other'])
    expect(merged.incident?.id).toBe('other')
    expect(mergeIncidents(b, a)).toEqual(merged)
    expect(mergeIncidents(a, NOBODY)).toEqual(a)
    expect(mergeIncidents(NOBODY, NOBODY)).toEqual(NOBODY)
  })

  test('counts an incident that both remember once', () => {
    const a = run([0, 100]).state
    expect(mergeIncidents(a, a)).toEqual(a)
  })
})

describe('R23 incidents of a child whose link to another was undone', () => {
  const access = (id: string, at: string, incident: string, leg: number) => ({
    id,
    at,
    incident: { id: incident, leg },
  })
  const incidentId = (accessId: string): string => `opened by ${accessId}`
  const at = new Date('2026-05-03T18:00:00Z')

  test('are made of its own accesses; the one that it opened goes on under its id, past all legs that were given', () => {
    const known = {
      incident: {
        id: 'i1',
        startedAt: '2026-05-03T10:00:00.000Z',
        lastAccessAt: '2026-05-03T12:00:00.000Z',
        legs: 3,
        openedFor: ['E10000007'],
      },
      incidents: [{ id: 'i1', at: '2026-05-03T10:00:00.000Z' }],
    }
    const accesses = [
      access('c', '2026-05-03T12:00:00.000Z', 'i1', 3),
      access('a', '2026-05-03T10:00:00.000Z', 'i1', 1),
    ]
    const others = [access('b', '2026-05-03T11:00:00.000Z', 'i1', 2)]
    const together = [...accesses, ...others]
    expect(rebuildIncidents(accesses, { known, together, at, incidentId })).toEqual(known)
    // the other child's part gets an id of its own, and its authorities are told of it
    expect(rebuildIncidents(others, { known, together, at, incidentId })).toEqual({
      incident: {
        id: 'opened by b',
        startedAt: '2026-05-03T11:00:00.000Z',
        lastAccessAt: '2026-05-03T11:00:00.000Z',
        legs: 1,
        openedFor: [],
      },
      incidents: [{ id: 'opened by b', at: '2026-05-03T11:00:00.000Z' }],
    })
  })

  test('an incident that another one had taken the place of goes on past all its legs, whoever made them', () => {
    const accesses = [access('a', '2026-05-03T10:00:00.000Z', 'i1', 1)]
    const together = [access('b', '2026-05-03T11:00:00.000Z', 'i1', 2), ...accesses]
    const rebuilt = rebuildIncidents(accesses, { known: { incidents: [] }, together, at, incidentId })
    expect(rebuilt.incident).toMatchObject({ id: 'i1', legs: 2, openedFor: [] })
  })

  test('R21 R22 end and count as they do; what is long past is dropped; without accesses there are none', () => {
    const accesses = [
      access('d', '2026-05-03T10:00:00.000Z', 'i3', 1),
      access('c', '2026-02-02T10:00:00.000Z', 'i2', 1),
      access('b', '2026-02-01T10:00:00.000Z', 'i1', 1),
      access('a', '2025-01-01T10:00:00.000Z', 'i0', 1),
    ]
    const rebuilt = rebuildIncidents(accesses, { known: { incidents: [] }, together: [], at, incidentId })
    expect(rebuilt.incidents.map((one) => one.id)).toEqual(['i1', 'i2', 'i3'])
    expect(rebuilt.incident).toMatchObject({ id: 'i3', legs: 1 })
    expect(rebuildIncidents([], { known: { incidents: [] }, together: [], at, incidentId })).toEqual({ incidents: [] })
  })
})
