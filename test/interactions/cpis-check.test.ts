/** `$cpis-check` through real HTTP and a real database: refusals first, then what is disclosed and what is recorded (P1 to P3, R2 to R7, R18 to R22). */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AuditEvent, Bundle, Flag, OperationOutcome } from '@medplum/fhirtypes'
import { TEST_NUMBERS } from '../support/nhs-numbers.ts'
import { patientOf, planOf, transactionOf } from '../support/plans.ts'
import { bundleOf, checkOf, codesOf, issuesOf, sendCheck, startTestServer, type TestServer } from '../support/server.ts'

const LA = 'la-E10000007'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const audits = () => server.context.store.read.audits({ from: '2026-01-01T00:00:00Z', limit: 200 })
const accesses = async (id: string) => (await audits()).find((one) => one.id === id)
const auditIdOf = (bundle: Bundle): string => (bundle.identifier?.value ?? '').replace('urn:uuid:', '')
const wordsOf = (bundle: Bundle): string[] =>
  (bundle.entry?.at(-1)?.resource as OperationOutcome | undefined)?.issue.map((one) => one.details?.text ?? '') ?? []

describe('refusals disclose nothing, name code and place, and are audited', () => {
  test.each(TEST_NUMBERS.filter((one) => !one.valid).map((one) => [one.use, one.text] as const))(
    'R1 %s',
    async (_use, nhsNumber) => {
      const answer = await sendCheck(server, nhsNumber)
      expect(answer.status).toBe(400)
      expect(issuesOf(answer)).toEqual([
        {
          code: expect.stringMatching(/INVALID_NHS_NUMBER|TEST_NUMBER_REQUIRED/),
          at: 'Parameters.parameter[0].value.value',
          severity: 'error',
        },
      ])
      expect(answer.text).not.toContain(nhsNumber)
    },
  )

  const cases: readonly [string, Parameters<TestServer['send']>[0], number, string][] = [
    ['GET on the operation', { as: 'ed-nurse', method: 'GET' }, 405, 'METHOD_NOT_ALLOWED'],
    ['no X-Request-ID', { as: 'ed-nurse', body: checkOf('9995973952') }, 400, 'MISSING_REQUEST_ID'],
    [
      'an X-Request-ID that is no UUID',
      { as: 'ed-nurse', body: checkOf('9995973952'), headers: { 'X-Request-ID': 'seven' } },
      400,
      'INVALID_REQUEST_ID',
    ],
    ['an unknown setting', { as: 'ed-nurse', body: checkOf('9995973952', 'tardis') }, 400, 'UNKNOWN_SETTING'],
    [
      'an unknown site',
      { as: 'ed-nurse', body: checkOf('9995973952', undefined, { site: 'ZZZ99' }) },
      400,
      'UNKNOWN_SITE',
    ],
    [
      'a site of another organisation',
      { as: 'ed-nurse', body: checkOf('9995973952', undefined, { site: 'RR801' }) },
      403,
      'SITE_NOT_YOURS',
    ],
    ['an unknown parameter', { as: 'ed-nurse', body: withExtra(checkOf('9995973952')) }, 400, 'UNKNOWN_PARAMETER'],
    ['no token', { body: checkOf('9995973952') }, 401, 'UNAUTHENTICATED'],
    ['a council', { as: LA, body: checkOf('9995973952') }, 403, 'NOT_PERMITTED'],
    ['a clerk', { as: 'admin-clerk', body: checkOf('9995973952') }, 403, 'NOT_PERMITTED'],
    [
      'XML',
      { as: 'ed-nurse', body: '<Parameters/>', headers: { 'Content-Type': 'application/fhir+xml' } },
      415,
      'UNSUPPORTED_MEDIA',
    ],
    ['malformed JSON', { as: 'ed-nurse', body: '{"resourceType":' }, 400, 'INVALID_JSON'],
    ['an operator in place of the number', { as: 'ed-nurse', body: operatorBody() }, 400, 'UNKNOWN_ELEMENT'],
  ]
  test.each(cases)('%s', async (name, request, status, code) => {
    const requestId = randomUUID()
    const wantsId = !name.includes('X-Request-ID')
    const headers = { ...(wantsId ? { 'X-Request-ID': requestId } : {}), ...request.headers }
    const answer = await server.send({ path: 'Patient/$cpis-check', ...request, headers })
    expect({ status: answer.status, code: issuesOf(answer)[0]?.code }).toEqual({ status, code })
    expect(answer.text).not.toContain('9995973952')
    const said = answer.headers.get('x-request-id')
    expect((await audits()).find((one) => one.requestId === said)).toMatchObject({ status, outcome: '4' })
    if (status === 405) expect(answer.headers.get('allow')).toContain('POST')
    if (status === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
  })

  test('a refused check claims no X-Request-ID', async () => {
    const requestId = randomUUID()
    expect((await sendCheck(server, '9995973952', { setting: 'tardis', requestId })).status).toBe(400)
    expect((await sendCheck(server, '9995973952', { requestId })).status).toBe(200)
  })
})

function withExtra(body: unknown): unknown {
  const { parameter, ...rest } = body as { parameter: unknown[] }
  return { ...rest, parameter: [...parameter, { name: 'reason', valueString: 'curiosity' }] }
}

function operatorBody(): unknown {
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'nhsNumber', valueIdentifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: { $ne: '' } } },
    ],
  }
}

describe('the answer', () => {
  test('nothing known: the same shape, plainly said, audited only', async () => {
    const answer = await sendCheck(server, '9996621235')
    const bundle = bundleOf(answer)
    expect(bundle).toMatchObject({ type: 'searchset', total: 0 })
    expect(bundle.entry).toHaveLength(1)
    expect(wordsOf(bundle)).toEqual(['Nothing known to the register today. This is not an assurance of safety.'])
    expect(answer.headers.get('cache-control')).toContain('no-store')
    expect(await accesses(auditIdOf(bundle))).toMatchObject({
      outcome: '0',
      operation: 'cpis-check',
      entities: [],
      setting: 'emergency-department',
    })
  })

  test('P3 a hit shows type, dates, authority and contacts, and nothing of the private fields', async () => {
    const filed = await server.send({
      as: LA,
      body: transactionOf([
        {
          fullUrl: 'urn:uuid:cccccccc-0000-4000-8000-000000000001',
          url: 'Patient',
          resource: patientOf({
            nhsNumber: '9998450055',
            birthDate: '2016-07-08',
            family: 'Quokkafish',
            local: 'private-child-id',
          }),
        },
        {
          fullUrl: 'urn:uuid:cccccccc-0000-4000-8000-000000000002',
          url: 'EpisodeOfCare',
          resource: {
            ...planOf({
              patient: 'urn:uuid:cccccccc-0000-4000-8000-000000000001',
              type: 'LAC',
              identifier: 'private-plan-id',
              start: '2026-02-03',
            }),
            extension: [{ url: 'https://cpis.example/fhir/StructureDefinition/cpis-legal-basis', valueCode: 's31' }],
            careManager: {
              type: 'Practitioner',
              identifier: { system: 'https://derbyshire.example/worker', value: 'private-worker' },
            },
          },
        },
      ]),
    })
    expect(filed.status).toBe(200)
    const answer = await sendCheck(server, '999 845 0055', { site: 'RCUEF' })
    const bundle = bundleOf(answer)
    expect(bundle.total).toBe(1)
    for (const secret of ['Quokkafish', 'private-', '2016-07-08', 's31', 'Patient/'])
      expect(answer.text.replaceAll('Patient/$cpis-check', '')).not.toContain(secret)
    const types = bundle.entry?.map((one) => [one.resource?.resourceType, one.search?.mode])
    expect(types).toEqual([
      ['Flag', 'match'],
      ['EpisodeOfCare', 'include'],
      ['Organization', 'include'],
      ['OperationOutcome', 'outcome'],
    ])
    const [flag, , organization] = (bundle.entry ?? []).map((one) => one.resource)
    expect(flag as Flag).toMatchObject({
      status: 'active',
      subject: { identifier: { value: '9998450055' } },
      period: { start: '2026-02-03' },
    })
    expect(organization).toMatchObject({ name: 'Derbyshire' })
    expect(wordsOf(bundle)[0]).toContain('Derbyshire')
    expect(answer.headers.get('content-encoding')).toBeNull()
  })

  test('R7 several types and authorities are all shown', async () => {
    const bundle = bundleOf(await sendCheck(server, '9996568814'))
    expect(bundle.total).toBe(2)
    expect(bundle.entry?.filter((one) => one.resource?.resourceType === 'Organization')).toHaveLength(2)
  })

  test.each([
    ['R2 ended 365 days ago: shown', '9990654352', 1],
    ['R2 ended 366 days ago: not shown', '9996585131', 0],
    ['R2 not before its start', '9994055313', 0],
    ['R4 withdrawn', '9998432405', 0],
    ['R6 turning 18 tomorrow: shown', '9990183449', 1],
    ['R6 turned 18 today: not shown', '9991795944', 0],
    ['an unborn plan is found under the mother', '9994033018', 1],
  ])('%s', async (_name, nhsNumber, total) => {
    expect(bundleOf(await sendCheck(server, nhsNumber)).total).toBe(total)
  })

  test('a birth date that differs warns and shows no held date', async () => {
    const answer = await sendCheck(server, '9998450055', { birthDate: '2010-01-01' })
    expect(codesOf(bundleOf(answer).entry?.at(-1)?.resource as OperationOutcome).map((one) => one.code)).toContain(
      'CHECK_IDENTITY',
    )
    expect(answer.text).not.toContain('2016-07-08')
  })
})

describe('what is recorded', () => {
  test('R18 R19 an unscheduled check is in the next answer’s history; a scheduled one is audited only', async () => {
    const first = bundleOf(await sendCheck(server, '9995294524', { site: 'RCUEF' }))
    await sendCheck(server, '9995294524', { as: 'dental-nurse', setting: 'dental' })
    const second = bundleOf(await sendCheck(server, '9995294524', { as: 'paramedic', setting: 'ambulance' }))
    const history = second.entry?.flatMap((one) =>
      one.resource?.resourceType === 'AuditEvent' ? [one.resource as AuditEvent] : [],
    )
    expect(history?.map((one) => one.id)).toEqual([auditIdOf(first)])
    expect(JSON.stringify(history)).toContain("Sheffield Children's Hospital")
  })

  test('R21 R22 simultaneous checks of one child give one incident with distinct legs', async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => sendCheck(server, '9992378603')))
    expect(answers.map((one) => one.status)).toEqual(Array(6).fill(200))
    const records = await Promise.all(answers.map((one) => accesses(auditIdOf(bundleOf(one)))))
    expect(new Set(records.map((one) => one?.incident?.id)).size).toBe(1)
    expect(records.map((one) => one?.incident?.leg).sort()).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('the same X-Request-ID and body: the same AuditEvent, no second record, event or history line', async () => {
    const requestId = randomUUID()
    const one = await sendCheck(server, '9996470911', { requestId })
    const count = (await audits()).length
    const again = await sendCheck(server, '9996470911', { requestId })
    expect(again.json).toEqual(one.json)
    expect((await audits()).length).toBe(count)
    const other = await sendCheck(server, '9996470911', { requestId, setting: 'walk-in-centre' })
    expect({ status: other.status, code: issuesOf(other)[0]?.code }).toEqual({ status: 409, code: 'REQUEST_ID_REUSED' })
  })

  test('P1 a repetition whose answer has changed since is refused, never outdated', async () => {
    const requestId = randomUUID()
    expect(bundleOf(await sendCheck(server, '9992742216', { requestId })).total).toBe(0)
    await server.send({ as: LA, path: 'EpisodeOfCare', body: planOf({ nhsNumber: '9992742216' }) })
    const again = await sendCheck(server, '9992742216', { requestId })
    expect({ status: again.status, code: issuesOf(again)[0]?.code }).toEqual({ status: 409, code: 'REQUEST_ID_REUSED' })
    expect(bundleOf(await sendCheck(server, '9992742216')).total).toBe(1)
  })

  test('two people using one X-Request-ID are two checks', async () => {
    const requestId = randomUUID()
    const nurse = bundleOf(await sendCheck(server, '9993798568', { requestId }))
    const paramedic = bundleOf(
      await sendCheck(server, '9993798568', { requestId, as: 'paramedic', setting: 'ambulance' }),
    )
    expect(auditIdOf(nurse)).not.toBe(auditIdOf(paramedic))
  })
})
