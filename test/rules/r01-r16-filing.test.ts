/** What a council may file, through real HTTP under a moved clock (register.md R1, R8 to R16), beside test/interactions/upload.test.ts. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { EpisodeOfCare, Patient } from '@medplum/fhirtypes'
import { NHS, patientOf, planOf, transactionOf } from '../support/plans.ts'
import {
  type CouncilPlan,
  DERBYSHIRE,
  LUTON,
  openRulesWorld,
  type RulesWorld,
  resourceOfPlan,
} from '../support/rules-world.ts'
import { bundleOf, codesOf, issuesOf, resourceOf, type TestAnswer } from '../support/server.ts'

let world: RulesWorld
beforeAll(async () => {
  world = await openRulesWorld()
})
afterAll(() => world.close())

const LA = `la-${DERBYSHIRE}`
const codes = (answer: TestAnswer) => issuesOf(answer).map((one) => one.code)
const refusal = (answer: TestAnswer) => [answer.status, ...codes(answer)]

/** Files a plan and gives what is said beside it. */
function fileAndHear(plan: CouncilPlan): Promise<TestAnswer> {
  return world.server.send({
    as: `la-${plan.by ?? DERBYSHIRE}`,
    path: 'EpisodeOfCare',
    body: resourceOfPlan(plan),
    headers: { Prefer: 'return=OperationOutcome' },
  })
}

describe('R1 NHS numbers', () => {
  test('R1 spaces in 3-3-4 form are taken and removed, on the plan, the Patient and the check', async () => {
    world.at('2026-05-03')
    const nhsNumber = world.newNumber()
    const spaced = nhsNumber.replace(/(...)(...)(....)/, '$1 $2 $3')
    const id = await world.filed({ nhsNumber: spaced })
    expect((await world.plan(id)).patient.identifier?.value).toBe(nhsNumber)
    const child = resourceOf(await world.send(patientOf({ nhsNumber: spaced, birthDate: '2015-05-05' })), 'Patient')
    expect(child.identifier?.[0]?.value).toBe(nhsNumber)
    expect((await world.look(spaced)).total).toBe(1)
  })

  test('R1 a deployment for real numbers refuses those of the test range, and the sandbox all others', async () => {
    world.at('2026-05-03')
    expect(refusal(await world.file({ nhsNumber: '9434765919' }))).toEqual([400, 'TEST_NUMBER_REQUIRED'])
  })
})

describe('R8 parked plans', () => {
  test('R8 a number on the Patient makes all its plans visible at once; none of them was before', async () => {
    world.at('2026-05-03')
    const child = resourceOf(await world.send(patientOf({ local: 'r8-a', birthDate: '2015-05-05' })), 'Patient')
    const patient = `Patient/${child.id}`
    await world.filed({ patient, start: '2026-01-01', end: '2026-04-01' })
    await world.filed({ patient, start: '2026-04-01' })
    await world.filed({ patient, type: 'LAC', legalBasis: 's20', start: '2026-02-01' })
    const nhsNumber = world.newNumber()
    expect((await world.look(nhsNumber)).total).toBe(0)
    const identifier = [{ system: NHS, value: nhsNumber }, ...(child.identifier ?? [])]
    expect((await world.send({ ...child, identifier } as Patient)).status).toBe(200)
    expect((await world.look(nhsNumber)).plans.map((one) => one.type)).toEqual(['CPP', 'LAC', 'CPP'])
    const form = { 'nhs-number:missing': 'true', patient }
    expect(bundleOf(await world.server.send({ as: LA, path: 'EpisodeOfCare/_search', form })).entry ?? []).toEqual([])
  })

  test('R8 a number on the plan itself makes it visible at once', async () => {
    world.at('2026-05-03')
    const local = { type: 'Patient', identifier: { system: 'https://derbyshire.example/child', value: 'r8-b' } }
    const parked = { ...planOf({ identifier: 'r8-b' }), patient: local }
    const made = resourceOf(await world.send(parked as EpisodeOfCare), 'EpisodeOfCare')
    const nhsNumber = world.newNumber()
    expect((await world.change(made.id ?? '', { identifier: 'r8-b', nhsNumber })).status).toBe(200)
    expect((await world.look(nhsNumber)).total).toBe(1)
  })
})

describe('R9 the legal basis of a looked-after child', () => {
  test.each(['s20', 's31', 's38'])('R9 %s is taken, kept, and never shown to the NHS', async (legalBasis) => {
    world.at('2026-05-03')
    const nhsNumber = world.newNumber()
    const id = await world.filed({ nhsNumber, type: 'LAC', legalBasis })
    expect(JSON.stringify(await world.plan(id))).toContain(legalBasis)
    expect((await world.look(nhsNumber)).text).not.toContain(legalBasis)
  })

  test('R9 none: taken with a warning, and shown', async () => {
    world.at('2026-05-03')
    const nhsNumber = world.newNumber()
    const answer = await fileAndHear({ nhsNumber, type: 'LAC' })
    expect([answer.status, codes(answer).includes('LEGAL_BASIS_MISSING')]).toEqual([201, true])
    expect((await world.look(nhsNumber)).total).toBe(1)
  })
})

describe('R10 a council acts on its own only', () => {
  test.each([
    ['on the plan', (plan: EpisodeOfCare) => ({ ...plan, managingOrganization: authority(LUTON) })],
    ['on an identifier', (plan: EpisodeOfCare) => ({ ...plan, identifier: [assignedBy(plan, LUTON)] })],
  ])('R10 another council named %s: 403, and nothing of the transaction is stored', async (_name, spoil) => {
    world.at('2026-05-03')
    const nhsNumber = world.newNumber()
    const good = resourceOfPlan({ nhsNumber, type: 'LAC', legalBasis: 's20' })
    const bad = spoil(resourceOfPlan({ nhsNumber }))
    const answer = await world.server.send({
      as: LA,
      body: transactionOf([good, bad].map((resource) => ({ url: 'EpisodeOfCare', resource }))),
    })
    expect(refusal(answer)).toEqual([403, 'NOT_YOUR_AUTHORITY'])
    expect((await world.look(nhsNumber)).total).toBe(0)
  })

  test('R10 identifiers and children of another council are never a conflict', async () => {
    world.at('2026-05-03')
    const nhsNumber = world.newNumber()
    const plan = { nhsNumber, identifier: 'the-same-in-both' }
    expect((await world.file(plan)).status).toBe(201)
    expect((await world.file({ ...plan, by: LUTON, start: '2026-03-01' })).status).toBe(201)
    const child = patientOf({ nhsNumber, birthDate: '2015-05-05', local: 'the-same-child' })
    const other = patientOf({ nhsNumber, birthDate: '2015-05-06', local: 'the-same-child' })
    expect([(await world.send(child)).status, (await world.send(other, LUTON)).status]).toEqual([201, 201])
  })
})

const authority = (value: string) => ({
  type: 'Organization',
  identifier: { system: 'http://statistics.data.gov.uk/id/statistical-geography', value },
})
const assignedBy = (plan: EpisodeOfCare, value: string) => ({
  system: plan.identifier?.[0]?.system ?? '',
  value: plan.identifier?.[0]?.value ?? '',
  assigner: authority(value),
})

describe('R11 dates', () => {
  test.each([
    ['an end a year ahead', { end: '2027-05-03' }, 201],
    ['an end over a year ahead', { end: '2027-05-04' }, 422],
    ['a start a year ahead', { start: '2027-05-03' }, 201],
    ['a start over a year ahead', { start: '2027-05-04' }, 422],
    ['a start on the first day of 1990', { start: '1990-01-01' }, 201],
    ['a start before 1990', { start: '1989-12-31' }, 422],
    ['an end on the day of the start', { start: '2026-05-01', end: '2026-05-01' }, 201],
  ])('R11 %s', async (_name, dates, status) => {
    world.at('2026-05-03')
    const answer = await world.file({ nhsNumber: world.newNumber(), ...dates })
    expect(answer.status).toBe(status)
    if (status === 422) expect(codes(answer)).toEqual(['DATE_IMPLAUSIBLE'])
  })

  test.each([
    ['no identifier', (plan: EpisodeOfCare) => without(plan, 'identifier'), 'EpisodeOfCare.identifier'],
    ['no type', (plan: EpisodeOfCare) => without(plan, 'type'), 'EpisodeOfCare.type'],
    ['no start', (plan: EpisodeOfCare) => ({ ...plan, period: { end: '2026-05-01' } }), 'EpisodeOfCare.period.start'],
    ['no one', (plan: EpisodeOfCare) => without(plan, 'patient'), 'EpisodeOfCare.patient'],
  ])('R11 a plan with %s is refused, and its place named', async (_name, spoil, place) => {
    world.at('2026-05-03')
    const spoilt = spoil(resourceOfPlan({ nhsNumber: world.newNumber() }))
    const answer = await world.send(spoilt as EpisodeOfCare)
    expect([400, 422]).toContain(answer.status)
    expect(issuesOf(answer).map((one) => one.at)).toEqual([place])
  })
})

function without(plan: EpisodeOfCare, key: keyof EpisodeOfCare): object {
  return Object.fromEntries(Object.entries(plan).filter(([name]) => name !== key))
}

describe('R12 status follows the dates', () => {
  test.each([
    ['planned', '2026-05-04', undefined],
    ['active', '2026-05-03', undefined],
    ['active', '2026-01-01', '2026-05-03'],
    ['finished', '2026-01-01', '2026-05-02'],
  ])('R12 %s: start %s, end %s; a sent status that disagrees is corrected, and said', async (status, start, end) => {
    world.at('2026-05-03')
    const sent = status === 'finished' ? 'planned' : 'finished'
    const dates = { start, ...(end === undefined ? {} : { end }) }
    const answer = await fileAndHear({ nhsNumber: world.newNumber(), status: sent, ...dates })
    expect(codes(answer)).toContain('STATUS_CORRECTED')
    const id = answer.headers.get('location')?.split('/').at(-3) ?? ''
    expect((await world.plan(id)).status).toBe(status)
  })

  test.each(['waitlist', 'onhold'] as const)('R12 %s is refused', async (status) => {
    world.at('2026-05-03')
    expect(refusal(await world.file({ nhsNumber: world.newNumber(), status }))).toEqual([422, 'STATUS_NOT_TAKEN'])
  })

  test('R12 what the NHS sees is computed from dates on the day, never from a stored status', async () => {
    world.at('2026-05-03')
    const nhsNumber = world.newNumber()
    await world.filed({ nhsNumber, start: '2026-05-10', end: '2026-05-12' })
    const seen = async (time: string) => {
      world.at(time)
      return (await world.look(nhsNumber)).plans.map((one) => [one.status, one.caseStatus])
    }
    expect(await seen('2026-05-10 00:00')).toEqual([['active', 'open']])
    expect(await seen('2026-05-13 00:00')).toEqual([['finished', 'closed']])
  })
})

describe('R13 one plan of a type at a time', () => {
  test('R13 a plan that starts the day another ends is taken; a day earlier it is not', async () => {
    world.at('2026-05-03')
    const nhsNumber = world.newNumber()
    const id = await world.filed({ nhsNumber, start: '2026-01-01', end: '2026-04-01' })
    const refused = await world.file({ nhsNumber, start: '2026-03-31' })
    expect(refusal(refused)).toEqual([409, 'DUPLICATE_PLAN'])
    expect(refused.text).toContain(`EpisodeOfCare/${id}`)
    expect((await world.file({ nhsNumber, start: '2026-04-01' })).status).toBe(201)
    expect((await world.file({ nhsNumber, start: '2026-01-01', type: 'LAC', legalBasis: 's20' })).status).toBe(201)
  })

  test('R13 a transaction is judged by the state after it: end the old and start the new at once', async () => {
    world.at('2026-05-03')
    const nhsNumber = world.newNumber()
    const id = await world.filed({ nhsNumber, identifier: 'r13-old', start: '2026-01-01' })
    const old = { ...resourceOfPlan({ nhsNumber, identifier: 'r13-old', start: '2026-01-01', end: '2026-05-01' }), id }
    const answer = await world.server.send({
      as: LA,
      body: transactionOf([
        { url: 'EpisodeOfCare', resource: resourceOfPlan({ nhsNumber, start: '2026-05-01' }) },
        { method: 'PUT', url: `EpisodeOfCare/${id}`, resource: old },
      ]),
    })
    expect(answer.status).toBe(200)
    expect((await world.look(nhsNumber)).total).toBe(2)
  })

  test('R13 a batch is judged in the order sent', async () => {
    world.at('2026-05-03')
    const nhsNumber = world.newNumber()
    const entry = (start: string) => ({ url: 'EpisodeOfCare', resource: resourceOfPlan({ nhsNumber, start }) })
    const body = { ...transactionOf([entry('2026-01-01'), entry('2026-02-01')]), type: 'batch' }
    const entries = bundleOf(await world.server.send({ as: LA, body })).entry
    expect(entries?.map((one) => one.response?.status?.slice(0, 3))).toEqual(['201', '409'])
  })

  test('R13 P4 an overlap that linking a number made is a warning, and hinders neither sending again nor ending', async () => {
    world.at('2026-05-03')
    const nhsNumber = world.newNumber()
    const first = { nhsNumber, identifier: 'r13-named', start: '2026-01-01' }
    const firstId = await world.filed(first)
    const child = resourceOf(await world.send(patientOf({ local: 'r13', birthDate: '2015-05-05' })), 'Patient')
    const second = { patient: `Patient/${child.id}`, identifier: 'r13-parked', start: '2026-02-01' }
    const secondId = await world.filed(second)
    const identifier = [{ system: NHS, value: nhsNumber }, ...(child.identifier ?? [])]
    const linked = await world.server.send({
      as: LA,
      method: 'PUT',
      path: `Patient/${child.id}`,
      body: { ...child, identifier },
      headers: { Prefer: 'return=OperationOutcome' },
    })
    expect([linked.status, codes(linked)]).toEqual([200, ['PLANS_OVERLAP']])
    expect((await world.look(nhsNumber)).total).toBe(2)
    // R15: the nightly re-send of the one and the other
    expect((await world.change(firstId, first)).status).toBe(200)
    expect((await world.change(secondId, second)).status).toBe(200)
    // mending it: the one is ended today
    expect((await world.change(secondId, { ...second, end: '2026-05-03' })).status).toBe(200)
    // a third that overlaps is refused as ever
    const third = await world.file({ nhsNumber, start: '2026-03-01' })
    expect([third.status, new Set(codes(third))]).toEqual([409, new Set(['DUPLICATE_PLAN'])])
  })
})

describe('R14 the Flag', () => {
  test('R14 is kept by the server: type, subject, period, author as the plan, active while it is visible', async () => {
    world.at('2026-05-03')
    const nhsNumber = world.newNumber()
    const plan = { nhsNumber, identifier: 'r14', start: '2026-01-01' }
    const id = await world.filed(plan)
    const flag = await world.flag(id)
    expect(flag).toMatchObject({
      status: 'active',
      code: { coding: [{ code: '342191000000101' }, { code: 'child-protection-information-system-flag' }] },
      subject: { identifier: { value: nhsNumber } },
      period: { start: '2026-01-01' },
      author: { identifier: { value: DERBYSHIRE } },
    })
    expect((await world.change(id, { ...plan, end: '2025-04-30', start: '2025-01-01' })).status).toBe(200)
    const after = await world.flag(id)
    expect([after.id, after.status, after.period]).toEqual([
      flag.id,
      'inactive',
      { start: '2025-01-01', end: '2025-04-30' },
    ])
  })

  test('R14 is not deleted alone', async () => {
    world.at('2026-05-03')
    const flag = await world.flag(await world.filed({ nhsNumber: world.newNumber() }))
    const answer = await world.server.send({ as: LA, method: 'DELETE', path: `Flag/${flag.id}` })
    expect(refusal(answer)).toEqual([409, 'FLAG_KEPT_BY_PLAN'])
  })

  test('R14 without a plan is refused', async () => {
    world.at('2026-05-03')
    const { id: _id, meta: _meta, ...flag } = await world.flag(await world.filed({ nhsNumber: world.newNumber() }))
    const nowhere = { valueReference: { reference: `EpisodeOfCare/${randomUUID()}` } }
    const extension = [{ url: 'http://hl7.org/fhir/StructureDefinition/flag-detail', ...nowhere }]
    const answer = await world.send({ ...flag, extension } as never)
    expect(refusal(answer)).toEqual([400, 'INVALID_REFERENCE'])
  })
})

test('R14a the number is not taken off a visible plan through its Patient either, and may be off one that is over', async () => {
  world.at('2026-05-03')
  const nhsNumber = world.newNumber()
  const child = resourceOf(
    await world.send(patientOf({ nhsNumber, local: 'r14a', birthDate: '2015-05-05' })),
    'Patient',
  )
  const plan = { patient: `Patient/${child.id}`, identifier: 'r14a', start: '2026-01-01' }
  const id = await world.filed(plan)
  const bare = { ...child, identifier: child.identifier?.filter((one) => one.system !== NHS) } as Patient
  expect(refusal(await world.send(bare))).toEqual([409, 'NUMBER_REMOVED'])
  expect((await world.look(nhsNumber)).total).toBe(1)
  const deletion = await world.server.send({ as: LA, method: 'DELETE', path: `Patient/${child.id}` })
  expect(refusal(deletion)).toEqual([409, 'PATIENT_HAS_PLANS'])
  expect((await world.change(id, { ...plan, start: '2024-01-01', end: '2024-02-01' })).status).toBe(200)
  expect((await world.send(bare)).status).toBe(200)
})

describe('R15 sending again', () => {
  test('R15 a withdrawn plan frees its identifier: filed again it is a new plan, and visible', async () => {
    world.at('2026-05-03')
    const plan = { nhsNumber: world.newNumber(), identifier: 'r15-freed' }
    const first = await world.filed(plan)
    expect((await world.change(first, { ...plan, status: 'entered-in-error' })).status).toBe(200)
    const second = await world.filed(plan)
    expect(second).not.toBe(first)
    expect((await world.look(plan.nhsNumber)).plans.map((one) => one.id)).toEqual([second])
  })

  test('R15 a withdrawn plan does not stand in the way of a condition on its identifier', async () => {
    world.at('2026-05-03')
    const plan = { nhsNumber: world.newNumber(), identifier: 'r15-condition' }
    const condition = 'identifier=https://derbyshire.example/plan|r15-condition'
    const put = (status: 'active' | 'entered-in-error') =>
      world.server.send({
        as: LA,
        method: 'PUT',
        path: `EpisodeOfCare?${condition}`,
        body: resourceOfPlan({ ...plan, status }),
      })
    const ids: (string | undefined)[] = []
    const sent = ['active', 'entered-in-error', 'active', 'active', 'entered-in-error', 'entered-in-error'] as const
    for (const [nth, status] of sent.entries()) {
      world.at(`2026-05-03 12:0${nth}`)
      ids.push(resourceOf(await put(status), 'EpisodeOfCare').id)
    }
    const [first, , second] = ids
    expect(ids).toEqual([first, first, second, second, second, second])
    expect(second).not.toBe(first)
    expect((await world.look(plan.nhsNumber)).total).toBe(0)
    // If-None-Exist means what stands: a withdrawn plan must not keep a child invisible
    const body = resourceOfPlan(plan)
    const headers = { 'If-None-Exist': condition }
    const filed = await world.server.send({ as: LA, path: 'EpisodeOfCare', body, headers })
    const again = await world.server.send({ as: LA, path: 'EpisodeOfCare', body, headers })
    expect([filed.status, again.status]).toEqual([201, 200])
    expect((await world.look(plan.nhsNumber)).total).toBe(1)
  })

  test('R15 a nightly batch sent again makes no version and no event, also on another day', async () => {
    world.at('2026-05-03')
    const plans = Array.from({ length: 60 }, (_, nth) => ({
      nhsNumber: world.newNumber(),
      identifier: `r15-night-${nth}`,
      start: '2026-01-05',
    }))
    const body = {
      ...transactionOf(
        plans.map((plan) => ({
          method: 'PUT',
          url: `EpisodeOfCare?identifier=https://derbyshire.example/plan|${plan.identifier}`,
          resource: resourceOfPlan(plan),
        })),
      ),
      type: 'batch',
    }
    const night = async () => bundleOf(await world.server.send({ as: LA, body })).entry?.map((one) => one.response)
    expect((await night())?.every((one) => one?.status === '201 Created' && one.etag === 'W/"1"')).toBe(true)
    world.at('2026-05-05 01:00')
    const again = await night()
    expect(again?.every((one) => one?.status === '200 OK' && one.etag === 'W/"1"')).toBe(true)
    expect(codesOf(again?.[0]?.outcome as never).map((one) => one.code)).toContain('UNCHANGED')
    const ids = again?.map((one) => one?.location?.split('/').at(-3) ?? '') ?? []
    expect(await world.events(...ids)).toEqual([])
  })
})

describe('R16 all or nothing, and each alone', () => {
  test('R16 a batch stores the good entries and returns each bad one with its place and code', async () => {
    world.at('2026-05-03')
    const good = world.newNumber()
    const bad = { ...resourceOfPlan({ nhsNumber: '9990000000', end: '2020-01-01' }), colour: 'red' }
    const resources = [resourceOfPlan({ nhsNumber: good }), bad, resourceOfPlan({ nhsNumber: good, type: 'UCPP' })]
    const entries = resources.map((resource) => ({ url: 'EpisodeOfCare', resource }))
    const answer = await world.server.send({ as: LA, body: { ...transactionOf(entries), type: 'batch' } })
    const replies = bundleOf(answer).entry ?? []
    expect(replies.map((one) => one.response?.status?.slice(0, 3))).toEqual(['201', '400', '201'])
    expect(codesOf(replies[1]?.response?.outcome as never).map((one) => [one.code, one.at])).toEqual(
      expect.arrayContaining([
        ['INVALID_NHS_NUMBER', 'Bundle.entry[1].resource.patient.identifier.value'],
        ['END_BEFORE_START', 'Bundle.entry[1].resource.period.end'],
        ['UNKNOWN_ELEMENT', 'Bundle.entry[1].resource.colour'],
      ]),
    )
    expect((await world.look(good)).total).toBe(2)
  })
})
