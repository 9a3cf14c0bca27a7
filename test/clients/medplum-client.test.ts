/** MedplumClient, as it comes, against the register: what it sends by default, and every interaction that it offers. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { MedplumClient, OperationOutcomeError } from '@medplum/core'
import type { Bundle, EpisodeOfCare, Patient, Resource } from '@medplum/fhirtypes'
import { LA_SYSTEM, patientOf, planOf, transactionOf } from '../support/plans.ts'
import { checkOf, startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let la: MedplumClient

/** No retries and no cache, so that each call is one request; else as it comes. */
async function clientOf(name: string, more: object = {}): Promise<MedplumClient> {
  const client = new MedplumClient({
    baseUrl: `${server.url}/`,
    fhirUrlPath: 'FHIR/R4/',
    fetch,
    maxRetries: 0,
    cacheTime: 0,
    ...more,
  })
  client.setAccessToken(await server.token(name))
  return client
}

beforeAll(async () => {
  server = await startTestServer()
  la = await clientOf('la-E10000007')
})
afterAll(() => server.close())

const monthly = (nth: number, more: Parameters<typeof planOf>[0] = {}): EpisodeOfCare => {
  const month = `2024-${String(nth).padStart(2, '0')}`
  const period = { start: `${month}-01`, end: `${month}-20`, status: 'finished' } as const
  return planOf({ identifier: `medplum-${nth}`, nhsNumber: '9995425793', ...period, ...more })
}

async function codeOf(asked: Promise<unknown>): Promise<string | undefined> {
  const error = await asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof OperationOutcomeError)) throw new Error(`no OperationOutcome: ${String(error)}`)
  return error.outcome.issue[0]?.details?.coding?.[0]?.code
}

describe('MedplumClient', () => {
  test('creates, reads, reads a version, updates, patches, tells the history, deletes', async () => {
    const made = await la.createResource(monthly(1))
    expect(await la.readResource('EpisodeOfCare', made.id)).toEqual(made)
    const period = { start: '2024-01-01', end: '2024-01-21' }
    const updated = await la.updateResource({ ...made, period })
    expect([updated.meta?.versionId, updated.period]).toEqual(['2', period])
    const patched = await la.patchResource('EpisodeOfCare', made.id, [
      { op: 'test', path: '/meta/versionId', value: '2' },
      { op: 'replace', path: '/period/end', value: '2024-01-22' },
    ])
    expect(patched.period?.end).toBe('2024-01-22')
    expect((await la.readVersion('EpisodeOfCare', made.id, '1')).period?.end).toBe('2024-01-20')
    const history = await la.readHistory('EpisodeOfCare', made.id)
    expect(history.entry?.map((one) => one.resource?.meta?.versionId)).toEqual(['3', '2', '1'])
    const page = await la.readHistory('EpisodeOfCare', made.id, { count: 1 })
    expect(page.entry?.map((one) => one.resource?.meta?.versionId)).toEqual(['3'])
    await la.deleteResource('EpisodeOfCare', made.id)
    expect(await codeOf(la.readResource('EpisodeOfCare', made.id))).toBe('GONE')
  })

  test('sends nothing that is not needed back: an update with what was read makes no version', async () => {
    const made = await la.createResource(monthly(2))
    expect((await la.updateResource(made)).meta?.versionId).toBe('1')
  })

  test('creates once with createResourceIfNoneExist, and puts by a condition with upsertResource', async () => {
    const plan = monthly(3)
    const query = `identifier=${LA_SYSTEM}|medplum-3`
    const first = await la.createResourceIfNoneExist(plan, query)
    expect((await la.createResourceIfNoneExist(plan, query)).id).toBe(first.id)
    const upserted = await la.upsertResource({ ...plan, period: { start: '2024-03-01', end: '2024-03-21' } }, query)
    expect([upserted.id, upserted.meta?.versionId]).toEqual([first.id, '2'])
  })

  test('honours If-Match', async () => {
    const made = await la.createResource(monthly(4))
    const change = { ...made, period: { start: '2024-04-01', end: '2024-04-21' } }
    expect(await codeOf(la.updateResource(change, { headers: { 'If-Match': 'W/"9"' } }))).toBe('VERSION_CONFLICT')
    expect((await la.updateResource(change, { headers: { 'If-Match': 'W/"1"' } })).meta?.versionId).toBe('2')
  })

  test('searches: a Bundle, resources, one, and every page though it adds _count to each link', async () => {
    for (const nth of [5, 6, 7]) await la.createResource(monthly(nth, { identifier: `pages-${nth}` }))
    const query = { identifier: 'pages-5,pages-6,pages-7', _sort: 'date', _count: 1 }
    const bundle = await la.search('EpisodeOfCare', { ...query, _total: 'accurate', _summary: 'true' })
    expect([bundle.total, bundle.entry?.length]).toEqual([3, 1])
    const pages: number[] = []
    const seen: (string | undefined)[] = []
    for await (const page of la.searchResourcePages('EpisodeOfCare', query)) {
      pages.push(page.length)
      seen.push(...page.map((one) => one.identifier?.[0]?.value))
    }
    expect(seen).toEqual(['pages-5', 'pages-6', 'pages-7'])
    expect(pages[0]).toBe(1)
    expect((await la.searchOne('EpisodeOfCare', 'identifier=pages-6'))?.period?.start).toBe('2024-06-01')
    expect(await la.searchResources('EpisodeOfCare', 'identifier=nothing')).toHaveLength(0)
    const included = await la.search('EpisodeOfCare', 'identifier=pages-5&_revinclude=Flag:detail&_elements=status')
    expect(included.entry?.map((one) => one.resource?.resourceType)).toEqual(['EpisodeOfCare', 'Flag'])
  })

  test('executes a transaction and a batch', async () => {
    const fullUrl = `urn:uuid:${randomUUID()}`
    const child: Patient = patientOf({ nhsNumber: '9998450055', birthDate: '2015-06-07', family: 'Medplum' })
    const { patient: _none, ...plan } = monthly(8)
    const done = await la.executeBatch(
      transactionOf([
        { fullUrl, resource: child, url: 'Patient' },
        { resource: { ...plan, patient: { reference: fullUrl } }, url: 'EpisodeOfCare' },
      ]) as Bundle,
    )
    expect(done.entry?.map((one) => one.response?.status)).toEqual(['201 Created', '201 Created'])
    const batch = await la.executeBatch({
      resourceType: 'Bundle',
      type: 'batch',
      entry: [
        { request: { method: 'GET', url: 'EpisodeOfCare?identifier=medplum-8' } },
        { request: { method: 'GET', url: 'EpisodeOfCare/nothing' } },
      ],
    })
    expect(batch.entry?.map((one) => one.response?.status.slice(0, 3))).toEqual(['200', '404'])
  })

  test('gathers reads into a batch by itself', async () => {
    const made = await la.createResource(monthly(9))
    const gathering = await clientOf('la-E10000007', { autoBatchTime: 20, cacheTime: 10_000 })
    const [plan, authority] = await Promise.all([
      gathering.readResource('EpisodeOfCare', made.id),
      gathering.readResource('Organization', 'E10000007'),
    ])
    expect([plan.id, authority.name]).toEqual([made.id, 'Derbyshire'])
  })

  test('runs the check', async () => {
    const nurse = await clientOf('ed-nurse')
    const answer = await nurse.post<Bundle<Resource>>(
      nurse.fhirUrl('Patient', '$cpis-check'),
      checkOf('9995425793'),
      undefined,
      {
        headers: { 'X-Request-ID': randomUUID() },
      },
    )
    expect([answer.type, answer.entry?.at(-1)?.resource?.resourceType]).toEqual(['searchset', 'OperationOutcome'])
  })

  test('gets the metadata, and understands what is refused', async () => {
    const statement = await la.get(la.fhirUrl('metadata'))
    expect(statement).toMatchObject({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' })
    expect(await codeOf(la.readResource('EpisodeOfCare', 'nothing'))).toBe('NOT_FOUND')
    expect(await codeOf(la.createResource({ ...monthly(10), status: 'waitlist' }))).toBe('STATUS_NOT_TAKEN')
    expect(await codeOf(la.search('EpisodeOfCare', { colour: 'red' } as Record<string, string>))).toBe(
      'UNKNOWN_PARAMETER',
    )
  })
})
