/** Who is told what of an access, through real HTTP under a moved clock (register.md R7, R18 to R22, R25). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { DERBYSHIRE, LUTON, openRulesWorld, type RulesWorld, type Seen } from '../support/rules-world.ts'
import { bundleOf, resourceOf } from '../support/server.ts'

let world: RulesWorld
beforeAll(async () => {
  world = await openRulesWorld()
})
afterAll(() => world.close())

const NOON = Date.parse('2026-05-03T11:00:00.000Z')
const HOUR = 3_600_000

/** A check so many milliseconds after noon of 3 May 2026. */
function checkAt(nhsNumber: string, ms: number, options: Parameters<RulesWorld['check']>[1] = {}): Promise<Seen> {
  world.server.setNow(new Date(NOON + ms).toISOString())
  return world.check(nhsNumber, options)
}

async function childChecked(seen: Seen) {
  return (await world.eventsOfCheck(seen.auditId)).filter((one) => one.topic === 'child-checked')
}

async function openPlan(options: Parameters<RulesWorld['filed']>[0] = {}): Promise<{ nhsNumber: string; id: string }> {
  world.at('2026-05-03 09:00')
  const nhsNumber = options.nhsNumber ?? world.newNumber()
  return { nhsNumber, id: await world.filed({ nhsNumber, start: '2026-04-01', ...options }) }
}

describe('R7 several types and several councils', () => {
  test('R7 all visible plans are shown in the order of their starts, and every council with one is told of its own only', async () => {
    const { nhsNumber, id: cpp } = await openPlan({ start: '2026-02-01' })
    const lac = await world.filed({ nhsNumber, type: 'LAC', start: '2026-03-01', legalBasis: 's20' })
    const other = await world.filed({ nhsNumber, by: LUTON, start: '2026-04-01' })
    await world.filed({ nhsNumber, by: 'E08000035', start: '2026-06-01' })
    const seen = await checkAt(nhsNumber, 0)
    expect(seen.plans.map((one) => [one.type, one.authority, one.start])).toEqual([
      ['CPP', LUTON, '2026-04-01'],
      ['LAC', DERBYSHIRE, '2026-03-01'],
      ['CPP', DERBYSHIRE, '2026-02-01'],
    ])
    expect(seen.codes).toContain('KNOWN')
    const told = await childChecked(seen)
    expect(told.map((one) => [one.authority, one.plans.map((plan) => plan.id).sort()]).sort()).toEqual([
      [LUTON, [other]],
      [DERBYSHIRE, [cpp, lac].sort()],
    ])
  })

  test('R7 R10 a mother with a plan of her own and one for her unborn child: both are shown under her number', async () => {
    const { nhsNumber } = await openPlan({ type: 'LAC', legalBasis: 's31' })
    await world.filed({ nhsNumber, type: 'UCPP', start: '2026-04-20', due: '2026-08-01' })
    const seen = await checkAt(nhsNumber, 0)
    expect(seen.plans.map((one) => one.type)).toEqual(['UCPP', 'LAC'])
    expect((await childChecked(seen)).map((one) => one.plans.length)).toEqual([2])
  })

  test('R7 R10 a council sees nothing of another’s: not by id, search, history, Flag, or in what it files itself', async () => {
    const { nhsNumber, id } = await openPlan()
    const flag = await world.flag(id)
    const answer = await world.file({ by: LUTON, nhsNumber, start: '2026-04-01' })
    expect(answer.status).toBe(201)
    expect(answer.text).not.toContain(id)
    const as = `la-${LUTON}`
    for (const path of [`EpisodeOfCare/${id}`, `EpisodeOfCare/${id}/_history`, `Flag/${flag.id}`])
      expect([path, (await world.server.send({ as, path })).status]).toEqual([path, 404])
    const form = { 'nhs-number': nhsNumber, _total: 'accurate' }
    const found = bundleOf(await world.server.send({ as, path: 'EpisodeOfCare/_search', form }))
    expect([found.total, JSON.stringify(found).includes(id)]).toEqual([1, false])
    const history = await world.server.send({ as, path: 'EpisodeOfCare/_history?_count=500' })
    if (history.status === 200) expect(history.text).not.toContain(id)
  })
})

describe('R18 an access', () => {
  test('R18 from each unscheduled setting is told; from each scheduled one to no one; a miss is audited only', async () => {
    const { nhsNumber, id } = await openPlan()
    const settings = resourceOf(
      await world.server.send({
        path: 'CodeSystem?url=https://cpis.example/fhir/CodeSystem/cpis-care-setting',
      }),
      'Bundle',
    ).entry?.[0]?.resource
    if (settings?.resourceType !== 'CodeSystem') throw new Error('no CodeSystem')
    const concepts = settings.concept ?? []
    expect(concepts).toHaveLength(17)
    for (const { code = '', property } of concepts) {
      const isScheduled = property?.[0]?.valueCode === 'scheduled'
      const seen = await world.check(nhsNumber, { setting: code })
      expect([code, (await childChecked(seen)).length]).toEqual([code, isScheduled ? 0 : 1])
    }
    expect((await world.look(nhsNumber)).history).toHaveLength(9)
    const miss = await world.check(world.newNumber())
    expect([await world.eventsOfCheck(miss.auditId), miss.history]).toEqual([[], []])
    const [record] = await world.server.context.store.read.audits({ ids: [miss.auditId], limit: 1 })
    expect(record).toMatchObject({ operation: 'cpis-check', entities: [], authorities: [] })
    expect((await world.events(id)).filter((one) => one.topic === 'child-checked')).toHaveLength(9)
  })
})

describe('R19 the access history', () => {
  test('R19 the last 25 before this one, newest first, with who, role, where and setting', async () => {
    const { nhsNumber } = await openPlan()
    const made: string[] = []
    for (let nth = 0; nth < 27; nth++) made.push((await checkAt(nhsNumber, nth * 60_000)).auditId)
    const seen = await checkAt(nhsNumber, 28 * 60_000)
    expect(seen.history.map((one) => one.id)).toEqual(made.slice(-25).reverse())
    const text = JSON.stringify(seen.history[0])
    for (const word of ['R. Khan', 'R8001', 'RCU', 'emergency-department']) expect(text).toContain(word)
    expect((await checkAt(nhsNumber, 29 * 60_000)).history[0]?.id).toBe(seen.auditId)
  })

  test('R19 a council reads only accesses made while a plan of its own was visible', async () => {
    const { nhsNumber } = await openPlan()
    await world.filed({ by: LUTON, nhsNumber, start: '2026-05-04' })
    const before = await checkAt(nhsNumber, 0)
    const after = await checkAt(nhsNumber, 24 * HOUR)
    const statuses = async (by: string, seen: Seen) =>
      (await world.server.send({ as: `la-${by}`, path: `AuditEvent/${seen.auditId}` })).status
    expect([await statuses(DERBYSHIRE, before), await statuses(DERBYSHIRE, after)]).toEqual([200, 200])
    expect([await statuses(LUTON, before), await statuses(LUTON, after)]).toEqual([404, 200])
    // staff see the whole history, whoever's plans were visible then
    expect((await checkAt(nhsNumber, 25 * HOUR)).history).toHaveLength(2)
  })
})

describe('R20 open, closed, and when events of an unborn plan stop', () => {
  test('R20 an event says closed only when none of the council’s visible plans is open', async () => {
    const { nhsNumber } = await openPlan({ start: '2026-01-01', end: '2026-05-01' })
    const closed = await checkAt(nhsNumber, 0)
    expect((await childChecked(closed)).map((one) => one.caseStatus)).toEqual(['closed'])
    await world.filed({ nhsNumber, type: 'LAC', start: '2026-05-02', legalBasis: 's38' })
    const open = await checkAt(nhsNumber, HOUR)
    expect((await childChecked(open)).map((one) => one.caseStatus)).toEqual(['open'])
    expect(open.plans.map((one) => one.caseStatus)).toEqual(['open', 'closed'])
  })

  test('R20 a closed looked-after plan of a child under 18 is told on until its 365 days are over', async () => {
    const { nhsNumber } = await openPlan({ type: 'LAC', legalBasis: 's20', start: '2026-01-01', end: '2026-05-03' })
    for (const [day, told] of [
      ['2027-05-03 23:59', 1],
      ['2027-05-04 00:00', 0],
    ] as const) {
      world.at(day)
      expect([day, (await childChecked(await world.check(nhsNumber))).length]).toEqual([day, told])
    }
  })

  test('R20 a closed unborn plan is told until 28 days after the expected delivery, and shown on', async () => {
    const { nhsNumber } = await openPlan({ type: 'UCPP', end: '2026-05-10', due: '2026-05-08' })
    const told = async (time: string) => {
      world.at(time)
      const seen = await world.check(nhsNumber)
      return [seen.total, (await childChecked(seen)).length, (await world.eventsOfCheck(seen.auditId)).length > 0]
    }
    expect(await told('2026-05-20')).toEqual([1, 1, true])
    expect(await told('2026-06-05 23:59:59.999')).toEqual([1, 1, true])
    expect(await told('2026-06-06 00:00')).toEqual([1, 0, false])
    expect(await told('2027-05-10 23:59')).toEqual([1, 0, false])
    expect(await told('2027-05-11 00:00')).toEqual([0, 0, false])
    // the accesses stand in the history all the same
    world.at('2027-05-10 23:59:59')
    expect((await world.look(nhsNumber)).history).toHaveLength(4)
  })

  test('R20 an open unborn plan long past its date, and a closed one without a date, are told on', async () => {
    const { nhsNumber: open } = await openPlan({ type: 'UCPP', due: '2026-05-08' })
    const { nhsNumber: undated } = await openPlan({ type: 'UCPP', end: '2026-05-10' })
    world.at('2026-12-24')
    expect(await childChecked(await world.check(open))).toHaveLength(1)
    expect(await childChecked(await world.check(undated))).toHaveLength(1)
  })
})

describe('R21 an incident', () => {
  const legOf = async (seen: Seen) => (await childChecked(seen))[0]?.incident

  test.each([
    ['12 hours after the one before', 12 * HOUR, 2],
    ['12 hours and a millisecond after it', 12 * HOUR + 1, 1],
  ])('R21 %s: leg %#', async (_name, later, leg) => {
    const { nhsNumber } = await openPlan()
    const first = await legOf(await checkAt(nhsNumber, 0))
    const second = await legOf(await checkAt(nhsNumber, later))
    expect([second?.leg, second?.id === first?.id, second?.inSixMonths]).toEqual([leg, leg === 2, leg === 2 ? 1 : 2])
  })

  test.each([
    ['48 hours after its first', 48 * HOUR, 6],
    ['48 hours and a millisecond after it', 48 * HOUR + 1, 1],
  ])('R21 steps of 11 hours and then %s', async (_name, last, leg) => {
    const { nhsNumber } = await openPlan()
    for (const hours of [0, 11, 22, 33, 44]) await checkAt(nhsNumber, hours * HOUR)
    expect((await legOf(await checkAt(nhsNumber, last)))?.leg).toBe(leg)
  })

  test('R21 111, ambulance control, crew, emergency department and ward are one incident of five legs, opened once for each council', async () => {
    const { nhsNumber, id } = await openPlan()
    const other = await world.filed({ by: LUTON, nhsNumber, start: '2026-05-04' })
    const way = [
      { as: 'call-handler-111', setting: 'nhs-111' },
      { as: 'paramedic', setting: 'ambulance' },
      { as: 'paramedic', setting: 'ambulance' },
      { as: 'ed-nurse', setting: 'emergency-department' },
      { as: 'paediatric-ward-nurse', setting: 'paediatric-ward' },
    ]
    const legs: (number | undefined)[] = []
    // the third leg is made after midnight: Luton's plan has begun
    for (const [nth, options] of way.entries()) {
      const seen = await checkAt(nhsNumber, nth * 6 * HOUR, options)
      legs.push((await legOf(seen))?.leg)
    }
    expect(legs).toEqual([1, 2, 3, 4, 5])
    const opened = [...(await world.events(id)), ...(await world.events(other))].filter(
      (one) => one.topic === 'incident-opened',
    )
    expect(opened.map((one) => [one.authority, one.incident?.leg])).toEqual([
      [DERBYSHIRE, 1],
      [LUTON, 3],
    ])
  })

  test('R21 a scheduled check is no leg and keeps no incident alive', async () => {
    const { nhsNumber } = await openPlan()
    await checkAt(nhsNumber, 0)
    world.server.setNow(new Date(NOON + 11 * HOUR).toISOString())
    await world.look(nhsNumber)
    expect((await legOf(await checkAt(nhsNumber, 13 * HOUR)))?.leg).toBe(1)
  })

  test('R21 R22 simultaneous checks from several systems: one incident, legs each once, and each council’s incident opened once', async () => {
    const { nhsNumber, id } = await openPlan()
    world.server.setNow(new Date(NOON).toISOString())
    const people = ['ed-nurse', 'paramedic', 'call-handler-111', 'gp-out-of-hours', 'midwife', 'paediatric-ward-nurse']
    const seen = await Promise.all([...people, ...people].map((as) => world.check(nhsNumber, { as })))
    const legs = await Promise.all(seen.map(legOf))
    expect(new Set(legs.map((one) => one?.id)).size).toBe(1)
    expect(legs.map((one) => one?.leg ?? 0).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    expect((await world.events(id)).filter((one) => one.topic === 'incident-opened')).toHaveLength(1)
  })
})

describe('R22 the repeat count', () => {
  test('R22 counts incidents of six calendar months, this one included, in London time', async () => {
    const { nhsNumber } = await openPlan({ start: '2025-10-01' })
    const countAt = async (time: string) => {
      world.at(time)
      return (await childChecked(await world.check(nhsNumber)))[0]?.incident?.inSixMonths
    }
    expect(await countAt('2025-11-03 12:00')).toBe(1)
    expect(await countAt('2026-02-10 09:00')).toBe(2)
    // six months to the minute after the first, across the change of the clocks
    expect(await countAt('2026-05-03 12:00')).toBe(3)
    // the first has dropped out
    expect(await countAt('2026-05-05 12:00')).toBe(3)
    expect(await countAt('2026-11-06 12:00')).toBe(1)
  })
})

test('R25 no event without a plan of that council: none for a plan that is over, withdrawn, not begun, or another’s', async () => {
  const { nhsNumber } = await openPlan()
  await world.filed({ by: LUTON, nhsNumber, start: '2026-09-01' })
  await world.filed({ by: 'E08000035', nhsNumber, start: '2023-01-01', end: '2024-01-01' })
  await world.filed({ by: 'E08000019', nhsNumber, start: '2026-01-01', status: 'entered-in-error' })
  const events = await world.eventsOfCheck((await checkAt(nhsNumber, 0)).auditId)
  expect(new Set(events.map((one) => one.authority))).toEqual(new Set([DERBYSHIRE]))
  expect(events.every((one) => one.plans.length > 0)).toBe(true)
})
