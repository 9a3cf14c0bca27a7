/** What a council files, through real HTTP and a real database: refusals first (register.md R1 to R15). */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Bundle, EpisodeOfCare, Flag } from '@medplum/fhirtypes'
import { NHS, patientOf, planOf, transactionOf } from '../support/plans.ts'
import {
  bundleOf,
  codesOf,
  issuesOf,
  resourceOf,
  sendCheck,
  startTestServer,
  type TestAnswer,
  type TestServer,
} from '../support/server.ts'

const LA = 'la-E10000007'
const OTHER = 'la-E06000015'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const file = (plan: object, as = LA): Promise<TestAnswer> => server.send({ as, path: 'EpisodeOfCare', body: plan })
const post = (bundle: object, as = LA): Promise<TestAnswer> => server.send({ as, body: bundle })

async function planCount(as = LA): Promise<number | undefined> {
  return bundleOf(await server.send({ as, path: 'EpisodeOfCare/_search', form: { _total: 'accurate', _count: '0' } }))
    .total
}

describe('refusals change nothing, name code and place, and are audited', () => {
  const cases: readonly [string, object, number, string, string][] = [
    [
      'R1 a wrong check digit',
      planOf({ nhsNumber: '9995973953' }),
      400,
      'INVALID_NHS_NUMBER',
      'EpisodeOfCare.patient.identifier.value',
    ],
    [
      'R1 a number outside the test range in a sandbox',
      planOf({ nhsNumber: '9434765919' }),
      400,
      'TEST_NUMBER_REQUIRED',
      'EpisodeOfCare.patient.identifier.value',
    ],
    [
      'R11 an end before the start',
      planOf({ nhsNumber: '9998450055', start: '2026-04-01', end: '2026-03-01' }),
      422,
      'END_BEFORE_START',
      'EpisodeOfCare.period.end',
    ],
    [
      'R11 a start before 1990',
      planOf({ nhsNumber: '9998450055', start: '1926-04-01' }),
      422,
      'DATE_IMPLAUSIBLE',
      'EpisodeOfCare.period.start',
    ],
    [
      'R11 a start over a year ahead',
      planOf({ nhsNumber: '9998450055', start: '2027-05-05' }),
      422,
      'DATE_IMPLAUSIBLE',
      'EpisodeOfCare.period.start',
    ],
    [
      'R10 another authority in the body',
      {
        ...planOf({ nhsNumber: '9998450055' }),
        managingOrganization: {
          type: 'Organization',
          identifier: { system: 'http://statistics.data.gov.uk/id/statistical-geography', value: 'E06000015' },
        },
      },
      403,
      'NOT_YOUR_AUTHORITY',
      'EpisodeOfCare.managingOrganization',
    ],
    [
      'R9 another legal basis',
      {
        ...planOf({ nhsNumber: '9998450055', type: 'LAC' }),
        extension: [{ url: 'https://cpis.example/fhir/StructureDefinition/cpis-legal-basis', valueCode: 's47' }],
      },
      422,
      'OUT_OF_SCOPE',
      'EpisodeOfCare.extension[0]',
    ],
    [
      'R12 a status that means nothing here',
      planOf({ nhsNumber: '9998450055', status: 'onhold' }),
      422,
      'STATUS_NOT_TAKEN',
      'EpisodeOfCare.status',
    ],
    [
      'an unknown element',
      { ...planOf({ nhsNumber: '9998450055' }), colour: 'red' },
      400,
      'UNKNOWN_ELEMENT',
      'EpisodeOfCare.colour',
    ],
    [
      'a contained resource',
      { ...planOf({ nhsNumber: '9998450055' }), contained: [{ resourceType: 'Patient', id: 'p' }] },
      400,
      'UNKNOWN_ELEMENT',
      'EpisodeOfCare.contained',
    ],
  ]

  test.each(cases)('%s', async (_name, plan, status, code, place) => {
    const before = await planCount()
    const requestId = randomUUID()
    const answer = await server.send({
      as: LA,
      path: 'EpisodeOfCare',
      body: plan,
      headers: { 'X-Request-ID': requestId },
    })
    expect({ status: answer.status, code: issuesOf(answer)[0]?.code }).toEqual({ status, code })
    expect(issuesOf(answer)[0]?.at ?? '').toMatch(place)
    expect(await planCount()).toBe(before)
    const refused = (await server.context.store.read.audits({ from: '2026-05-01T00:00:00Z', limit: 200 })).find(
      (one) => one.requestId === requestId,
    )
    expect(refused).toMatchObject({ status, interaction: 'create', caller: { authority: 'E10000007' } })
    expect(refused?.codes).toContain(code)
  })

  test('an address on a Patient is not taken', async () => {
    const answer = await server.send({
      as: LA,
      path: 'Patient',
      body: { ...patientOf({ nhsNumber: '9998450055' }), address: [{ city: 'Derby' }] },
    })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(issuesOf(answer)[0]?.at).toMatch(/^Patient\.address/)
    expect(answer.text).not.toContain('Derby')
  })

  test('all faults of one plan are reported at once', async () => {
    const answer = await file({
      ...planOf({ nhsNumber: '9995973953', start: '2026-04-01', end: '2026-03-01' }),
      colour: 'red',
    })
    const codes = issuesOf(answer).map((one) => one.code)
    expect(codes).toEqual(expect.arrayContaining(['INVALID_NHS_NUMBER', 'END_BEFORE_START', 'UNKNOWN_ELEMENT']))
  })

  test('R16 a transaction with one bad entry stores nothing and names its place', async () => {
    const before = await planCount()
    const answer = await post(
      transactionOf([
        { url: 'EpisodeOfCare', resource: planOf({ nhsNumber: '9998450055', identifier: 'good' }) },
        { url: 'EpisodeOfCare', resource: planOf({ nhsNumber: '9995973953', identifier: 'bad' }) },
      ]),
    )
    expect(answer.status).toBe(400)
    expect(issuesOf(answer)).toEqual([
      expect.objectContaining({ code: 'INVALID_NHS_NUMBER', at: 'Bundle.entry[1].resource.patient.identifier.value' }),
    ])
    expect(await planCount()).toBe(before)
  })

  test("an unknown id and another authority's id look the same everywhere", async () => {
    const made = resourceOf(await file(planOf({ nhsNumber: '9995425793' }), OTHER), 'EpisodeOfCare')
    for (const id of [made.id, randomUUID()]) {
      expect((await server.send({ as: LA, path: `EpisodeOfCare/${id}` })).status).toBe(404)
      expect(
        (
          await server.send({
            as: LA,
            method: 'PUT',
            path: `EpisodeOfCare/${id}`,
            body: { ...planOf({ nhsNumber: '9995425793' }), id },
          })
        ).status,
      ).toBe(405)
    }
  })

  test('R13 a second plan of one type that overlaps in time is refused and points at the first', async () => {
    const first = resourceOf(await file(planOf({ nhsNumber: '9994944614', start: '2026-01-01' })), 'EpisodeOfCare')
    const answer = await file(planOf({ nhsNumber: '9994944614', start: '2026-02-01' }))
    expect(answer.status).toBe(409)
    expect(issuesOf(answer)[0]).toMatchObject({ code: 'DUPLICATE_PLAN', at: 'EpisodeOfCare.period' })
    expect(answer.text).toContain(`EpisodeOfCare/${first.id}`)
  })

  test('R13 of parallel filings of one child and type exactly one wins', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => file(planOf({ nhsNumber: '9999508960', start: '2026-01-01' }))),
    )
    expect(answers.map((one) => one.status).sort()).toEqual([201, ...Array(7).fill(409)])
  })

  test('R14 a Flag that disagrees with its plan is refused with all differences', async () => {
    const answer = await post(
      transactionOf([
        {
          fullUrl: 'urn:uuid:6f0e3a52-63b7-4c7e-8d6e-0a6f2a7d9c01',
          url: 'EpisodeOfCare',
          resource: planOf({ nhsNumber: '9992965525' }),
        },
        {
          fullUrl: 'urn:uuid:6f0e3a52-63b7-4c7e-8d6e-0a6f2a7d9c02',
          url: 'Flag',
          resource: flagOf('urn:uuid:6f0e3a52-63b7-4c7e-8d6e-0a6f2a7d9c01', '9993529427', {
            code: '764841000000100',
            start: '2025-01-01',
          }),
        },
      ]),
    )
    expect(answer.status).toBe(422)
    expect(issuesOf(answer).map((one) => [one.code, one.at])).toEqual([
      ['FLAG_DISAGREES', 'Bundle.entry[1].resource.code'],
      ['FLAG_DISAGREES', 'Bundle.entry[1].resource.subject'],
      ['FLAG_DISAGREES', 'Bundle.entry[1].resource.period.start'],
    ])
  })

  test('R14a an NHS number is not taken off a visible plan, and disagreeing numbers are refused', async () => {
    const made = resourceOf(await file(planOf({ nhsNumber: '9993529427', identifier: 'keep' })), 'EpisodeOfCare')
    const off = {
      ...planOf({ identifier: 'keep' }),
      id: made.id,
      patient: { type: 'Patient', identifier: { system: 'https://derbyshire.example/child', value: '77' } },
    }
    const answer = await server.send({ as: LA, method: 'PUT', path: `EpisodeOfCare/${made.id}`, body: off })
    expect({ status: answer.status, code: issuesOf(answer)[0]?.code }).toEqual({ status: 409, code: 'NUMBER_REMOVED' })
    const patient = resourceOf(
      await server.send({
        as: LA,
        path: 'Patient',
        body: patientOf({ nhsNumber: '9992742216', birthDate: '2019-02-03' }),
      }),
      'Patient',
    )
    const two = await file({
      ...planOf({ nhsNumber: '9997255143' }),
      patient: {
        reference: `Patient/${patient.id}`,
        type: 'Patient',
        identifier: { system: NHS, value: '9997255143' },
      },
    })
    expect({ status: two.status, code: issuesOf(two)[0]?.code }).toEqual({ status: 422, code: 'NUMBERS_DISAGREE' })
  })
})

function flagOf(plan: string, nhsNumber: string, parts: { code?: string; start?: string } = {}): object {
  return {
    resourceType: 'Flag',
    extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/flag-detail', valueReference: { reference: plan } }],
    status: 'active',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/flag-category', code: 'safety' }] }],
    code: {
      coding: [
        { system: 'http://snomed.info/sct', code: parts.code ?? '342191000000101' },
        {
          system: 'https://fhir.nhs.uk/England/CodeSystem/England-FlagCategoryPatient',
          code: 'child-protection-information-system-flag',
        },
      ],
    },
    subject: { type: 'Patient', identifier: { system: NHS, value: nhsNumber } },
    period: { start: parts.start ?? '2026-04-01' },
  }
}

describe('what is accepted is stored whole and answered as R4 says', () => {
  test('a transaction of Patient, plan and Flag: one commit, references resolved, the Flag kept', async () => {
    const answer = await post(
      transactionOf([
        {
          fullUrl: 'urn:uuid:aaaaaaaa-0000-4000-8000-000000000001',
          url: 'Patient',
          resource: patientOf({ nhsNumber: '9992378603', birthDate: '2015-06-07', family: 'Zebrafinch' }),
        },
        {
          fullUrl: 'urn:uuid:aaaaaaaa-0000-4000-8000-000000000002',
          url: 'EpisodeOfCare',
          resource: planOf({ patient: 'urn:uuid:aaaaaaaa-0000-4000-8000-000000000001', identifier: 'whole' }),
        },
        {
          fullUrl: 'urn:uuid:aaaaaaaa-0000-4000-8000-000000000003',
          url: 'Flag',
          resource: flagOf('urn:uuid:aaaaaaaa-0000-4000-8000-000000000002', '9992378603'),
        },
      ]),
    )
    expect(answer.status).toBe(200)
    const [patient, plan, flag] = bundleOf(answer).entry ?? []
    expect([patient, plan, flag].map((one) => one?.response?.status)).toEqual([
      '201 Created',
      '201 Created',
      '201 Created',
    ])
    expect((plan?.resource as EpisodeOfCare | undefined)?.patient.reference).toBe(`Patient/${patient?.resource?.id}`)
    expect((flag?.resource as Flag | undefined)?.extension?.[0]?.valueReference?.reference).toBe(
      `EpisodeOfCare/${plan?.resource?.id}`,
    )
    const read = await server.send({ as: LA, path: `Flag/${flag?.resource?.id}` })
    expect(read.headers.get('etag')).toBe('W/"1"')
    expect(resourceOf(read, 'Flag')).toMatchObject({ status: 'active', period: { start: '2026-04-01' } })
  })

  test('R15 the same transaction again makes no new version and answers as before', async () => {
    const bundle = transactionOf(
      [{ url: 'EpisodeOfCare', resource: planOf({ nhsNumber: '9994179209', identifier: 'again' }) }],
      { identifier: { system: 'https://derbyshire.example/bundle', value: 'b-1' } },
    )
    const first = await post(bundle)
    const second = await post(bundle)
    expect(second.status).toBe(200)
    expect(second.json).toEqual(first.json)
    const other = await post({ ...bundle, entry: [] })
    expect({ status: other.status, code: issuesOf(other)[0]?.code }).toEqual({ status: 409, code: 'BUNDLE_ID_REUSED' })
  })

  test('R15 a create with an identifier that is held: same content 200 with the Location, other content 409', async () => {
    const plan = planOf({ nhsNumber: '9993798568', identifier: 'held' })
    const first = await file(plan)
    const again = await file(plan)
    expect([first.status, again.status]).toEqual([201, 200])
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    const other = await file({ ...plan, period: { start: '2026-04-02' } })
    expect({ status: other.status, code: issuesOf(other)[0]?.code }).toEqual({
      status: 409,
      code: 'DUPLICATE_IDENTIFIER',
    })
  })

  test('R12 the status follows from the dates, and an information issue says so', async () => {
    const answer = await server.send({
      as: LA,
      path: 'EpisodeOfCare',
      body: planOf({ nhsNumber: '9996621235', start: '2025-01-01', end: '2025-12-31', status: 'active' }),
      headers: { Prefer: 'return=OperationOutcome' },
    })
    expect(answer.status).toBe(201)
    expect(issuesOf(answer).map((one) => one.code)).toContain('STATUS_CORRECTED')
    const id = answer.headers.get('location')?.split('/').at(-3)
    expect(resourceOf(await server.send({ as: LA, path: `EpisodeOfCare/${id}` }), 'EpisodeOfCare').status).toBe(
      'finished',
    )
  })

  test('update by id makes a version; vread and history show both; a stale If-Match is 412', async () => {
    const made = resourceOf(await file(planOf({ nhsNumber: '9997007336', identifier: 'v' })), 'EpisodeOfCare')
    const ended = { ...planOf({ nhsNumber: '9997007336', identifier: 'v', end: '2026-05-01' }), id: made.id }
    const stale = await server.send({
      as: LA,
      method: 'PUT',
      path: `EpisodeOfCare/${made.id}`,
      body: ended,
      headers: { 'If-Match': 'W/"9"' },
    })
    expect(stale.status).toBe(412)
    const put = await server.send({
      as: LA,
      method: 'PUT',
      path: `EpisodeOfCare/${made.id}`,
      body: ended,
      headers: { 'If-Match': 'W/"1"' },
    })
    expect([put.status, put.headers.get('etag')]).toEqual([200, 'W/"2"'])
    const old = resourceOf(await server.send({ as: LA, path: `EpisodeOfCare/${made.id}/_history/1` }), 'EpisodeOfCare')
    expect(old.period?.end).toBeUndefined()
    const history = bundleOf(await server.send({ as: LA, path: `EpisodeOfCare/${made.id}/_history` }))
    expect(history.entry?.map((one) => one.response?.etag)).toEqual(['W/"2"', 'W/"1"'])
  })

  test('conditional create and conditional update by identifier', async () => {
    const plan = planOf({ nhsNumber: '9997526694', identifier: 'cond' })
    const condition = 'identifier=https://derbyshire.example/plan|cond'
    const put = (body: object) => server.send({ as: LA, method: 'PUT', path: `EpisodeOfCare?${condition}`, body })
    expect((await put(plan)).status).toBe(201)
    expect((await put(plan)).headers.get('etag')).toBe('W/"1"')
    expect((await put({ ...plan, period: { start: '2026-04-01', end: '2026-05-02' } })).headers.get('etag')).toBe(
      'W/"2"',
    )
    const post = await server.send({
      as: LA,
      path: 'EpisodeOfCare',
      body: plan,
      headers: { 'If-None-Exist': condition },
    })
    expect([post.status, post.headers.get('etag')]).toEqual([200, 'W/"2"'])
    const whole = { 'If-None-Exist': `${server.base}/EpisodeOfCare?${condition}` }
    expect((await server.send({ as: LA, path: 'EpisodeOfCare', body: plan, headers: whole })).status).toBe(200)
  })

  test('POST _search by identifier, patient:identifier and nhs-number finds own rows only', async () => {
    await file(planOf({ nhsNumber: '9995539772', identifier: 'find-me' }))
    const search = async (form: Record<string, string>, as = LA) =>
      bundleOf(await server.send({ as, path: 'EpisodeOfCare/_search', form })).entry?.length ?? 0
    const number = `${NHS}|9995539772`
    expect(await search({ identifier: 'https://derbyshire.example/plan|find-me' })).toBe(1)
    expect(await search({ 'patient:identifier': number })).toBe(1)
    expect(await search({ 'nhs-number': '9995539772' })).toBe(1)
    expect(await search({ 'patient:identifier': number }, OTHER)).toBe(0)
  })

  test('R4 withdrawn: hidden from the NHS at once, readable for its authority, its Flag entered in error', async () => {
    const made = resourceOf(await file(planOf({ nhsNumber: '9995161435', identifier: 'w' })), 'EpisodeOfCare')
    expect(bundleOf(await sendCheck(server, '9995161435')).total).toBe(2)
    await server.send({
      as: LA,
      method: 'PUT',
      path: `EpisodeOfCare/${made.id}`,
      body: { ...planOf({ nhsNumber: '9995161435', identifier: 'w', status: 'entered-in-error' }), id: made.id },
    })
    expect(bundleOf(await sendCheck(server, '9995161435')).total).toBe(1)
    expect(resourceOf(await server.send({ as: LA, path: `EpisodeOfCare/${made.id}` }), 'EpisodeOfCare').status).toBe(
      'entered-in-error',
    )
    const flags = bundleOf(
      await server.send({ as: LA, path: `Flag/_search`, form: { detail: `EpisodeOfCare/${made.id}` } }),
    ) as Bundle<Flag>
    expect(flags.entry?.map((one) => one.resource?.status)).toEqual(['entered-in-error'])
  })

  test('R4 deleted: 204, then 410, out of searches with its Flag, hidden from the NHS, history kept; a Flag alone stays', async () => {
    const made = resourceOf(
      await file(planOf({ nhsNumber: '9997382455', identifier: 'd', type: 'LAC' })),
      'EpisodeOfCare',
    )
    const before = bundleOf(await sendCheck(server, '9997382455')).total ?? 0
    const flags = () => server.send({ as: LA, path: 'Flag/_search', form: { detail: `EpisodeOfCare/${made.id}` } })
    const flag = bundleOf(await flags()).entry?.[0]?.resource?.id
    const alone = await server.send({ as: LA, method: 'DELETE', path: `Flag/${flag}` })
    expect({ status: alone.status, code: issuesOf(alone)[0]?.code }).toEqual({ status: 409, code: 'FLAG_KEPT_BY_PLAN' })
    const other = await server.send({ as: OTHER, method: 'DELETE', path: `EpisodeOfCare/${made.id}` })
    expect(other.status).toBe(404)
    const remove = () => server.send({ as: LA, method: 'DELETE', path: `EpisodeOfCare/${made.id}` })
    expect([(await remove()).status, (await remove()).status]).toEqual([204, 204])
    const statuses = [`EpisodeOfCare/${made.id}`, `Flag/${flag}`].map((path) => server.send({ as: LA, path }))
    expect((await Promise.all(statuses)).map((one) => one.status)).toEqual([410, 410])
    expect(bundleOf(await flags()).entry ?? []).toEqual([])
    expect(bundleOf(await sendCheck(server, '9997382455')).total).toBe(before - 1)
    const history = bundleOf(await server.send({ as: LA, path: `EpisodeOfCare/${made.id}/_history` }))
    expect(history.entry?.map((one) => one.request?.method)).toEqual(['DELETE', 'POST'])
  })

  test('R8 a plan without a number is kept with a warning, found by nhs-number:missing, and visible once its Patient has one', async () => {
    const answer = await post(
      transactionOf([
        {
          fullUrl: 'urn:uuid:bbbbbbbb-0000-4000-8000-000000000001',
          url: 'Patient',
          resource: patientOf({ local: 'no-number', birthDate: '2020-01-01' }),
        },
        {
          fullUrl: 'urn:uuid:bbbbbbbb-0000-4000-8000-000000000002',
          url: 'EpisodeOfCare',
          resource: planOf({ patient: 'urn:uuid:bbbbbbbb-0000-4000-8000-000000000001', identifier: 'parked' }),
        },
      ]),
    )
    const [patient, plan] = bundleOf(answer).entry ?? []
    expect(codesOf(plan?.response?.outcome as never).map((one) => one.code)).toContain('NHS_NUMBER_MISSING')
    const parked = bundleOf(
      await server.send({ as: LA, path: 'EpisodeOfCare/_search', form: { 'nhs-number:missing': 'true' } }),
    )
    expect(parked.entry?.map((one) => one.resource?.id)).toContain(plan?.resource?.id)
    const withNumber = {
      ...patientOf({ local: 'no-number', birthDate: '2020-01-01', nhsNumber: '9992495146' }),
      id: patient?.resource?.id,
    }
    expect(
      (await server.send({ as: LA, method: 'PUT', path: `Patient/${patient?.resource?.id}`, body: withNumber })).status,
    ).toBe(200)
    expect(bundleOf(await sendCheck(server, '9992495146')).total).toBe(3)
  })
})
