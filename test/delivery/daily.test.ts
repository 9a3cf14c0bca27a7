/** The work of the day on a whole server with a clock that is moved: the turn of the London day, and what is told at 08:00 (R12, R14, R17, R23; P5). */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { AuditEvent, EpisodeOfCare, Flag } from '@medplum/fhirtypes'
import { startDaily } from '../../src/delivery/daily.ts'
import { goRound } from '../../src/delivery/plan-round.ts'
import type { AuthorityCode, ResourceId } from '../../src/domain/brands.ts'
import { turnPlan } from '../../src/interactions/turn-of-day.ts'
import type { OpenStore } from '../../src/store/mongo-store.ts'
import { type Row, StoreError } from '../../src/store/store.ts'
import { testNumber } from '../support/nhs-numbers.ts'
import { sendNumberChanged } from '../support/number-notices.ts'
import { type PlanParts, patientOf, planOf } from '../support/plans.ts'
import { bundleOf, resourceOf, sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { openStoredWorld, type StoredWorld } from '../support/stored-world.ts'
import { planRow } from '../support/test-store.ts'
import { waitFor } from '../support/wait-for.ts'

const LA = 'la-E10000007'
const OWNER = 'E10000007' as AuthorityCode

let server: TestServer
let stored: StoredWorld
beforeAll(async () => {
  server = await startTestServer()
  stored = openStoredWorld(server)
})
afterAll(async () => {
  await stored.close()
  await server.close()
})
afterEach(() => stored.freeDaily())

/** Ten digits of the test range that no other test of this file uses. */
let counter = 0
function freshNumber(): string {
  for (;;) {
    const nine = `99988${String(counter++).padStart(4, '0')}`
    const sum = [...nine].reduce((total, digit, at) => total + Number(digit) * (10 - at), 0)
    const check = 11 - (sum % 11)
    if (check !== 10) return `${nine}${check === 11 ? 0 : check}`
  }
}

/** A plan about the number, or about a child whom the authority knows by an identifier of its own. */
function bodyOf(parts: PlanParts): EpisodeOfCare {
  const plan = planOf(parts)
  if (parts.nhsNumber !== undefined) return plan
  const value = `child of ${plan.identifier?.[0]?.value}`
  return { ...plan, patient: { type: 'Patient', identifier: { system: 'https://derbyshire.example/child', value } } }
}

async function file(plan: PlanParts): Promise<string> {
  const answer = await server.send({ as: LA, path: 'EpisodeOfCare', body: bodyOf(plan) })
  return resourceOf(answer, 'EpisodeOfCare').id ?? ''
}
const rowOf = async (id: string): Promise<Row<'EpisodeOfCare'>> => {
  const row = await server.context.store.read.of(OWNER, 'EpisodeOfCare').find(id as ResourceId)
  if (row === undefined) throw new Error('no such plan')
  return row
}
async function stateOf(id: string): Promise<{ plan: string; flag: string }> {
  const plan = resourceOf(await server.send({ as: LA, path: `EpisodeOfCare/${id}` }), 'EpisodeOfCare')
  const path = `Flag/${(await rowOf(id)).index.flagId}`
  const flag: Flag = resourceOf(await server.send({ as: LA, path }), 'Flag')
  return {
    plan: `${plan.status} v${plan.meta?.versionId}`,
    flag: `${flag.status} v${flag.meta?.versionId}`,
  }
}
/** Moves the clock and does what is then due. */
async function goTo(instant: string): Promise<void> {
  server.setNow(instant)
  await server.runDaily()
}
const missing = (id: string) => stored.eventsOf('nhs-number-missing', id)
const superseded = (id: string) => stored.eventsOf('nhs-number-superseded', id)

describe('the turn of the London day', () => {
  interface Turn {
    readonly filed: string
    readonly plan: PlanParts
    readonly before: readonly [instant: string, plan: string, flag: string]
    readonly after: readonly [instant: string, plan: string, flag: string]
  }
  const turns: readonly (readonly [string, Turn])[] = [
    [
      'R12 R14 a plan begins at midnight itself, in summer time',
      {
        filed: '2026-05-03T11:00:00Z',
        plan: { start: '2026-05-10', status: 'planned' },
        before: ['2026-05-09T22:59:59.999Z', 'planned v1', 'inactive v1'],
        after: ['2026-05-09T23:00:00.000Z', 'active v2', 'active v2'],
      },
    ],
    [
      'R12 the night that the clocks go forward: 29 March 2026 begins at 00:00 UTC',
      {
        filed: '2026-03-20T11:00:00Z',
        plan: { start: '2026-03-29', status: 'planned' },
        before: ['2026-03-28T23:59:59.999Z', 'planned v1', 'inactive v1'],
        after: ['2026-03-29T00:00:00.000Z', 'active v2', 'active v2'],
      },
    ],
    [
      'R12 the night after that: 30 March 2026 begins at 23:00 UTC',
      {
        filed: '2026-03-20T11:00:00Z',
        plan: { start: '2026-03-30', status: 'planned' },
        before: ['2026-03-29T22:59:59.999Z', 'planned v1', 'inactive v1'],
        after: ['2026-03-29T23:00:00.000Z', 'active v2', 'active v2'],
      },
    ],
    [
      'R12 the night that the clocks go back: 25 October 2026 begins at 23:00 UTC',
      {
        filed: '2026-10-20T11:00:00Z',
        plan: { start: '2026-10-25', status: 'planned' },
        before: ['2026-10-24T22:59:59.999Z', 'planned v1', 'inactive v1'],
        after: ['2026-10-24T23:00:00.000Z', 'active v2', 'active v2'],
      },
    ],
    [
      'R12 the night after that: 26 October 2026 begins at 00:00 UTC',
      {
        filed: '2026-10-20T11:00:00Z',
        plan: { start: '2026-10-26', status: 'planned' },
        before: ['2026-10-25T23:59:59.999Z', 'planned v1', 'inactive v1'],
        after: ['2026-10-26T00:00:00.000Z', 'active v2', 'active v2'],
      },
    ],
    [
      'R12 a plan is active on its last day and finished the day after; its Flag goes on',
      {
        filed: '2026-05-03T11:00:00Z',
        plan: { end: '2026-05-10' },
        before: ['2026-05-10T22:59:59.999Z', 'active v1', 'active v1'],
        after: ['2026-05-10T23:00:00.000Z', 'finished v2', 'active v1'],
      },
    ],
    [
      'R2 R14 the Flag stops after 365 days, not a year: end 1 March 2019 is shown until 29 February 2020',
      {
        filed: '2020-02-01T11:00:00Z',
        plan: { start: '2018-01-31', end: '2019-03-01', status: 'finished' },
        before: ['2020-02-29T23:59:59.999Z', 'finished v1', 'active v1'],
        after: ['2020-03-01T00:00:00.000Z', 'finished v1', 'inactive v2'],
      },
    ],
    [
      'R2 R14 end 31 January 2019 is shown until 31 January 2020',
      {
        filed: '2020-01-20T11:00:00Z',
        plan: { start: '2018-01-31', end: '2019-01-31', status: 'finished' },
        before: ['2020-01-31T23:59:59.999Z', 'finished v1', 'active v1'],
        after: ['2020-02-01T00:00:00.000Z', 'finished v1', 'inactive v2'],
      },
    ],
    [
      'R12 a withdrawn plan never turns',
      {
        filed: '2026-05-03T11:00:00Z',
        plan: { start: '2026-05-10', status: 'entered-in-error' },
        before: ['2026-05-09T22:59:59.999Z', 'entered-in-error v1', 'entered-in-error v1'],
        after: ['2026-05-11T12:00:00.000Z', 'entered-in-error v1', 'entered-in-error v1'],
      },
    ],
  ]
  test.each(turns)('%s', async (_name, { filed, plan, before, after }) => {
    server.setNow(filed)
    const id = await file({ ...plan, nhsNumber: freshNumber() })
    await goTo(before[0])
    expect(await stateOf(id)).toEqual({ plan: before[1], flag: before[2] })
    await goTo(after[0])
    expect(await stateOf(id)).toEqual({ plan: after[1], flag: after[2] })
  })

  test('R6 R14 the Flag of a child born on 29 February 2008 stops on 1 March 2026', async () => {
    server.setNow('2026-02-20T11:00:00Z')
    const nhsNumber = freshNumber()
    await server.send({ as: LA, path: 'Patient', body: patientOf({ nhsNumber, birthDate: '2008-02-29' }) })
    const id = await file({ nhsNumber, start: '2026-01-05' })
    await goTo('2026-02-28T23:59:59.999Z')
    expect(await stateOf(id)).toEqual({ plan: 'active v1', flag: 'active v1' })
    await goTo('2026-03-01T00:00:00.000Z')
    expect(await stateOf(id)).toEqual({ plan: 'active v1', flag: 'inactive v2' })
  })

  test('R6 a birth date that comes later moves the day on which the Flag turns', async () => {
    server.setNow('2026-02-20T11:00:00Z')
    const nhsNumber = freshNumber()
    const id = await file({ nhsNumber, start: '2026-01-05' })
    await server.send({ as: LA, path: 'Patient', body: patientOf({ nhsNumber, birthDate: '2008-04' }) })
    await goTo('2026-04-29T22:59:59.999Z')
    expect(await stateOf(id)).toEqual({ plan: 'active v1', flag: 'active v1' })
    await goTo('2026-04-29T23:00:00.000Z')
    expect(await stateOf(id)).toEqual({ plan: 'active v1', flag: 'inactive v2' })
  })

  test('R12 days missed give one version, not one for each day', async () => {
    server.setNow('2026-05-03T11:00:00Z')
    const id = await file({ nhsNumber: freshNumber(), start: '2026-05-05', end: '2026-05-08', status: 'planned' })
    await goTo('2026-05-20T09:00:00Z')
    expect(await stateOf(id)).toEqual({ plan: 'finished v2', flag: 'active v2' })
    await server.runDaily()
    expect(await stateOf(id)).toEqual({ plan: 'finished v2', flag: 'active v2' })
    await goTo('2027-06-01T09:00:00Z')
    expect(await stateOf(id)).toEqual({ plan: 'finished v2', flag: 'inactive v3' })
    expect((await rowOf(id)).index.turnsOn).toBeUndefined()
  })

  test('R12 a server that starts makes up for the days missed', async () => {
    server.setNow('2026-05-03T11:00:00Z')
    const id = await file({ nhsNumber: freshNumber(), start: '2026-05-05', status: 'planned' })
    const second = await startSecond('2026-05-09T09:00:00Z')
    try {
      await waitFor('the plan to turn', async () => (await stateOf(id)).plan === 'active v2')
    } finally {
      await second.close()
    }
    expect(await stateOf(id)).toEqual({ plan: 'active v2', flag: 'active v2' })
  })

  test('R12 searches by status are true after the turn, and not only then', async () => {
    server.setNow('2026-05-03T11:00:00Z')
    const id = await file({ nhsNumber: freshNumber(), start: '2026-05-10', end: '2026-05-12', status: 'planned' })
    const flagId = String((await rowOf(id)).index.flagId)
    const found = async (type: string, status: string, _id: string): Promise<boolean> => {
      const answer = await server.send({ as: LA, path: `${type}/_search`, form: { status, _id } })
      return (bundleOf(answer).entry ?? []).length === 1
    }
    expect([await found('EpisodeOfCare', 'planned', id), await found('Flag', 'inactive', flagId)]).toEqual([true, true])
    await goTo('2026-05-10T00:00:00Z')
    expect([await found('EpisodeOfCare', 'active', id), await found('Flag', 'active', flagId)]).toEqual([true, true])
    expect([await found('EpisodeOfCare', 'planned', id), await found('Flag', 'inactive', flagId)]).toEqual([
      false,
      false,
    ])
    await goTo('2026-05-13T00:00:00Z')
    expect([await found('EpisodeOfCare', 'finished', id), await found('Flag', 'active', flagId)]).toEqual([true, true])
  })

  test('P5 R12 what the NHS sees never waits for it: one minute past midnight, before the job ran', async () => {
    server.setNow('2026-05-03T11:00:00Z')
    const begins = freshNumber()
    const vanishes = freshNumber()
    const beginning = await file({ nhsNumber: begins, start: '2026-05-10', status: 'planned' })
    const vanishing = await file({ nhsNumber: vanishes, start: '2025-01-06', end: '2025-05-09', status: 'finished' })
    await stored.blockDaily()
    server.setNow('2026-05-09T22:59:00Z')
    expect(await seen(begins)).toBe(false)
    expect(await seen(vanishes)).toBe(true)
    server.setNow('2026-05-09T23:01:00Z')
    await server.runDaily()
    expect((await stateOf(beginning)).plan).toBe('planned v1')
    expect((await stateOf(vanishing)).flag).toBe('active v1')
    expect(await seen(begins)).toBe(true)
    expect(await seen(vanishes)).toBe(false)
  })

  test('R15 the content sent again after the turn makes no further version', async () => {
    server.setNow('2026-05-03T11:00:00Z')
    const parts: PlanParts = { identifier: 'turned', nhsNumber: freshNumber(), start: '2026-05-10', status: 'planned' }
    const id = await file(parts)
    await goTo('2026-05-10T00:00:00Z')
    const answer = await server.send({
      as: LA,
      method: 'PUT',
      path: `EpisodeOfCare/${id}`,
      body: { ...bodyOf(parts), id },
    })
    expect(answer.status).toBe(200)
    expect(await stateOf(id)).toEqual({ plan: 'active v2', flag: 'active v2' })
  })

  test('R12 one audit record, by the server, which the authority and no other may read', async () => {
    server.setNow('2026-05-03T11:00:00Z')
    const id = await file({ nhsNumber: freshNumber(), start: '2026-05-10', status: 'planned' })
    await goTo('2026-05-10T00:00:00Z')
    const search = (as: string) =>
      server.send({ as, path: 'AuditEvent/_search', form: { entity: `EpisodeOfCare/${id}`, subtype: 'update' } })
    const found = (bundleOf(await search(LA)).entry ?? []).map((one) => one.resource as AuditEvent)
    expect(found).toHaveLength(1)
    expect(found[0]?.agent.filter((one) => one.requestor)).toMatchObject([{ who: { display: 'CP-IS register' } }])
    const touched = (found[0]?.entity ?? []).map((one) => one.what?.reference).filter((one) => one !== undefined)
    expect(touched).toEqual([`EpisodeOfCare/${id}/_history/2`, `Flag/${(await rowOf(id)).index.flagId}/_history/2`])
    expect(bundleOf(await search('la-E06000015')).entry).toBeUndefined()
  })

  test('R12 uploads at midnight itself and two processes do not clash', async () => {
    server.setNow('2026-05-03T11:00:00Z')
    const plans = await Promise.all(
      Array.from({ length: 30 }, async (_, n) => {
        const parts: PlanParts = { identifier: `race-${n}`, nhsNumber: freshNumber(), start: '2026-05-10' }
        return { parts, id: await file(parts) }
      }),
    )
    await stored.blockDaily()
    server.setNow('2026-05-09T23:00:00Z')
    await server.token(LA)
    const round = () =>
      goRound(server.context, {
        mayGoOn: async () => true,
        find: (page) => server.context.store.read.turningPlans('2026-05-10' as never, page),
        work: async (unit, due) => {
          const facts = { at: new Date('2026-05-09T23:00:00Z'), keyedId: server.context.store.keyedId }
          for (const plan of due) await turnPlan(unit, plan, facts)
        },
      })
    const [first, second, ...answers] = await Promise.all([
      round(),
      round(),
      ...plans.map(({ parts, id }) =>
        server.send({
          as: LA,
          method: 'PUT',
          path: `EpisodeOfCare/${id}`,
          body: { ...planOf({ ...parts, end: '2026-06-01' }), id },
        }),
      ),
    ])
    expect([first, second]).toEqual([true, true])
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    for (const { id } of plans) {
      const row = await rowOf(id)
      expect(row.resource).toMatchObject({ status: 'active', period: { end: '2026-06-01' } })
      expect(row.version).toBeLessThanOrEqual(3)
      expect((await stateOf(id)).flag).toMatch(/^active/)
    }
  })
})

async function seen(nhsNumber: string): Promise<boolean> {
  const answer = await sendCheck(server, nhsNumber, { setting: 'general-practice' })
  expect(answer.status).toBe(200)
  return answer.text.includes('EpisodeOfCare')
}

/** Another process on the same database. */
function startSecond(instant: string): Promise<TestServer> {
  const { config, keys } = server.context
  const clock = () => new Date(instant)
  return startTestServer({ env: { CPIS_DATABASE: config.mongodbDatabase }, overrides: { keys, clock } })
}

describe('08:00 London, for a plan without a number', () => {
  test('R17 told at once, at 08:00 the day of filing included, and every day after that', async () => {
    server.setNow('2026-06-01T05:00:00Z')
    const id = await file({})
    expect((await missing(id)).map(({ at }) => at)).toEqual(['2026-06-01T05:00:00.000Z'])
    await goTo('2026-06-01T06:59:59.999Z')
    expect(await missing(id)).toHaveLength(1)
    await goTo('2026-06-01T07:00:00.000Z')
    expect(await missing(id)).toHaveLength(2)
    await goTo('2026-06-01T22:59:00Z')
    expect(await missing(id)).toHaveLength(2)
    await goTo('2026-06-02T06:59:59Z')
    expect(await missing(id)).toHaveLength(2)
    await goTo('2026-06-02T07:00:01Z')
    expect((await missing(id)).map(({ at, authority }) => `${at} ${authority}`)).toEqual([
      '2026-06-01T05:00:00.000Z E10000007',
      '2026-06-01T07:00:00.000Z E10000007',
      '2026-06-02T07:00:01.000Z E10000007',
    ])
  })

  test('R17 filed after 08:00: at once, and at 08:00 of the next day', async () => {
    server.setNow('2026-06-03T09:00:00Z')
    const id = await file({})
    await goTo('2026-06-03T20:00:00Z')
    expect(await missing(id)).toHaveLength(1)
    await goTo('2026-06-04T07:00:00Z')
    expect(await missing(id)).toHaveLength(2)
  })

  test.each([
    ['2026-03-27T12:00:00Z', '2026-03-28T07:59:59Z', '2026-03-28T08:00:00Z'],
    ['2026-03-28T12:00:00Z', '2026-03-29T06:59:59Z', '2026-03-29T07:00:00Z'],
    ['2026-10-23T12:00:00Z', '2026-10-24T06:59:59Z', '2026-10-24T07:00:00Z'],
    ['2026-10-24T12:00:00Z', '2026-10-25T07:59:59Z', '2026-10-25T08:00:00Z'],
  ])('R17 P5 where the clocks change: filed %s, not yet %s, due %s', async (filed, early, due) => {
    server.setNow(filed)
    const id = await file({})
    await goTo(early)
    expect(await missing(id)).toHaveLength(1)
    await goTo(due)
    expect(await missing(id)).toHaveLength(2)
  })

  test('R17 a missed 08:00 is made up once, at start, for today only', async () => {
    server.setNow('2026-07-01T12:00:00Z')
    const id = await file({})
    const second = await startSecond('2026-07-05T15:00:00Z')
    try {
      await waitFor('the event', async () => (await missing(id)).length > 1)
      await second.runDaily()
    } finally {
      await second.close()
    }
    const third = await startSecond('2026-07-05T18:00:00Z')
    try {
      await third.runDaily()
    } finally {
      await third.close()
    }
    expect((await missing(id)).map(({ at }) => at)).toEqual(['2026-07-01T12:00:00.000Z', '2026-07-05T15:00:00.000Z'])
  })

  test('R17 never twice with two processes on one database, even without the lease between them', async () => {
    server.setNow('2026-07-10T12:00:00Z')
    const ids = await Promise.all(Array.from({ length: 25 }, () => file({})))
    const second = await startSecond('2026-07-11T07:00:00Z')
    server.setNow('2026-07-11T07:00:00Z')
    const { store } = server.context
    const everyoneHolds = {
      takeDaily: async () => ({ id: 'daily', token: 1 }),
      releaseDaily: async () => undefined,
      clearOld: async () => false,
    }
    const reckless = startDaily({ context: server.context, deliveries: everyoneHolds, turnPlan })
    try {
      await Promise.all([server.runDaily(), second.runDaily(), reckless.run()])
      await waitFor('all told', async () => {
        const left = await store.read.plansToTell('missing', '2026-07-11' as never, { limit: 1000 })
        return left.length === 0
      })
    } finally {
      await reckless.stop()
      await second.close()
    }
    for (const id of ids)
      expect((await missing(id)).map(({ at }) => at.slice(0, 10))).toEqual(['2026-07-10', '2026-07-11'])
  })

  test('R17 while another process has the lease nothing is done; when it is gone, all is', async () => {
    server.setNow('2026-07-20T12:00:00Z')
    const id = await file({})
    await stored.blockDaily()
    await goTo('2026-07-21T08:00:00Z')
    expect(await missing(id)).toHaveLength(1)
    await stored.freeDaily()
    await server.runDaily()
    expect(await missing(id)).toHaveLength(2)
  })

  test('R17 no more once the number arrived, the plan is withdrawn, deleted, or ended by R2', async () => {
    server.setNow('2026-08-01T12:00:00Z')
    const update = (id: string, parts: PlanParts) =>
      server.send({ as: LA, method: 'PUT', path: `EpisodeOfCare/${id}`, body: { ...bodyOf(parts), id } })
    const numbered = await file({ identifier: 'n' })
    const withdrawn = await file({ identifier: 'w' })
    const deleted = await file({ identifier: 'd' })
    const ended = await file({ identifier: 'e', start: '2025-01-06', end: '2025-08-02', status: 'finished' })
    expect((await update(numbered, { identifier: 'n', nhsNumber: freshNumber() })).status).toBe(200)
    expect((await update(withdrawn, { identifier: 'w', status: 'entered-in-error' })).status).toBe(200)
    expect((await server.send({ as: LA, method: 'DELETE', path: `EpisodeOfCare/${deleted}` })).status).toBe(204)
    await goTo('2026-08-02T07:00:00Z')
    expect(await missing(ended)).toHaveLength(2)
    await goTo('2026-08-03T07:00:00Z')
    for (const id of [numbered, withdrawn, deleted]) expect(await missing(id)).toHaveLength(1)
    expect(await missing(ended)).toHaveLength(2)
    expect((await update(withdrawn, { identifier: 'w' })).status).toBe(200)
    expect(await missing(withdrawn)).toHaveLength(2)
    await goTo('2026-08-04T07:00:00Z')
    expect(await missing(withdrawn)).toHaveLength(3)
  })

  test('R17 R15 telling changes no version, and a re-send after it neither', async () => {
    server.setNow('2026-08-10T12:00:00Z')
    const id = await file({ identifier: 'told' })
    await goTo('2026-08-11T07:00:00Z')
    await server.send({
      as: LA,
      method: 'PUT',
      path: `EpisodeOfCare/${id}`,
      body: { ...bodyOf({ identifier: 'told' }), id },
    })
    expect((await stateOf(id)).plan).toBe('active v1')
    await server.runDaily()
    expect(await missing(id)).toHaveLength(2)
  })
})

describe('08:00 London, for a plan under a replaced number', () => {
  const NEW = testNumber('9997526694')
  async function replace(id: string): Promise<void> {
    const row = await rowOf(id)
    const index = { ...row.index, newNumber: NEW }
    await server.context.store.transact((unit) => unit.reindex('EpisodeOfCare', row.id, index))
  }

  test('R23 told every day while it is visible, until it carries the new number', async () => {
    server.setNow('2026-11-01T06:00:00Z')
    const parts: PlanParts = { identifier: 'replaced', nhsNumber: freshNumber(), end: '2026-11-20' }
    const id = await file(parts)
    await replace(id)
    await goTo('2026-11-01T07:59:59Z')
    expect(await superseded(id)).toHaveLength(0)
    await goTo('2026-11-01T08:00:00Z')
    await server.runDaily()
    await goTo('2026-11-02T08:00:00Z')
    expect((await superseded(id)).map(({ at }) => at.slice(0, 10))).toEqual(['2026-11-01', '2026-11-02'])
    const { newNumber: _done, ...index } = (await rowOf(id)).index
    await server.context.store.transact((unit) =>
      unit.reindex('EpisodeOfCare', id as ResourceId, { ...index, nhsNumber: NEW }),
    )
    await goTo('2026-11-03T08:00:00Z')
    expect(await superseded(id)).toHaveLength(2)
  })

  test('R23 replaced after 08:00: told at once, and at 08:00 of the next day, whoever starts meanwhile', async () => {
    server.setNow('2026-11-10T12:00:00Z')
    const [old, replacement] = [freshNumber(), freshNumber()]
    const id = await file({ nhsNumber: old })
    expect((await sendNumberChanged(server, { from: old, to: replacement })).status).toBe(200)
    expect(await superseded(id)).toHaveLength(1)
    const second = await startSecond('2026-11-10T15:00:00Z')
    try {
      await second.runDaily()
    } finally {
      await second.close()
    }
    expect(await superseded(id)).toHaveLength(1)
    await goTo('2026-11-11T08:00:00Z')
    expect(await superseded(id)).toHaveLength(2)
  })

  test('R23 R25 nothing about a plan that the NHS cannot see: not begun, or over', async () => {
    server.setNow('2026-11-05T12:00:00Z')
    const future = await file({ nhsNumber: freshNumber(), start: '2026-11-07', status: 'planned' })
    const over = await file({ nhsNumber: freshNumber(), start: '2025-01-06', end: '2025-11-05', status: 'finished' })
    for (const id of [future, over]) await replace(id)
    await goTo('2026-11-06T08:00:00Z')
    expect(await superseded(future)).toHaveLength(0)
    expect(await superseded(over)).toHaveLength(0)
    await goTo('2026-11-07T08:00:00Z')
    expect(await superseded(future)).toHaveLength(1)
  })
})

describe('many plans', () => {
  const MANY = 1_000
  test('R17 1,000 parked plans are told in pages, once; before 08:00 and afterwards none is read; one broken plan stops no other', async () => {
    server.setNow('2026-09-01T12:00:00Z')
    const store = server.context.store as OpenStore
    const filedAt = '2026-09-01T12:00:00.000Z'
    for (let from = 0; from < MANY; from += 100) {
      await store.transact(async (unit) => {
        for (let n = from; n < from + 100; n++)
          await unit.put(planRow({ id: `many-${n}`, at: filedAt, index: { filedAt, toldOn: '2026-09-01' } }))
      })
    }
    const { flagId: _none, ...noFlag } = planRow({ id: 'broken' }).index
    await store.transact((unit) => unit.put({ ...planRow({ id: 'broken' }), index: { ...noFlag, filedAt } }))
    const before = await stored.countEvents('nhs-number-missing')
    const pages: number[] = []
    const read = {
      ...store.read,
      plansToTell: async (...given: Parameters<OpenStore['read']['plansToTell']>) => {
        const found = await store.read.plansToTell(...given)
        pages.push(found.length)
        return found
      },
    }
    await stored.blockDaily()
    const daily = startDaily({
      context: { ...server.context, store: { ...store, read } },
      deliveries: {
        takeDaily: async () => ({ id: 'daily', token: 1 }),
        releaseDaily: async () => undefined,
        clearOld: async () => false,
      },
      turnPlan,
    })
    try {
      server.setNow('2026-09-02T06:59:00Z')
      await daily.run()
      expect(pages).toEqual([])
      server.setNow('2026-09-02T07:02:00Z')
      await daily.run()
      const waiting = await store.read.plansToTell('missing', '2026-09-02' as never, { limit: 1000 })
      expect(waiting.filter(({ id }) => id.startsWith('many'))).toEqual([])
      expect(Math.max(...pages)).toBeLessThanOrEqual(100)
      expect((await stored.countEvents('nhs-number-missing')) - before).toBeGreaterThanOrEqual(MANY)
      expect(await missing('many-999')).toHaveLength(1)
      expect(await missing('broken')).toHaveLength(0)
      // without the broken one there is nothing left to look for today
      await store.transact((unit) => unit.put({ ...planRow({ id: 'broken', version: 2, deleted: true }) }))
      await daily.run()
      pages.length = 0
      await daily.run()
      expect(pages).toEqual([])
    } finally {
      await daily.stop()
    }
  }, 60_000)

  test('a database that is not there ends the round; the next one finds what is left', async () => {
    const context = {
      ...server.context,
      store: { ...server.context.store, transact: () => Promise.reject(new StoreError('transient', 'gone')) },
    }
    const round = {
      mayGoOn: async () => true,
      find: async () => [planRow({ id: 'any' })],
      work: async () => undefined,
    }
    await expect(goRound(context, round)).rejects.toThrow('gone')
  })
})
