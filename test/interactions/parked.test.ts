/** Plans without an NHS number, through real HTTP: kept, invisible, listed and chased until the number arrives (R8, R13, R14a, R17, R18). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Bundle, EpisodeOfCare, Parameters } from '@medplum/fhirtypes'
import { type PlanParts, patientOf, planOf, transactionOf } from '../support/plans.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import {
  bundleOf,
  issuesOf,
  resourceOf,
  sendCheck,
  startTestServer,
  type TestAnswer,
  type TestServer,
} from '../support/server.ts'
import { openStoredWorld, type StoredWorld } from '../support/stored-world.ts'
import { waitFor } from '../support/wait-for.ts'

const LA = 'la-E10000007'
const OTHER = 'la-E06000015'
const DAYS = 'https://cpis.example/fhir/StructureDefinition/cpis-days-without-number'
const TOPIC = 'https://cpis.example/fhir/SubscriptionTopic/nhs-number-missing'
const CONTENT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content'

let server: TestServer
let stored: StoredWorld
let receiver: Receiver
beforeAll(async () => {
  server = await startTestServer()
  stored = openStoredWorld(server)
  receiver = await startReceiver({ keys: server.context.keys.webhooks })
})
afterAll(async () => {
  await stored.close()
  await server.close()
  await receiver.close()
})

const at = (instant: string): void => server.setNow(instant)
const missing = (id: string) => stored.eventsOf('nhs-number-missing', id)
const idOf = (answer: TestAnswer): string => resourceOf(answer, 'EpisodeOfCare').id ?? ''
const put = (type: string, id: string, body: object): Promise<TestAnswer> =>
  server.send({ as: LA, method: 'PUT', path: `${type}/${id}`, body: { ...body, id } })

async function fileChild(local: string): Promise<string> {
  return resourceOf(await server.send({ as: LA, path: 'Patient', body: patientOf({ local }) }), 'Patient').id ?? ''
}
async function park(patient: string, parts: PlanParts = {}): Promise<string> {
  const body = planOf({ ...parts, patient: `Patient/${patient}` })
  return idOf(await server.send({ as: LA, path: 'EpisodeOfCare', body }))
}
/** Ids of the plans that the authority's worklist shows, with the days that each has waited. */
async function worklist(as = LA): Promise<ReadonlyMap<string, number | undefined>> {
  const form = { 'nhs-number:missing': 'true', _count: '100' }
  const bundle = bundleOf(await server.send({ as, path: 'EpisodeOfCare/_search', form }))
  const plans = (bundle.entry ?? []).map((one) => one.resource as EpisodeOfCare)
  return new Map(plans.map((plan) => [plan.id ?? '', daysOf(plan)]))
}
const daysOf = (plan: EpisodeOfCare): number | undefined =>
  plan.extension?.find((one) => one.url === DAYS)?.valueInteger
const found = async (nhsNumber: string): Promise<number> => {
  const answer = await sendCheck(server, nhsNumber)
  expect(answer.status).toBe(200)
  return bundleOf(answer).total ?? -1
}

describe('filing', () => {
  test('R8 R17 a plan without a number is kept, invisible, and its authority is told at once', async () => {
    at('2026-05-03T11:00:00Z')
    const patient = await fileChild('kept')
    const answer = await server.send({
      as: LA,
      path: 'EpisodeOfCare',
      body: planOf({ patient: `Patient/${patient}` }),
      headers: { Prefer: 'return=OperationOutcome' },
    })
    expect(answer.status).toBe(201)
    expect(issuesOf(answer)).toContainEqual({
      code: 'NHS_NUMBER_MISSING',
      at: 'EpisodeOfCare.patient',
      severity: 'warning',
    })
    const [id] = [...(await worklist()).keys()]
    expect((await missing(String(id))).map(({ at: when, authority }) => [when, authority])).toEqual([
      ['2026-05-03T11:00:00.000Z', 'E10000007'],
    ])
  })

  test('R17 a plan with a number tells nothing', async () => {
    const id = idOf(await server.send({ as: LA, path: 'EpisodeOfCare', body: planOf({ nhsNumber: '9998450055' }) }))
    expect(await missing(id)).toEqual([])
  })

  test('R15 R17 sending it again, alone or in a Bundle, tells nothing more', async () => {
    const patient = await fileChild('again')
    const id = await park(patient, { identifier: 'again' })
    const plan = planOf({ identifier: 'again', patient: `Patient/${patient}` })
    expect((await put('EpisodeOfCare', id, plan)).status).toBe(200)
    expect((await server.send({ as: LA, path: 'EpisodeOfCare', body: plan })).status).toBe(200)
    const bundle = transactionOf([{ resource: plan, url: 'EpisodeOfCare' }])
    expect((await server.send({ as: LA, body: bundle })).status).toBe(200)
    expect(await missing(id)).toHaveLength(1)
  })

  test('R17 an edit of a parked plan tells nothing more', async () => {
    const patient = await fileChild('edited')
    const id = await park(patient, { identifier: 'edited' })
    const edited = planOf({ identifier: 'edited', patient: `Patient/${patient}`, start: '2026-04-02' })
    expect((await put('EpisodeOfCare', id, edited)).status).toBe(200)
    expect(await missing(id)).toHaveLength(1)
  })

  test('R17 filed when R2 has ended it already: kept, and not chased', async () => {
    const patient = await fileChild('over')
    const id = await park(patient, { start: '2024-01-08', end: '2024-06-03', status: 'finished' })
    expect(await missing(id)).toEqual([])
  })
})

describe('the worklist', () => {
  test('R8 R17 shows the days since filing, counted in London days, and never restarts them', async () => {
    at('2026-05-03T22:59:00Z')
    const patient = await fileChild('days')
    const id = await park(patient, { identifier: 'days' })
    expect((await worklist()).get(id)).toBe(0)
    at('2026-05-03T23:00:00Z')
    expect((await worklist()).get(id)).toBe(1)
    at('2026-05-13T12:00:00Z')
    const edited = planOf({ identifier: 'days', patient: `Patient/${patient}`, start: '2026-04-10' })
    expect((await put('EpisodeOfCare', id, edited)).status).toBe(200)
    expect((await worklist()).get(id)).toBe(10)
    expect((await put('EpisodeOfCare', id, { ...edited, status: 'entered-in-error' })).status).toBe(200)
    at('2026-05-23T12:00:00Z')
    expect((await put('EpisodeOfCare', id, edited)).status).toBe(200)
    expect((await worklist()).get(id)).toBe(20)
    const read = resourceOf(await server.send({ as: LA, path: `EpisodeOfCare/${id}` }), 'EpisodeOfCare')
    expect(daysOf(read)).toBe(20)
  })

  test('R17 the turn of the day and the events of 08:00 do not restart them', async () => {
    at('2026-06-01T12:00:00Z')
    const id = await park(await fileChild('turned'), { start: '2026-06-03', status: 'planned' })
    at('2026-06-05T12:00:00Z')
    await server.runDaily()
    const plan = resourceOf(await server.send({ as: LA, path: `EpisodeOfCare/${id}` }), 'EpisodeOfCare')
    expect([plan.status, daysOf(plan)]).toEqual(['active', 4])
    expect(await missing(id)).toHaveLength(2)
  })

  test('R10 it is the authority’s own', async () => {
    const id = await park(await fileChild('own'))
    expect((await worklist()).has(id)).toBe(true)
    expect((await worklist(OTHER)).has(id)).toBe(false)
  })
})

describe('the number arrives', () => {
  test('R8 through the Patient: all its plans are visible at once, and no longer on the list', async () => {
    at('2026-06-10T12:00:00Z')
    const patient = await fileChild('three')
    const plans = [
      await park(patient, { type: 'CPP' }),
      await park(patient, { type: 'LAC' }),
      await park(patient, { type: 'CPP', start: '2025-01-06', end: '2026-03-01', status: 'finished' }),
    ]
    expect(await found('9995425793')).toBe(0)
    const answer = await put('Patient', patient, patientOf({ local: 'three', nhsNumber: '9995425793' }))
    expect(answer.status).toBe(200)
    expect(await found('9995425793')).toBe(3)
    const listed = await worklist()
    expect(plans.filter((id) => listed.has(id))).toEqual([])
    at('2026-06-11T12:00:00Z')
    await server.runDaily()
    for (const id of plans) expect(await missing(id)).toHaveLength(1)
  })

  test('R8 through the plan: it is visible with the next check', async () => {
    const id = idOf(
      await server.send({
        as: LA,
        path: 'EpisodeOfCare',
        body: { ...planOf({ identifier: 'late' }), patient: localChild('late') },
      }),
    )
    expect(await found('9994944614')).toBe(0)
    expect((await put('EpisodeOfCare', id, planOf({ identifier: 'late', nhsNumber: '9994944614' }))).status).toBe(200)
    expect(await found('9994944614')).toBe(1)
    expect((await worklist()).has(id)).toBe(false)
  })

  test('R8 through a Patient that is filed later, by the identifier that the plan named', async () => {
    const id = idOf(
      await server.send({
        as: LA,
        path: 'EpisodeOfCare',
        body: { ...planOf({ identifier: 'named' }), patient: localChild('named') },
      }),
    )
    const patient = patientOf({ local: 'named', nhsNumber: '9999508960' })
    expect((await server.send({ as: LA, path: 'Patient', body: patient })).status).toBe(201)
    expect(await found('9999508960')).toBe(1)
    expect((await worklist()).has(id)).toBe(false)
  })

  test('R8 in one batch, the plan before its Patient', async () => {
    const batch = transactionOf(
      [
        { resource: { ...planOf({ identifier: 'batched' }), patient: localChild('batched') }, url: 'EpisodeOfCare' },
        { resource: patientOf({ local: 'batched', nhsNumber: '9993529427' }), url: 'Patient' },
      ],
      { type: 'batch' },
    )
    const answer = bundleOf(await server.send({ as: LA, body: batch }))
    expect((answer.entry ?? []).map((one) => one.response?.status)).toEqual(['201 Created', '201 Created'])
    expect(await found('9993529427')).toBe(1)
  })

  test('R8 an identifier that two Patients share names neither: the plan stays parked, and on the list', async () => {
    await server.send({ as: LA, path: 'Patient', body: patientOf({ local: 'shared', nhsNumber: '9996621235' }) })
    await server.send({ as: LA, path: 'Patient', body: patientOf({ local: 'shared' }) })
    const body = { ...planOf({ identifier: 'shared' }), patient: localChild('shared') }
    const id = idOf(await server.send({ as: LA, path: 'EpisodeOfCare', body }))
    const more = patientOf({ local: 'shared', nhsNumber: '9993798568' })
    expect((await server.send({ as: LA, path: 'Patient', body: more })).status).toBe(201)
    expect([await found('9996621235'), await found('9993798568')]).toEqual([0, 0])
    expect((await worklist()).has(id)).toBe(true)
  })

  test('R8 the Patient of another authority with the same identifier attaches nothing', async () => {
    const body = { ...planOf({ identifier: 'same-words' }), patient: localChild('same-words') }
    const id = idOf(await server.send({ as: LA, path: 'EpisodeOfCare', body }))
    const foreign = patientOf({ local: 'same-words', nhsNumber: '9994179209' })
    expect((await server.send({ as: OTHER, path: 'Patient', body: foreign })).status).toBe(201)
    expect(await found('9994179209')).toBe(0)
    expect((await worklist()).has(id)).toBe(true)
  })

  test('R8 plan and Patient filed at the same moment find each other', async () => {
    await server.token(LA)
    const names = Array.from({ length: 12 }, (_, n) => `moment-${n}`)
    const numbers = numbersFrom(names.length)
    const answers = await Promise.all(
      names.flatMap((name, n) => [
        server.send({
          as: LA,
          path: 'EpisodeOfCare',
          body: { ...planOf({ identifier: name }), patient: localChild(name) },
        }),
        server.send({ as: LA, path: 'Patient', body: patientOf({ local: name, nhsNumber: String(numbers[n]) }) }),
      ]),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    for (const number of numbers) expect(await found(number)).toBe(1)
  })

  test('R13 an overlap that the number brings to light is a warning, never a refusal', async () => {
    const held = idOf(await server.send({ as: LA, path: 'EpisodeOfCare', body: planOf({ nhsNumber: '9992965525' }) }))
    const patient = await fileChild('overlap')
    const parked = await park(patient)
    const answer = await server.send({
      as: LA,
      method: 'PUT',
      path: `Patient/${patient}`,
      body: { ...patientOf({ local: 'overlap', nhsNumber: '9992965525' }), id: patient },
      headers: { Prefer: 'return=OperationOutcome' },
    })
    expect(answer.status).toBe(200)
    expect(issuesOf(answer).map(({ code, severity }) => [code, severity])).toContainEqual(['PLANS_OVERLAP', 'warning'])
    expect(await found('9992965525')).toBe(2)
    expect(parked).not.toBe(held)
  })

  test('R13 the same through the plan', async () => {
    const id = idOf(
      await server.send({
        as: LA,
        path: 'EpisodeOfCare',
        body: { ...planOf({ identifier: 'late-overlap' }), patient: localChild('late-overlap') },
      }),
    )
    const answer = await server.send({
      as: LA,
      method: 'PUT',
      path: `EpisodeOfCare/${id}`,
      body: { ...planOf({ identifier: 'late-overlap', nhsNumber: '9992965525' }), id },
      headers: { Prefer: 'return=OperationOutcome' },
    })
    expect(answer.status).toBe(200)
    expect(issuesOf(answer).map(({ code, severity }) => [code, severity])).toContainEqual(['PLANS_OVERLAP', 'warning'])
    expect(await found('9992965525')).toBe(3)
  })
})

describe('a Subscription on nhs-number-missing', () => {
  test('R17 brings the plan as focus, at once and at 08:00', async () => {
    at('2026-07-01T06:00:00Z')
    const subscription = {
      resourceType: 'Subscription',
      status: 'requested',
      reason: 'Tell the data desk that a number is missing',
      criteria: TOPIC,
      channel: {
        type: 'rest-hook',
        endpoint: receiver.url,
        payload: 'application/fhir+json',
        _payload: { extension: [{ url: CONTENT, valueCode: 'id-only' }] },
      },
    }
    const made = resourceOf(await server.send({ as: LA, path: 'Subscription', body: subscription }), 'Subscription')
    await waitFor('the Subscription to be active', async () => {
      const read = await server.send({ as: LA, path: `Subscription/${made.id}` })
      return resourceOf(read, 'Subscription').status === 'active'
    })
    const id = await park(await fileChild('told'))
    const aboutPlan = (): readonly Bundle[] =>
      receiver.ofType('event-notification').flatMap(({ bundle }) => (focusOf(bundle).includes(id) ? [bundle] : []))
    await waitFor('the event at once', () => aboutPlan().length === 1)
    at('2026-07-01T07:00:00Z')
    await server.runDaily()
    await waitFor('the event of 08:00', () => aboutPlan().length === 2)
    for (const one of receiver.received) expect(one.signatureIsRight).toBe(true)
  })
})

function localChild(value: string): EpisodeOfCare['patient'] {
  return { type: 'Patient', identifier: { system: 'https://derbyshire.example/child', value } }
}

/** So many numbers of the test range that nothing else uses. */
function numbersFrom(count: number): readonly string[] {
  const numbers: string[] = []
  for (let n = 0; numbers.length < count; n++) {
    const nine = `99977${String(n).padStart(4, '0')}`
    const sum = [...nine].reduce((total, digit, place) => total + Number(digit) * (10 - place), 0)
    const check = (11 - (sum % 11)) % 11
    if (check !== 10) numbers.push(`${nine}${check}`)
  }
  return numbers
}

/** Ids of the EpisodeOfCare that a notification has as focus. */
function focusOf(bundle: Bundle): readonly string[] {
  const status = bundle.entry?.[0]?.resource as Parameters
  const events = (status.parameter ?? []).filter((one) => one.name === 'notification-event')
  const focus = events.map((one) => one.part?.find((part) => part.name === 'focus')?.valueReference?.reference)
  return focus.flatMap((one) => (one === undefined ? [] : [one.replace(/^.*EpisodeOfCare\//, '')]))
}
