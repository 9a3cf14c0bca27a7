/** Who is visible on which day, through real HTTP under a moved clock (register.md R2 to R6, P5): refusals first, then borders to the day and to the millisecond. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Patient } from '@medplum/fhirtypes'
import { patientOf } from '../support/plans.ts'
import { type CouncilPlan, openRulesWorld, type RulesWorld, resourceOfPlan } from '../support/rules-world.ts'
import { bundleOf, issuesOf, resourceOf } from '../support/server.ts'

let world: RulesWorld
beforeAll(async () => {
  world = await openRulesWorld()
})
afterAll(() => world.close())

/** Files a plan on that day and says on which of the times it is seen. */
async function seenAt(filedOn: string, plan: CouncilPlan, times: readonly string[]): Promise<readonly boolean[]> {
  const nhsNumber = plan.nhsNumber ?? world.newNumber()
  world.at(filedOn)
  await world.filed({ ...plan, nhsNumber })
  const seen: boolean[] = []
  for (const time of times) {
    world.at(time)
    seen.push((await world.look(nhsNumber)).total === 1)
  }
  return seen
}

async function childBorn(birthDate: string): Promise<string> {
  const nhsNumber = world.newNumber()
  const answer = await world.send(patientOf({ nhsNumber, birthDate, family: 'Made-Up' }))
  expect(answer.status).toBe(201)
  return nhsNumber
}

describe('R2 visible from the start to 365 days after the end', () => {
  test.each([
    ['across no 29 February', '2018-01-31', '2019-01-31', '2020-01-31', '2020-02-01'],
    ['from 1 March into a leap year', '2018-03-01', '2019-03-01', '2020-02-29', '2020-03-01'],
    ['ending on 29 February', '2019-06-01', '2020-02-29', '2021-02-28', '2021-03-01'],
    ['ending on 28 February of a leap year', '2019-06-01', '2020-02-28', '2021-02-27', '2021-02-28'],
    ['of a single day', '2021-07-04', '2021-07-04', '2022-07-04', '2022-07-05'],
  ])('R2 %s: start %s, end %s, shown until and including %s, not on %s', async (_name, start, end, last, gone) => {
    const seen = await seenAt(end, { start, end }, [start, end, `${last} 23:59:59.999`, `${gone} 00:00`])
    expect(seen).toEqual([true, true, true, false])
  })

  test('R2 the answer names the last day on which it is shown, open plans have none', async () => {
    const [ended, open] = [world.newNumber(), world.newNumber()]
    world.at('2019-03-02')
    await world.filed({ nhsNumber: ended, start: '2018-03-01', end: '2019-03-01' })
    await world.filed({ nhsNumber: open, start: '2018-03-01' })
    expect((await world.look(ended)).plans).toMatchObject([{ shownUntil: '2020-02-29', caseStatus: 'closed' }])
    const [plan] = (await world.look(open)).plans
    expect([plan?.shownUntil, plan?.caseStatus]).toEqual([undefined, 'open'])
  })

  test('R2 not before its start, however long ahead it is filed', async () => {
    const seen = await seenAt('2026-05-03', { start: '2026-11-20' }, [
      '2026-05-03',
      '2026-11-19 23:59:59.999',
      '2026-11-20 00:00',
    ])
    expect(seen).toEqual([false, false, true])
  })

  test('R2 open on its last day, closed on the day after, shown on both', async () => {
    const nhsNumber = world.newNumber()
    world.at('2026-05-03')
    await world.filed({ nhsNumber, start: '2026-01-05', end: '2026-05-03' })
    world.at('2026-05-03 23:59:59.999')
    expect((await world.look(nhsNumber)).plans).toMatchObject([{ status: 'active', caseStatus: 'open' }])
    world.at('2026-05-04 00:00')
    expect((await world.look(nhsNumber)).plans).toMatchObject([{ status: 'finished', caseStatus: 'closed' }])
  })
})

test('R3 without an end it is visible without limit, also when no birth date is known', async () => {
  expect(await seenAt('1999-09-09', { start: '1999-09-09' }, ['2009-09-09', '2049-12-31'])).toEqual([true, true])
})

describe('R4 withdrawn', () => {
  test.each(['entered-in-error', 'cancelled'] as const)(
    'R4 %s hides at once; the council reads it on',
    async (status) => {
      const nhsNumber = world.newNumber()
      world.at('2026-05-03 09:00')
      const plan = { nhsNumber, identifier: `r4-${status}`, start: '2026-04-01' }
      const id = await world.filed(plan)
      expect((await world.look(nhsNumber)).total).toBe(1)
      expect((await world.change(id, { ...plan, status })).status).toBe(200)
      expect((await world.look(nhsNumber)).total).toBe(0)
      expect([(await world.plan(id)).status, (await world.flag(id)).status]).toEqual([
        'entered-in-error',
        'entered-in-error',
      ])
      const found = await world.server.send({
        as: 'la-E10000007',
        path: 'EpisodeOfCare/_search',
        form: { identifier: `https://derbyshire.example/plan|r4-${status}` },
      })
      expect(bundleOf(found).entry).toHaveLength(1)
    },
  )

  test('R4 deleted: hidden, 410, out of searches with its Flag; history and audit stay', async () => {
    const nhsNumber = world.newNumber()
    world.at('2026-05-03 09:00')
    const id = await world.filed({ nhsNumber, identifier: 'r4-deleted' })
    const flag = await world.flag(id)
    const as = 'la-E10000007'
    const path = `EpisodeOfCare/${id}`
    expect((await world.server.send({ as, method: 'DELETE', path })).status).toBe(204)
    expect((await world.look(nhsNumber)).total).toBe(0)
    const gone = [path, `Flag/${flag.id}`].map((one) => world.server.send({ as, path: one }))
    expect((await Promise.all(gone)).map((one) => [one.status, issuesOf(one)[0]?.code])).toEqual([
      [410, 'GONE'],
      [410, 'GONE'],
    ])
    for (const type of ['EpisodeOfCare', 'Flag']) {
      const form = { 'patient:identifier': `https://fhir.nhs.uk/Id/nhs-number|${nhsNumber}` }
      const found = await world.server.send({ as, path: `${type}/_search`, form })
      expect(bundleOf(found).entry ?? []).toEqual([])
    }
    const history = bundleOf(await world.server.send({ as, path: `${path}/_history` }))
    expect(history.entry?.map((one) => one.request?.method)).toEqual(['DELETE', 'POST'])
  })
})

test('R5 an end that arrives over 365 days late is accepted, and hides the plan', async () => {
  const nhsNumber = world.newNumber()
  world.at('2026-05-03')
  const id = await world.filed({ nhsNumber, identifier: 'r5', start: '2020-02-02' })
  expect((await world.look(nhsNumber)).total).toBe(1)
  const answer = await world.change(id, { nhsNumber, identifier: 'r5', start: '2020-02-02', end: '2022-02-02' })
  expect(answer.status).toBe(200)
  expect((await world.look(nhsNumber)).total).toBe(0)
  expect((await world.plan(id)).status).toBe('finished')
})

describe('R6 hidden from the 18th birthday on', () => {
  test.each([
    ['full date', '2008-05-04', '2026-05-03', '2026-05-04'],
    ['29 February, common year', '2008-02-29', '2026-02-28', '2026-03-01'],
    ['28 February, leap year', '2010-02-28', '2028-02-27', '2028-02-28'],
    ['month only', '2008-02', '2026-02-28', '2026-03-01'],
    ['month only, long month', '2008-07', '2026-07-30', '2026-07-31'],
    ['year only', '2008', '2026-12-30', '2026-12-31'],
  ])('R6 %s: born %s, seen on %s, not on %s', async (_name, birthDate, last, gone) => {
    for (const type of ['CPP', 'LAC'] as const) {
      world.at('2024-05-03')
      const plan = { nhsNumber: await childBorn(birthDate), type, start: '2023-01-09' }
      expect(await seenAt('2024-05-03', plan, [`${last} 23:59:59.999`, `${gone} 00:00`])).toEqual([true, false])
    }
  })

  test('R6 also inside the 365 days after an end', async () => {
    world.at('2026-01-15')
    const nhsNumber = await childBorn('2008-05-04')
    const plan = { nhsNumber, start: '2024-01-09', end: '2026-01-09' }
    expect(await seenAt('2026-01-15', plan, ['2026-05-03', '2026-05-04'])).toEqual([true, false])
  })

  test('R6 the age of a mother does not matter to an unborn plan', async () => {
    world.at('2026-01-15')
    const nhsNumber = await childBorn('2008-05-04')
    expect(await seenAt('2026-01-15', { nhsNumber, type: 'UCPP', start: '2026-01-09' }, ['2026-05-04'])).toEqual([true])
  })

  test('R6 18 or more on the day the plan starts is refused: a wrong year must not hide a child', async () => {
    world.at('2026-05-03')
    const nhsNumber = await childBorn('2008-04-01')
    const refused = await world.file({ nhsNumber, start: '2026-04-01' })
    expect([refused.status, issuesOf(refused)]).toEqual([
      422,
      [{ code: 'DATE_IMPLAUSIBLE', at: 'EpisodeOfCare.period.start', severity: 'error' }],
    ])
    expect((await world.file({ nhsNumber, start: '2026-03-31' })).status).toBe(201)
  })

  test('R6 a birth date that arrives later hides and shows by itself, and may not make the child too old at the start', async () => {
    world.at('2026-05-03')
    const nhsNumber = world.newNumber()
    await world.filed({ nhsNumber, start: '2020-01-01' })
    const child = resourceOf(await world.send(patientOf({ nhsNumber, birthDate: '2008-05-03' })), 'Patient')
    expect((await world.look(nhsNumber)).total).toBe(0)
    expect((await world.send({ ...child, birthDate: '2008-05-04' } as Patient)).status).toBe(200)
    expect((await world.look(nhsNumber)).total).toBe(1)
    const refused = await world.send({ ...child, birthDate: '2002-01-01' } as Patient)
    expect([refused.status, issuesOf(refused).map((one) => [one.code, one.at])]).toEqual([
      422,
      [['DATE_IMPLAUSIBLE', 'Patient.birthDate']],
    ])
    expect((await world.look(nhsNumber)).total).toBe(1)
  })

  test('R6 unknown: visible for ever, and the council is told with a warning', async () => {
    const nhsNumber = world.newNumber()
    world.at('2026-05-03')
    const answer = await world.server.send({
      as: 'la-E10000007',
      path: 'EpisodeOfCare',
      body: resourceOfPlan({ nhsNumber }),
      headers: { Prefer: 'return=OperationOutcome' },
    })
    expect(issuesOf(answer)).toContainEqual({
      code: 'BIRTH_DATE_MISSING',
      at: 'EpisodeOfCare.patient',
      severity: 'warning',
    })
    world.at('2056-05-03')
    expect((await world.look(nhsNumber)).total).toBe(1)
  })

  test('R6 the answer never says until when by the birthday, which would give it away', async () => {
    world.at('2026-01-15')
    const nhsNumber = await childBorn('2008-05-04')
    await world.filed({ nhsNumber, start: '2024-01-09', end: '2026-01-09' })
    const seen = await world.look(nhsNumber)
    expect(seen.plans[0]?.shownUntil).toBe('2027-01-09')
    expect(seen.text).not.toMatch(/2008|2026-05-04/)
  })
})

describe('P5 every day is a London day', () => {
  test.each([
    ['winter: 23:59:59.999 and midnight are UTC', '2026-01-20', '2026-01-19T23:59:59.999Z', '2026-01-20T00:00:00.000Z'],
    ['summer: midnight is 23:00 UTC', '2026-07-20', '2026-07-19T22:59:59.999Z', '2026-07-19T23:00:00.000Z'],
    ['the night the clocks go forward', '2026-03-29', '2026-03-28T23:59:59.999Z', '2026-03-29T00:00:00.000Z'],
    ['the day after they went forward', '2026-03-30', '2026-03-29T22:59:59.999Z', '2026-03-29T23:00:00.000Z'],
    ['the night the clocks go back', '2026-10-25', '2026-10-24T22:59:59.999Z', '2026-10-24T23:00:00.000Z'],
    ['the day after they went back', '2026-10-26', '2026-10-25T23:59:59.999Z', '2026-10-26T00:00:00.000Z'],
  ])('P5 R2 %s: a plan that starts on %s', async (_name, start, before, from) => {
    const nhsNumber = world.newNumber()
    world.at('2025-12-31')
    await world.filed({ nhsNumber, start })
    world.server.setNow(before)
    expect((await world.look(nhsNumber)).total).toBe(0)
    world.server.setNow(from)
    expect((await world.look(nhsNumber)).total).toBe(1)
  })

  test('P5 the hour that comes twice is one day, and the hour that never comes takes none away', async () => {
    const nhsNumber = world.newNumber()
    world.at('2026-05-03')
    await world.filed({ nhsNumber, start: '2025-03-28', end: '2025-10-26' })
    // 26 October 2025 has 25 hours, 365 days later again
    world.server.setNow('2026-10-26T23:59:59.999Z')
    expect((await world.look(nhsNumber)).total).toBe(1)
    world.server.setNow('2026-10-27T00:00:00.000Z')
    expect((await world.look(nhsNumber)).total).toBe(0)
  })

  test('P5 R11 a dateTime is the London day of its instant', async () => {
    const nhsNumber = world.newNumber()
    world.at('2026-07-21')
    const id = await world.filed({ nhsNumber, start: '2026-07-19T23:30:00Z', end: '2026-07-20T22:59:59Z' })
    expect((await world.plan(id)).period).toEqual({ start: '2026-07-20', end: '2026-07-20' })
  })
})
