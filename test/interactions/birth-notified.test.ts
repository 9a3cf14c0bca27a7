/** `$birth-notified` through real HTTP, a real database and a real receiver: refusals first, then the bridge from the baby to the mother's unborn plan, and who is told (R24). */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Bundle, EpisodeOfCare, Flag, Parameters } from '@medplum/fhirtypes'
import type { AuthorityCode, NhsNumber, ResourceId } from '../../src/domain/brands.ts'
import { turnPlan } from '../../src/interactions/turn-of-day.ts'
import { birthOf, identifierPart, parametersOf, sendBirth, sendNumberChanged } from '../support/number-notices.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { DERBYSHIRE, LUTON, openRulesWorld, type RulesWorld, type Seen } from '../support/rules-world.ts'
import { issuesOf, resourceOf, type TestAnswer } from '../support/server.ts'
import { waitFor } from '../support/wait-for.ts'

const EXTENSION = 'https://cpis.example/fhir/StructureDefinition/'
const PATH = 'Patient/$birth-notified'
const DONE = [{ code: 'SUCCESS', at: undefined, severity: 'information' }]

let world: RulesWorld
let receiver: Receiver
beforeAll(async () => {
  world = await openRulesWorld()
  receiver = await startReceiver({ keys: world.server.context.keys.webhooks })
})
afterAll(async () => {
  await world.close()
  await receiver.close()
})
beforeEach(() => world.at('2026-05-03 12:00'))

const numbers = (count: number): string[] => Array.from({ length: count }, () => world.newNumber())
const born = async (mother: string, baby: string, as?: string): Promise<void> => {
  const answer = await sendBirth(world.server, { mother, baby, ...(as === undefined ? {} : { as }) })
  expect([answer.status, issuesOf(answer)]).toEqual([200, DONE])
}
const unborn = (mother: string, more: object = {}) =>
  ({ nhsNumber: mother, type: 'UCPP', due: '2026-05-10', ...more }) as const
const shown = (seen: Seen): (readonly [string, string])[] =>
  seen.plans.map((one) => [one.id, one.caseStatus] as const).sort()
const found = async (number: string) => shown(await world.look(number))
const babiesOf = (plan: EpisodeOfCare): (string | undefined)[] =>
  (plan.extension ?? [])
    .filter((one) => one.url === `${EXTENSION}cpis-baby-number`)
    .map((one) => one.valueIdentifier?.value)
const told = async (...ids: string[]): Promise<(readonly [string, string | undefined])[]> =>
  (await world.events(...ids))
    .filter((one) => one.topic === 'baby-born')
    .map((one) => [one.authority, one.plans[0]?.id] as const)
const audits = () => world.server.context.store.read.audits({ from: '2026-01-01T00:00:00Z', limit: 500 })

describe('R24 refusals name code and place, repeat no number and change nothing', () => {
  const mother = '9994033018'
  const baby = '9997007336'
  const cases: readonly [string, unknown, string, string | undefined][] = [
    ["R1 a wrong mother's number", birthOf('9995973953', baby, '2026-05-02'), 'INVALID_NHS_NUMBER', '[0].value.value'],
    ["R1 a wrong baby's number", birthOf(mother, '9990000000', '2026-05-02'), 'INVALID_NHS_NUMBER', '[1].value.value'],
    [
      'R1 a real number in a sandbox',
      birthOf(mother, '9434765919', '2026-05-02'),
      'TEST_NUMBER_REQUIRED',
      '[1].value.value',
    ],
    ['a mother who is her own baby', birthOf(mother, mother, '2026-05-02'), 'INVALID_PARAMETER', '[1].value.value'],
    ['P5 tomorrow in London', birthOf(mother, baby, '2026-05-04'), 'INVALID_PARAMETER', '[2].value'],
    ['a month', birthOf(mother, baby, '2026-05'), 'INVALID_PARAMETER', '[2].value'],
    ['a day that is none', birthOf(mother, baby, '2026-02-30'), 'INVALID_PARAMETER', '[2].value'],
    ['no day', parametersOf(identifierPart('mother', mother), identifierPart('baby', baby)), 'MISSING_PARAMETER', ''],
    [
      'twins in one notice',
      { ...birthOf(mother, baby, '2026-05-02'), parameter: twins(mother, baby) },
      'INVALID_PARAMETER',
      '[2]',
    ],
    ['another parameter', withFather(birthOf(mother, baby, '2026-05-02')), 'UNKNOWN_PARAMETER', '[3].name'],
  ]
  test.each(cases)('%s', async (_name, body, code, place) => {
    const answer = await world.server.send({ as: 'number-feed', path: PATH, body })
    const [first] = issuesOf(answer)
    expect({ status: answer.status, code: first?.code, at: first?.at }).toEqual({
      status: 400,
      code,
      at: `Parameters.parameter${place}`,
    })
    for (const number of [mother, baby, '9995973953', '9434765919']) expect(answer.text).not.toContain(number)
    const requestId = answer.headers.get('x-request-id')
    expect((await audits()).find((one) => one.requestId === requestId)).toMatchObject({ status: 400, codes: [code] })
  })

  test.each([
    ['a nurse', 'ed-nurse', 403],
    ['a council', `la-${DERBYSHIRE}`, 403],
    ['nobody', undefined, 401],
  ])('%s may not say so', async (_name, as, status) => {
    const body = birthOf(mother, baby, '2026-05-02')
    const answer = await world.server.send({ path: PATH, body, ...(as === undefined ? {} : { as }) })
    expect(answer.status).toBe(status)
  })

  test('GET is 405', async () => {
    const answer = await world.server.send({ as: 'midwife', path: PATH })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
  })
})

function withFather(body: Parameters): Parameters {
  return { ...body, parameter: [...(body.parameter ?? []), identifierPart('father', '9992742216')] }
}

function twins(mother: string, baby: string) {
  return [
    identifierPart('mother', mother),
    identifierPart('baby', baby),
    identifierPart('baby', '9992742216'),
    { name: 'birthDate', valueDate: '2026-05-02' },
  ]
}

describe("R24 the bridge: a check on the baby shows the mother's unborn plan", () => {
  test('without her number, as a plan of the mother', async () => {
    const [mother = '', baby = ''] = numbers(2)
    const plan = await world.filed(unborn(mother))
    const theirs = await world.filed({ ...unborn(mother), by: LUTON })
    expect(await found(baby)).toEqual([])
    await born(mother, baby, 'midwife')
    const seen = await world.check(baby)
    expect(shown(seen)).toEqual(
      [
        [plan, 'born-plan-of-mother'],
        [theirs, 'born-plan-of-mother'],
      ].sort(),
    )
    expect([seen.text.includes(mother), seen.text.includes(baby)]).toEqual([false, false])
    const resources = (JSON.parse(seen.text) as Bundle).entry?.map((one) => one.resource)
    for (const person of [
      ...(resources ?? []).flatMap((one) =>
        one?.resourceType === 'EpisodeOfCare' ? [(one as EpisodeOfCare).patient] : [],
      ),
      ...(resources ?? []).flatMap((one) => (one?.resourceType === 'Flag' ? [(one as Flag).subject] : [])),
    ]) {
      expect(person).toEqual({
        type: 'Patient',
        display: 'Mother of this child',
        extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }],
      })
    }
    // the mother's own answer is as it was
    expect(await found(mother)).toEqual(
      [
        [plan, 'open'],
        [theirs, 'open'],
      ].sort(),
    )
  })

  test("only her unborn plans, not what she is herself subject to, nor her mother's", async () => {
    const [grandmother = '', mother = '', baby = ''] = numbers(3)
    await world.filed(unborn(grandmother))
    await world.filed({ nhsNumber: mother, type: 'LAC' })
    await born(grandmother, mother)
    const plan = await world.filed({ ...unborn(mother), by: LUTON })
    await born(mother, baby)
    expect(await found(baby)).toEqual([[plan, 'born-plan-of-mother']])
  })

  test('holds though the unborn plan is filed after it, and then tells at the filing', async () => {
    const [mother = '', baby = ''] = numbers(2)
    await born(mother, baby)
    const plan = await world.filed(unborn(mother))
    expect([await found(baby), await told(plan)]).toEqual([[[plan, 'born-plan-of-mother']], [[DERBYSHIRE, plan]]])
    expect(babiesOf(await world.plan(plan))).toEqual([baby])
  })

  test('ending the unborn plan at birth opens no gap: it is shown for its 365 days', async () => {
    const [mother = '', baby = ''] = numbers(2)
    const sent = { identifier: `ended-${mother}`, ...unborn(mother) }
    const plan = await world.filed(sent)
    await born(mother, baby)
    await world.change(plan, { ...sent, end: '2026-05-02' })
    expect(await found(baby)).toEqual([[plan, 'born-plan-of-mother']])
    world.at('2027-05-02 12:00')
    expect(await found(baby)).toEqual([[plan, 'born-plan-of-mother']])
    world.at('2027-05-03 12:00')
    expect(await found(baby)).toEqual([])
  })

  test('a future or a withdrawn plan of the baby opens no gap; one that has started ends the bridge, for its authority only', async () => {
    const [mother = '', baby = ''] = numbers(2)
    const plan = await world.filed(unborn(mother))
    const theirs = await world.filed({ ...unborn(mother), by: LUTON })
    await born(mother, baby)
    const bridge = [[plan, 'born-plan-of-mother'] as const, [theirs, 'born-plan-of-mother'] as const]
    const mistaken = { identifier: `mistaken-${baby}`, nhsNumber: baby, start: '2026-05-03' }
    const wrong = await world.filed(mistaken)
    expect(await found(baby)).toEqual([[wrong, 'open'], bridge[1] ?? []].sort())
    await world.change(wrong, { ...mistaken, status: 'entered-in-error' })
    expect(await found(baby)).toEqual([...bridge].sort())
    const own = await world.filed({ nhsNumber: baby, start: '2026-05-05' })
    expect(await found(baby)).toEqual([...bridge].sort())
    world.at('2026-05-05 00:00')
    expect(await found(baby)).toEqual([[own, 'open'], bridge[1] ?? []].sort())
  })

  test('twins: one notice each, one event each, both on the plan', async () => {
    const [mother = '', one = '', two = ''] = numbers(3)
    const plan = await world.filed(unborn(mother))
    await born(mother, one)
    await born(mother, two)
    expect([await found(one), await found(two)]).toEqual([
      [[plan, 'born-plan-of-mother']],
      [[plan, 'born-plan-of-mother']],
    ])
    expect(await told(plan)).toHaveLength(2)
    expect(babiesOf(await world.plan(plan)).sort()).toEqual([one, two].sort())
  })

  test('a baby that is known already keeps its own plans beside', async () => {
    const [mother = '', baby = ''] = numbers(2)
    const own = await world.filed({ nhsNumber: baby, by: LUTON })
    const plan = await world.filed(unborn(mother))
    await born(mother, baby)
    expect(await found(baby)).toEqual(
      [
        [own, 'open'],
        [plan, 'born-plan-of-mother'],
      ].sort(),
    )
  })

  test("R23 holds when the mother's number, or the baby's, is replaced", async () => {
    const [mother = '', hers = '', baby = '', its = ''] = numbers(4)
    const plan = await world.filed(unborn(mother))
    await born(hers, baby)
    expect(await told(plan)).toEqual([])
    await sendNumberChanged(world.server, { from: mother, to: hers })
    expect(await told(plan)).toEqual([[DERBYSHIRE, plan]])
    await sendNumberChanged(world.server, { from: baby, to: its })
    for (const number of [baby, its]) {
      const seen = await world.look(number)
      expect(shown(seen)).toEqual([[plan, 'born-plan-of-mother']])
      expect([mother, hers].filter((one) => seen.text.includes(one))).toEqual([])
    }
    await sendNumberChanged(world.server, { from: mother, to: hers, reason: 'correction' })
    expect([await found(baby), babiesOf(await world.plan(plan))]).toEqual([[], []])
  })
})

describe('R24 who is told', () => {
  test("each authority with a visible unborn plan, at once and once; it reads the baby's number, and its plan gets no new version", async () => {
    const [mother = '', baby = ''] = numbers(2)
    const plan = await world.filed(unborn(mother))
    const theirs = await world.filed({ ...unborn(mother), by: LUTON })
    const others = await world.filed({ nhsNumber: mother, type: 'LAC' })
    const old = await world.filed(unborn(mother, { start: '2023-01-01', end: '2023-06-01', due: '2023-06-10' }))
    for (let n = 0; n < 3; n++) await born(mother, baby)
    expect((await told(plan, theirs, others, old)).sort()).toEqual([
      [LUTON, theirs],
      [DERBYSHIRE, plan],
    ])
    const read = await world.plan(plan)
    expect([babiesOf(read), read.meta?.versionId]).toEqual([[baby], '1'])
    // what it reads it may send back
    const back = resourceOf(await world.send(read), 'EpisodeOfCare')
    expect([babiesOf(back), back.meta?.versionId]).toEqual([[baby], '1'])
    expect(babiesOf(await world.plan(others))).toEqual([])
  })

  test('an unborn plan that is corrected so that it can be seen is told then', async () => {
    const [mother = '', baby = ''] = numbers(2)
    const sent = { identifier: `late-${mother}`, ...unborn(mother), start: '2026-06-01' }
    const plan = await world.filed({ ...sent, status: 'planned' })
    await born(mother, baby)
    expect(await told(plan)).toEqual([])
    await world.change(plan, { ...sent, start: '2026-05-01' })
    expect(await told(plan)).toEqual([[DERBYSHIRE, plan]])
  })

  test('an unborn plan that begins after the birth is told on the day it begins, once', async () => {
    const [mother = '', baby = ''] = numbers(2)
    const plan = await world.filed({ ...unborn(mother), start: '2026-05-06', status: 'planned' })
    await born(mother, baby)
    expect([await told(plan), await found(baby)]).toEqual([[], []])
    world.at('2026-05-06 00:00')
    const { store } = world.server.context
    const row = await store.read.of(DERBYSHIRE as AuthorityCode, 'EpisodeOfCare').find(plan as ResourceId)
    if (row === undefined) throw new Error('no such plan')
    const at = new Date('2026-05-05T23:00:00Z')
    for (let n = 0; n < 2; n++) await store.transact((unit) => turnPlan(unit, row, { at, keyedId: store.keyedId }))
    expect([await told(plan), await found(baby)]).toEqual([[[DERBYSHIRE, plan]], [[plan, 'born-plan-of-mother']]])
  })

  test("R18 R19 an access of the baby is told to the authorities of the shown plans, and is the baby's own", async () => {
    const [mother = '', baby = ''] = numbers(2)
    const plan = await world.filed(unborn(mother))
    await born(mother, baby)
    const first = await world.check(mother)
    world.at('2026-05-03 12:01')
    const second = await world.check(baby)
    const checked = await world.eventsOfCheck(second.auditId)
    expect(checked.map((one) => [one.topic, one.authority, one.plans.map(({ id }) => id)])).toEqual([
      ['child-checked', DERBYSHIRE, [plan]],
      ['incident-opened', DERBYSHIRE, [plan]],
    ])
    world.at('2026-05-03 12:02')
    const [ofMother, ofBaby] = [await world.look(mother), await world.look(baby)]
    expect(ofMother.history.map((one) => one.id)).toEqual([first.auditId])
    expect(ofBaby.history.map((one) => one.id)).toEqual([second.auditId])
  })

  test('the answer does not tell whether anything is known', async () => {
    const [mother = '', baby = '', nobody = ''] = numbers(3)
    await world.filed(unborn(mother))
    const answers: TestAnswer[] = [
      await sendBirth(world.server, { mother, baby }),
      await sendBirth(world.server, { mother, baby }),
      await sendBirth(world.server, { mother: nobody, baby, as: 'midwife' }),
    ]
    expect(new Set(answers.map((one) => `${one.status} ${one.text}`)).size).toBe(1)
  })

  test('an unborn plan that is filed while the birth is notified learns of it', async () => {
    for (let round = 0; round < 5; round++) {
      const [mother = '', baby = ''] = numbers(2)
      const [plan] = await Promise.all([world.filed(unborn(mother)), born(mother, baby)])
      expect([babiesOf(await world.plan(plan)), await told(plan)]).toEqual([[baby], [[DERBYSHIRE, plan]]])
    }
  })

  test('P2 the record names the plans, holds the number sealed, and is for auditors alone', async () => {
    const [mother = '', baby = ''] = numbers(2)
    const plan = await world.filed(unborn(mother))
    await born(mother, baby, 'midwife')
    const of = { nhsNumber: mother as NhsNumber, from: '2026-01-01T00:00:00Z', limit: 9 }
    const record = (await world.server.context.store.read.audits(of)).find((one) => one.operation === 'birth-notified')
    expect(record).toMatchObject({
      status: 200,
      caller: { kind: 'maternity-user', organization: 'RJ1', user: { name: 'M. Adeyemi' } },
      entities: [{ type: 'EpisodeOfCare', id: plan, version: 1, owner: DERBYSHIRE }],
      authorities: [],
    })
    expect(JSON.stringify({ ...record, nhsNumber: undefined })).not.toContain(baby)
  })
})

describe('R23 R24 through a real endpoint', () => {
  test('the council gets both events, signed, each with its plan as focus and no number', async () => {
    const as = `la-${LUTON}`
    for (const topic of ['baby-born', 'nhs-number-superseded']) {
      const body = subscriptionOf(topic, `${receiver.url}/${topic}`)
      const made = resourceOf(await world.server.send({ as, path: 'Subscription', body }), 'Subscription')
      await waitFor('an active Subscription', async () => {
        const read = await world.server.send({ as, path: `Subscription/${made.id}` })
        return resourceOf(read, 'Subscription').status === 'active'
      })
    }
    const [mother = '', baby = '', fresh = ''] = numbers(3)
    const plan = await world.filed({ ...unborn(mother), by: LUTON })
    await born(mother, baby)
    await sendNumberChanged(world.server, { from: mother, to: fresh })
    const got = await waitFor('two events', () => {
      const events = receiver.ofType('event-notification')
      return events.length >= 2 ? events : undefined
    })
    expect(got.map((one) => one.signatureIsRight)).toEqual([true, true])
    for (const one of got) {
      expect(one.body).toContain(`/EpisodeOfCare/${plan}`)
      expect([mother, baby, fresh].filter((number) => one.body.includes(number))).toEqual([])
    }
    expect(got.map((one) => topicOf(one.bundle)).sort()).toEqual([
      'https://cpis.example/fhir/SubscriptionTopic/baby-born',
      'https://cpis.example/fhir/SubscriptionTopic/nhs-number-superseded',
    ])
  })
})

function topicOf(bundle: Bundle): string | undefined {
  const status = bundle.entry?.[0]?.resource as Parameters
  return status.parameter?.find((one) => one.name === 'topic')?.valueCanonical
}

function subscriptionOf(topic: string, endpoint: string): object {
  const content = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content'
  return {
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'Tell the duty worker',
    criteria: `https://cpis.example/fhir/SubscriptionTopic/${topic}`,
    channel: {
      type: 'rest-hook',
      endpoint,
      payload: 'application/fhir+json',
      _payload: { extension: [{ url: content, valueCode: 'id-only' }] },
    },
  }
}
