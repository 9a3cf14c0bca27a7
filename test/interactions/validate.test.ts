/** $validate says what the real thing would say, and stores nothing (R4 Resource-validate): refusals first. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { patientOf, planOf, transactionOf } from '../support/plans.ts'
import { bundleOf, issuesOf, resourceOf, startTestServer, type TestAnswer, type TestServer } from '../support/server.ts'

const LA = 'la-E10000007'
const OTHER = 'la-E06000015'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const validatePlan = (body: unknown, query = '', as = LA): Promise<TestAnswer> =>
  server.send({ as, path: `EpisodeOfCare/$validate${query}`, body })
const validateBundle = (body: unknown, as = LA): Promise<TestAnswer> =>
  server.send({ as, path: 'Bundle/$validate', body })
const file = (plan: object): Promise<TestAnswer> => server.send({ as: LA, path: 'EpisodeOfCare', body: plan })
const wrapped = (resource: unknown, ...more: object[]): object => ({
  resourceType: 'Parameters',
  parameter: [{ name: 'resource', resource }, ...more],
})

async function rowCounts(): Promise<readonly unknown[]> {
  const counts = []
  for (const type of ['EpisodeOfCare', 'Flag', 'Patient'])
    counts.push(
      bundleOf(await server.send({ as: LA, path: `${type}/_search`, form: { _total: 'accurate', _count: '0' } })).total,
    )
  return counts
}

describe('who and what is refused before anything is judged', () => {
  test.each([
    ['a nurse', 'ed-nurse', 403],
    ["an authority's receiver", 'receiver-E10000007', 403],
  ])('%s may not validate', async (_name, as, status) => {
    expect((await validatePlan(planOf({ nhsNumber: '9998450055' }), '', as)).status).toBe(status)
  })

  test.each([
    ['an unknown parameter', wrapped(planOf({}), { name: 'colour', valueString: 'red' }), 'UNKNOWN_PARAMETER'],
    ['no resource', { resourceType: 'Parameters', parameter: [] }, 'MISSING_PARAMETER'],
    ['a mode that is not offered', wrapped(planOf({}), { name: 'mode', valueCode: 'delete' }), 'INVALID_PARAMETER'],
    [
      'a profile that is not ours',
      wrapped(planOf({}), { name: 'profile', valueUri: 'http://example.org/p' }),
      'INVALID_PARAMETER',
    ],
  ])('%s is 400', async (_name, body, code) => {
    const answer = await validatePlan(body)
    expect({ status: answer.status, code: issuesOf(answer)[0]?.code }).toEqual({ status: 400, code })
  })

  test('an unknown parameter in the address is 400', async () => {
    const answer = await validatePlan(planOf({}), '?colour=red')
    expect({ status: answer.status, code: issuesOf(answer)[0]?.code }).toEqual({
      status: 400,
      code: 'UNKNOWN_PARAMETER',
    })
  })
})

describe('a plan is told what filing it would tell', () => {
  const bad: readonly [string, object][] = [
    ['R1 a wrong check digit', planOf({ nhsNumber: '9995973953' })],
    [
      'R9 R11 R12 several faults',
      { ...planOf({ nhsNumber: '9998450055', start: '2026-04-01', end: '2026-03-01' }), colour: 'red' },
    ],
    ['R12 a status that means nothing', planOf({ nhsNumber: '9998450055', status: 'onhold' })],
    ['another resource', patientOf({ nhsNumber: '9998450055' })],
    [
      'R10 another authority',
      {
        ...planOf({ nhsNumber: '9998450055' }),
        managingOrganization: {
          type: 'Organization',
          identifier: { system: 'http://statistics.data.gov.uk/id/statistical-geography', value: 'E06000015' },
        },
      },
    ],
    [
      'a Patient that is not there',
      { ...planOf({}), patient: { reference: `Patient/${randomUUID()}`, type: 'Patient' } },
    ],
  ]

  test.each(bad)('%s', async (_name, plan) => {
    const judged = await validatePlan(plan)
    const filed = await file(plan)
    expect(filed.status).toBeGreaterThanOrEqual(400)
    expect(judged.status).toBe(200)
    expect(resourceOf(judged, 'OperationOutcome').issue).toEqual(resourceOf(filed, 'OperationOutcome').issue)
  })

  test('R13 an overlap, R15 an identifier that is held: rules that need the database', async () => {
    await file(planOf({ nhsNumber: '9994944614', identifier: 'v-held', start: '2026-01-01' }))
    for (const plan of [
      planOf({ nhsNumber: '9994944614', identifier: 'v-second', start: '2026-02-01' }),
      planOf({ nhsNumber: '9994944614', identifier: 'v-held', start: '2026-02-01' }),
    ]) {
      const judged = await validatePlan(plan)
      const filed = await file(plan)
      expect(filed.status).toBe(409)
      expect(judged.status).toBe(200)
      expect(resourceOf(judged, 'OperationOutcome').issue).toEqual(resourceOf(filed, 'OperationOutcome').issue)
    }
  })

  test('R14a with mode update, taking the number off is found by id and by identifier', async () => {
    const made = resourceOf(await file(planOf({ nhsNumber: '9993529427', identifier: 'v-keep' })), 'EpisodeOfCare')
    const off = {
      ...planOf({ identifier: 'v-keep' }),
      patient: { type: 'Patient', identifier: { system: 'https://derbyshire.example/child', value: '77' } },
    }
    for (const body of [off, { ...off, id: made.id }]) {
      expect(issuesOf(await validatePlan(wrapped(body, { name: 'mode', valueCode: 'update' })))).toEqual([
        expect.objectContaining({ code: 'NUMBER_REMOVED', at: 'EpisodeOfCare.patient' }),
      ])
      expect(issuesOf(await validatePlan(body, '?mode=update'))[0]?.code).toBe('NUMBER_REMOVED')
    }
  })

  test('with mode update, an id of nobody is what PUT would say', async () => {
    const answer = await validatePlan({ ...planOf({ nhsNumber: '9993529427' }), id: randomUUID() }, '?mode=update')
    expect({ status: answer.status, code: issuesOf(answer)[0]?.code }).toEqual({
      status: 200,
      code: 'METHOD_NOT_ALLOWED',
    })
  })

  test('one that would be taken is told its warnings, and nothing is stored', async () => {
    const before = await rowCounts()
    const plan = planOf({ nhsNumber: '9992965525', identifier: 'v-fine' })
    const answer = await validatePlan(plan)
    expect(answer.status).toBe(200)
    expect(issuesOf(answer)).toEqual([expect.objectContaining({ code: 'BIRTH_DATE_MISSING', severity: 'warning' })])
    expect(await rowCounts()).toEqual(before)
    expect((await file(plan)).status).toBe(201)
  })

  test('R8 a parked plan tells nobody when it is only validated', async () => {
    const patient = { type: 'Patient', identifier: { system: 'https://derbyshire.example/child', value: 'v-1' } }
    const answer = await validatePlan({ ...planOf({ identifier: 'v-parked' }), patient })
    expect(issuesOf(answer).map((one) => one.code)).toContain('NHS_NUMBER_MISSING')
    const listed = await server.send({ as: LA, path: 'EpisodeOfCare/_search', form: { 'nhs-number:missing': 'true' } })
    expect(listed.text).not.toContain('v-parked')
  })

  test('it is recorded as an operation with what was found', async () => {
    const requestId = randomUUID()
    await server.send({
      as: LA,
      path: 'EpisodeOfCare/$validate',
      body: planOf({ nhsNumber: '9995973953' }),
      headers: { 'X-Request-ID': requestId },
    })
    const records = await server.context.store.read.audits({ from: '2026-05-01T00:00:00Z', limit: 200 })
    expect(records.find((one) => one.requestId === requestId)).toMatchObject({
      interaction: 'operation',
      operation: 'validate',
      status: 200,
      codes: ['INVALID_NHS_NUMBER'],
      caller: { authority: 'E10000007' },
    })
  })

  test("another authority's plan is no conflict", async () => {
    const answer = await validatePlan(
      planOf({ nhsNumber: '9994944614', identifier: 'v-held', start: '2026-02-01' }),
      '',
      OTHER,
    )
    expect(issuesOf(answer).map((one) => one.severity)).not.toContain('error')
  })
})

describe('a Bundle is told what posting it would tell', () => {
  test('a transaction: every fault with its place, and nothing stored', async () => {
    const bundle = transactionOf([
      { url: 'EpisodeOfCare', resource: planOf({ nhsNumber: '9995973953', identifier: 'vb-1' }) },
      { url: 'EpisodeOfCare', resource: planOf({ nhsNumber: '9995425793', identifier: 'vb-2', start: '1926-04-01' }) },
    ])
    const judged = await validateBundle(bundle)
    const posted = await server.send({ as: LA, body: bundle })
    expect(posted.status).toBe(400)
    expect(judged.status).toBe(200)
    expect(resourceOf(judged, 'OperationOutcome').issue).toEqual(resourceOf(posted, 'OperationOutcome').issue)
    expect(issuesOf(judged).map((one) => one.at)).toEqual([
      'Bundle.entry[0].resource.patient.identifier.value',
      'Bundle.entry[1].resource.period.start',
    ])
  })

  test('R16 a batch: each entry alone, R13 in the order sent, even between its own entries', async () => {
    const before = await rowCounts()
    const put = (identifier: string, nhsNumber: string, start: string): object => ({
      resource: planOf({ nhsNumber, identifier, start }),
      request: { method: 'PUT', url: `EpisodeOfCare?identifier=https://derbyshire.example/plan|${identifier}` },
    })
    const entry = [
      put('vc-1', '9994179209', '2026-01-01'),
      put('vc-2', '9994179209', '2026-02-01'),
      put('vc-3', '9995973953', '2026-02-01'),
    ]
    const bundle = { resourceType: 'Bundle', type: 'batch', entry }
    const judged = await validateBundle(wrapped(bundle))
    expect(issuesOf(judged).filter((one) => one.severity === 'error')).toEqual([
      { code: 'DUPLICATE_PLAN', at: 'Bundle.entry[1].resource.period', severity: 'error' },
      { code: 'INVALID_NHS_NUMBER', at: 'Bundle.entry[2].resource.patient.identifier.value', severity: 'error' },
    ])
    expect(await rowCounts()).toEqual(before)
    const replies = bundleOf(await server.send({ as: LA, body: bundle })).entry ?? []
    expect(replies.map((one) => one.response?.status)).toEqual(['201 Created', '409 Conflict', '400 Bad Request'])
    const codes = (one: { response?: { outcome?: unknown } }): unknown =>
      (one.response?.outcome as { issue?: { expression?: string[] }[] } | undefined)?.issue?.map(
        (its) => its.expression,
      )
    expect(replies.slice(1).map(codes)).toEqual([
      [['Bundle.entry[1].resource.period']],
      [['Bundle.entry[2].resource.patient.identifier.value']],
    ])
  })

  test('a Bundle of another type, and one with another content under a used identifier', async () => {
    const answer = await validateBundle({ resourceType: 'Bundle', type: 'collection' })
    expect(issuesOf(answer)).toEqual([{ code: 'INVALID_BUNDLE', at: 'Bundle.type', severity: 'error' }])
    const bundle = transactionOf(
      [{ url: 'Patient', resource: patientOf({ nhsNumber: '9993798568', birthDate: '2019-02-03' }) }],
      { identifier: { system: 'https://derbyshire.example/bundle', value: 'vb-id' } },
    )
    expect((await server.send({ as: LA, body: bundle })).status).toBe(200)
    expect(issuesOf(await validateBundle({ ...bundle, entry: [] }))[0]?.code).toBe('BUNDLE_ID_REUSED')
    expect(issuesOf(await validateBundle(bundle))[0]?.code).toBe('UNCHANGED')
  })

  test('a Bundle that would be carried out: SUCCESS or its remarks; nothing stored', async () => {
    const before = await rowCounts()
    const fullUrl = 'urn:uuid:6f0e3a52-63b7-4c7e-8d6e-0a6f2a7d9c0a'
    const bundle = transactionOf([
      { fullUrl, url: 'Patient', resource: patientOf({ nhsNumber: '9999508960', birthDate: '2019-02-03' }) },
      { url: 'EpisodeOfCare', resource: planOf({ patient: fullUrl, identifier: 'vb-fine' }) },
    ])
    const answer = await validateBundle(bundle)
    expect(issuesOf(answer)).toEqual([expect.objectContaining({ code: 'SUCCESS', severity: 'information' })])
    expect(await rowCounts()).toEqual(before)
  })

  test('an entry that this token may not write is told at its request', async () => {
    const bundle = transactionOf([{ url: 'AuditEvent', resource: { resourceType: 'AuditEvent' } }])
    expect(issuesOf(await validateBundle(bundle))[0]).toMatchObject({
      code: 'INVALID_BUNDLE',
      at: 'Bundle.entry[0].request.url',
    })
  })
})

test('the address of a child is never echoed', async () => {
  const answer = await validatePlan({ ...planOf({ nhsNumber: '9998450055' }), address: [{ city: 'Derby' }] })
  expect(answer.status).toBe(200)
  expect(answer.text).not.toContain('Derby')
  expect(answer.text).not.toContain('9998450055')
})
