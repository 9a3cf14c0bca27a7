/** fhir-kit-client, as it comes, against the register: every interaction that it offers. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Bundle, EpisodeOfCare } from '@medplum/fhirtypes'
import { Client } from 'fhir-kit-client'
import { LA_SYSTEM, patientOf, planOf, transactionOf } from '../support/plans.ts'
import { checkOf, startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let la: Client

beforeAll(async () => {
  server = await startTestServer()
  la = new Client({ baseUrl: server.base, bearerToken: await server.token('la-E10000007') })
})
afterAll(() => server.close())

const EOC = 'EpisodeOfCare'

function monthly(nth: number, more: Parameters<typeof planOf>[0] = {}): EpisodeOfCare {
  const month = `2023-${String(nth).padStart(2, '0')}`
  const period = { start: `${month}-01`, end: `${month}-20`, status: 'finished' } as const
  return planOf({ identifier: `kit-${nth}`, nhsNumber: '9995425793', ...period, ...more })
}

type Answer = Record<string, unknown>
/** The client's own types know no resource: what came is looked at as JSON. */
const plain = async <T>(asked: Promise<unknown> | undefined): Promise<T> =>
  JSON.parse(JSON.stringify((await asked) ?? null)) as T
const create = (body: EpisodeOfCare, headers: Record<string, string> = {}) =>
  plain<EpisodeOfCare>(la.create({ resourceType: EOC, body: body as never, options: { headers } }))

async function refusalOf(asked: Promise<unknown>): Promise<readonly [number, string | undefined]> {
  const error = await asked.then(
    () => undefined,
    (thrown: unknown) => thrown as { response?: { status: number; data: Answer } },
  )
  const outcome = error?.response?.data as { issue?: { details?: { coding?: { code?: string }[] } }[] } | undefined
  return [error?.response?.status ?? 0, outcome?.issue?.[0]?.details?.coding?.[0]?.code]
}

describe('fhir-kit-client', () => {
  test('creates, reads, reads a version, updates, patches, tells the history, deletes', async () => {
    const made = await create(monthly(1))
    const id = made.id ?? ''
    const read = la.read({ resourceType: EOC, id })
    expect(await plain(read)).toEqual(made)
    expect(Client.httpFor(await read).response?.headers.get('etag')).toBe('W/"1"')
    const body = { ...made, period: { start: '2023-01-01', end: '2023-01-21' } }
    const updated = await plain<EpisodeOfCare>(la.update({ resourceType: EOC, id, body: body as never }))
    expect(updated.meta?.versionId).toBe('2')
    const jsonPatch = [{ op: 'replace' as const, path: '/period/end', value: '2023-01-22' }]
    const patched = await plain<EpisodeOfCare>(la.patch({ resourceType: EOC, id, jsonPatch }))
    expect(patched.period?.end).toBe('2023-01-22')
    const first = await plain<EpisodeOfCare>(la.vread({ resourceType: EOC, id, version: '1' }))
    expect(first).toEqual(made)
    const history = await plain<Bundle>(la.history({ resourceType: EOC, id }))
    expect(history.entry?.map((one) => one.resource?.meta?.versionId)).toEqual(['3', '2', '1'])
    const ofType = await plain<Bundle>(la.history({ resourceType: EOC }))
    expect(ofType.entry?.length).toBeGreaterThanOrEqual(3)
    expect(await plain(la.delete({ resourceType: EOC, id }))).toEqual({})
    expect(await refusalOf(la.read({ resourceType: EOC, id }))).toEqual([410, 'GONE'])
  })

  test('creates and updates by a condition, and honours If-Match', async () => {
    const headers = { 'If-None-Exist': `identifier=${LA_SYSTEM}|kit-2` }
    const made = await create(monthly(2), headers)
    expect((await create(monthly(2), headers)).id).toBe(made.id)
    const body = { ...monthly(2), period: { start: '2023-02-01', end: '2023-02-21' } } as never
    const searchParams = { identifier: `${LA_SYSTEM}|kit-2` }
    const updated = await plain<EpisodeOfCare>(la.update({ resourceType: EOC, searchParams, body }))
    expect([updated.id, updated.meta?.versionId]).toEqual([made.id, '2'])
    const stale = { headers: { 'If-Match': 'W/"1"' } }
    const again = la.update({ resourceType: EOC, id: made.id ?? '', body: updated as never, options: stale })
    expect(await refusalOf(again)).toEqual([412, 'VERSION_CONFLICT'])
  })

  test('searches by GET and POST, and follows the links on and back', async () => {
    for (const nth of [3, 4, 5]) await create(monthly(nth, { identifier: `kit-pages-${nth}` }))
    const searchParams = { identifier: 'kit-pages-3,kit-pages-4,kit-pages-5', _sort: '-date', _count: '1' }
    const first = await la.search({ resourceType: EOC, searchParams })
    const seen: string[] = []
    const note = async (page: unknown): Promise<void> => {
      const { entry = [] } = await plain<Bundle<EpisodeOfCare>>(Promise.resolve(page))
      seen.push(...entry.map((one) => one.resource?.identifier?.[0]?.value ?? ''))
    }
    let page: typeof first | undefined = first
    let last = first
    while (page !== undefined) {
      await note(page)
      last = page
      page = (await la.nextPage({ bundle: page as never })) as typeof first | undefined
    }
    expect(seen).toEqual(['kit-pages-5', 'kit-pages-4', 'kit-pages-3'])
    seen.length = 0
    await note(await la.prevPage({ bundle: last as never }))
    expect(seen).toEqual(['kit-pages-4'])
    const posted = await plain<Bundle>(la.search({ resourceType: EOC, searchParams, options: { postSearch: true } }))
    expect(posted.entry).toHaveLength(1)
    const byNumber = { 'patient:identifier': 'https://fhir.nhs.uk/Id/nhs-number|9995425793' }
    const found = la.search({ resourceType: EOC, searchParams: byNumber, options: { postSearch: true } })
    expect((await plain<Bundle>(found)).entry?.length).toBeGreaterThanOrEqual(3)
    expect(await refusalOf(la.search({ resourceType: EOC, searchParams: byNumber }))).toEqual([
      400,
      'NHS_NUMBER_IN_URL',
    ])
  })

  test('posts a transaction and a batch, and resolves references', async () => {
    const fullUrl = `urn:uuid:${randomUUID()}`
    const { patient: _none, ...plan } = monthly(6)
    const body = transactionOf([
      { fullUrl, resource: patientOf({ nhsNumber: '9998450055', birthDate: '2015-06-07' }), url: 'Patient' },
      { resource: { ...plan, patient: { reference: fullUrl } }, url: EOC },
    ])
    const done = await plain<Bundle<EpisodeOfCare>>(la.transaction({ body: body as never }))
    expect(done.entry?.map((one) => one.response?.status)).toEqual(['201 Created', '201 Created'])
    const reference = done.entry?.[1]?.resource?.patient?.reference ?? ''
    expect(await plain<Answer>(la.resolve({ reference }))).toMatchObject({ resourceType: 'Patient' })
    const reads = { resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'GET', url: reference } }] }
    const batch = await plain<Bundle>(la.batch({ body: reads as never }))
    expect(batch.entry?.[0]?.resource?.resourceType).toBe('Patient')
  })

  test('runs the check', async () => {
    const nurse = new Client({ baseUrl: server.base, bearerToken: await server.token('ed-nurse') })
    const answer = await plain<Bundle>(
      nurse.operation({
        name: 'cpis-check',
        resourceType: 'Patient',
        input: checkOf('9995425793') as never,
        options: { headers: { 'X-Request-ID': randomUUID() } },
      }),
    )
    expect([answer.type, answer.entry?.at(-1)?.resource?.resourceType]).toEqual(['searchset', 'OperationOutcome'])
    const byGet = nurse.operation({ name: 'cpis-check', resourceType: 'Patient', method: 'GET' })
    expect(await refusalOf(byGet)).toEqual([405, 'METHOD_NOT_ALLOWED'])
  })

  test('discovers: the statement, and where tokens come from', async () => {
    expect(await plain<Answer>(la.capabilityStatement())).toMatchObject({ resourceType: 'CapabilityStatement' })
    const statement = la.request('.well-known/smart-configuration')
    expect(await plain<Answer>(statement)).toMatchObject({ token_endpoint: `${server.url}/oauth2/token` })
    expect(await plain<Answer>(la.smartAuthMetadata())).toMatchObject({ tokenUrl: `${server.url}/oauth2/token` })
  })
})
