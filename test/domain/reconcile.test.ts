import { describe, expect, test } from '@jest/globals'
import { parseListedPlan } from '../../src/domain/parse-listed-plan.ts'
import { type HeldPlan, hasDrift, type ListedPlan, reconcile } from '../../src/domain/reconcile.ts'
import { day, plan, TODAY } from '../support/domain-facts.ts'
import { testNumber } from '../support/nhs-numbers.ts'
import { NHS, planOf } from '../support/plans.ts'

const SYSTEM = 'https://derbyshire.example/plan'
const NUMBER = testNumber('9998450055')
const OTHER_NUMBER = testNumber('9995425793')

const held = (value: string, parts: Parameters<typeof plan>[0] & { filedAt?: string } = {}): HeldPlan => ({
  ...plan({ id: value, nhsNumber: NUMBER, ...parts }),
  identifiers: [{ system: SYSTEM, value }],
  ...(parts.filedAt === undefined ? {} : { filedAt: parts.filedAt }),
})

const listed = (
  value: string,
  parts: Partial<Omit<ListedPlan, 'start' | 'end'>> & { start?: string; end?: string } = {},
): ListedPlan => {
  const { start = '2026-02-01', end, ...rest } = parts
  return {
    place: `line ${value}`,
    identifiers: [{ system: SYSTEM, value }],
    type: 'CPP',
    withdrawn: false,
    nhsNumber: NUMBER,
    ...rest,
    start: day(start),
    ...(end === undefined ? {} : { end: day(end) }),
  }
}

describe('an entry of a list is read leniently', () => {
  const read = (value: unknown) => parseListedPlan(value, 'line 1', { numberRange: 'test' })

  test.each([
    ['no resource', 'text', 'INVALID_RESOURCE', undefined],
    ['another type', { resourceType: 'Patient' }, 'INVALID_RESOURCE', undefined],
    ['no identifier', { ...planOf({}), identifier: undefined }, 'PROFILE', 'EpisodeOfCare.identifier'],
    ['an unknown type', { ...planOf({}), type: [{ text: 'plan' }] }, 'INVALID_CODE', 'EpisodeOfCare.type'],
    ['no start', { ...planOf({}), period: {} }, 'PROFILE', 'EpisodeOfCare.period.start'],
    ['a day that no calendar has', planOf({ start: '2026-02-30' }), 'DATE_IMPLAUSIBLE', 'EpisodeOfCare.period.start'],
    [
      'R1 a wrong number',
      planOf({ nhsNumber: '9995973953' }),
      'INVALID_NHS_NUMBER',
      'EpisodeOfCare.patient.identifier.value',
    ],
  ])('%s cannot be compared', (_name, value, code, at) => {
    const parsed = read(value)
    expect('issues' in parsed ? parsed.issues[0] : undefined).toMatchObject({
      code,
      ...(at === undefined ? {} : { expression: at }),
    })
  })

  test('what is not compared is passed over: unknown elements, a legal basis out of scope, no patient', () => {
    const parsed = read({
      ...planOf({ identifier: 'p', end: '2026-06-01' }),
      colour: 'red',
      patient: 'somebody',
      status: 'onhold',
    })
    expect(parsed).toEqual({
      plan: {
        place: 'line 1',
        identifiers: [{ system: SYSTEM, value: 'p' }],
        type: 'CPP',
        start: '2026-04-01',
        end: '2026-06-01',
        withdrawn: false,
      },
    })
  })

  test('spaces in a number are taken off, and a withdrawal is understood', () => {
    const parsed = read({
      ...planOf({ identifier: 'p', status: 'cancelled' }),
      patient: { identifier: { system: NHS, value: '999 845 0055' } },
    })
    expect(parsed).toMatchObject({ plan: { nhsNumber: NUMBER, withdrawn: true } })
  })
})

describe('list and register', () => {
  const run = (list: readonly ListedPlan[], register: readonly HeldPlan[]) => reconcile(list, register, TODAY)

  test('the same is no drift', () => {
    const found = run([listed('a'), listed('b', { end: '2026-04-30' })], [held('a'), held('b', { end: '2026-04-30' })])
    expect(found).toMatchObject({ same: 2, missingHere: [], missingThere: [], different: [], repeated: [] })
    expect(hasDrift(found)).toBe(false)
  })

  test.each<[string, ListedPlan, boolean]>([
    ['an open plan', listed('a'), true],
    ['a future one', listed('a', { start: '2026-09-01' }), true],
    ['R2 one that ended 365 days ago', listed('a', { start: '2025-01-01', end: '2025-05-03' }), true],
    ['R2 one that ended 366 days ago', listed('a', { start: '2025-01-01', end: '2025-05-02' }), false],
    ['R4 a withdrawn one', listed('a', { withdrawn: true }), false],
  ])('missing here: %s', (_name, one, isMissing) => {
    expect(run([one], []).missingHere).toEqual(isMissing ? [one] : [])
  })

  test.each<[string, HeldPlan, boolean]>([
    ['a plan that the NHS sees', held('a'), true],
    ['a future one', held('a', { start: '2026-09-01' }), true],
    ['R8 a parked one', { ...held('a'), nhsNumber: undefined } as unknown as HeldPlan, true],
    ['R2 one that ended 365 days ago', held('a', { start: '2025-01-01', end: '2025-05-03' }), true],
    ['R2 one that ended 366 days ago', held('a', { start: '2025-01-01', end: '2025-05-02' }), false],
    ['R4 a withdrawn one', held('a', { withdrawn: true }), false],
  ])('missing there: %s', (_name, one, isMissing) => {
    expect(run([], [one]).missingThere).toEqual(isMissing ? [one] : [])
  })

  test.each<[string, ListedPlan, HeldPlan, object[]]>([
    ['type', listed('a', { type: 'LAC' }), held('a'), [{ element: 'type', here: 'CPP', there: 'LAC' }]],
    [
      'start',
      listed('a', { start: '2026-02-02' }),
      held('a'),
      [{ element: 'start', here: '2026-02-01', there: '2026-02-02' }],
    ],
    [
      'an end that the register lacks',
      listed('a', { end: '2026-04-01' }),
      held('a'),
      [{ element: 'end', there: '2026-04-01' }],
    ],
    [
      'an end that the list lacks',
      listed('a'),
      held('a', { end: '2026-04-01' }),
      [{ element: 'end', here: '2026-04-01' }],
    ],
    [
      'another number',
      listed('a', { nhsNumber: OTHER_NUMBER }),
      held('a'),
      [{ element: 'nhs-number', here: NUMBER, there: OTHER_NUMBER }],
    ],
    [
      'withdrawn in the list only',
      listed('a', { withdrawn: true }),
      held('a'),
      [{ element: 'withdrawn', here: 'no', there: 'yes' }],
    ],
    [
      'withdrawn in the register only',
      listed('a', { type: 'LAC' }),
      held('a', { withdrawn: true }),
      [{ element: 'withdrawn', here: 'yes', there: 'no' }],
    ],
    [
      'several at once',
      listed('a', { type: 'LAC', start: '2026-01-01' }),
      held('a'),
      [
        { element: 'type', here: 'CPP', there: 'LAC' },
        { element: 'start', here: '2026-02-01', there: '2026-01-01' },
      ],
    ],
  ])('different: %s', (_name, one, register, differences) => {
    const found = run([one], [register])
    expect(found.different).toEqual([{ listed: one, held: register, differences }])
    expect(found.same).toBe(0)
    expect(hasDrift(found)).toBe(true)
  })

  test('R8 a number that the list knows and the register lacks is a difference', () => {
    const { nhsNumber: _none, ...parked } = held('a', { filedAt: '2026-05-01T10:00:00Z' })
    expect(run([listed('a')], [parked]).different[0]?.differences).toEqual([{ element: 'nhs-number', there: NUMBER }])
  })

  test('a list that names children otherwise than by number is not compared on numbers', () => {
    const { nhsNumber: _none, ...bare } = listed('a')
    expect(run([bare], [held('a')]).same).toBe(1)
  })

  test('plans are matched by any identifier of theirs; R15 a live plan before a withdrawn one', () => {
    const both = {
      ...held('a'),
      identifiers: [
        { system: 'urn:old', value: '1' },
        { system: SYSTEM, value: 'a' },
      ],
    }
    expect(
      run(
        [listed('a')],
        [{ ...held('gone', { withdrawn: true }), identifiers: [{ system: SYSTEM, value: 'a' }] }, both],
      ),
    ).toMatchObject({
      same: 1,
      different: [],
    })
  })

  test('a plan named twice is compared once and told', () => {
    const again = listed('a', { type: 'LAC', place: 'line 9' })
    const found = run([listed('a'), again], [held('a')])
    expect(found).toMatchObject({ same: 1, different: [], repeated: [again] })
  })

  test('R17 parked plans with their days, longest first; those that R2 ended are not chased', () => {
    const parked = (value: string, filedAt: string, more: object = {}): HeldPlan => {
      const { nhsNumber: _none, ...rest } = held(value, { filedAt, ...more })
      return rest
    }
    const found = run(
      [],
      [
        parked('new', '2026-05-03T10:00:00Z'),
        parked('old', '2026-04-03T22:59:00Z'),
        parked('over', '2025-01-01T10:00:00Z', { start: '2025-01-01', end: '2025-05-02' }),
        parked('gone', '2026-01-01T10:00:00Z', { withdrawn: true }),
      ],
    )
    expect(found.parked.map(({ held: one, days }) => [one.id, days])).toEqual([
      ['old', 30],
      ['new', 0],
    ])
  })

  test('ending soon: from today to the thirtieth day, soonest first', () => {
    const ends = ['2026-05-02', '2026-05-03', '2026-06-02', '2026-06-03']
    const found = run(
      [],
      [...ends.map((end) => held(end, { end })), held('none'), held('gone', { end: '2026-05-10', withdrawn: true })],
    )
    expect(found.endingSoon.map(({ held: one, days }) => [one.id, days])).toEqual([
      ['2026-05-03', 0],
      ['2026-06-02', 30],
    ])
  })
})
