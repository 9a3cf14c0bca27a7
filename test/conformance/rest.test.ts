/** interface.md "REST" and R4 http.html row by row, through real HTTP: what a client that nobody here wrote relies on. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Bundle, EpisodeOfCare } from '@medplum/fhirtypes'
import { LA_SYSTEM, NHS, patientOf, planOf } from '../support/plans.ts'
import {
  bundleOf,
  issuesOf,
  resourceOf,
  START,
  startTestServer,
  type TestAnswer,
  type TestRequest,
  type TestServer,
} from '../support/server.ts'

const LA = 'la-E10000007'
const OTHER = 'la-E06000015'
const JSON_PATCH = { 'Content-Type': 'application/json-patch+json' }
const LENIENT = { Prefer: 'handling=lenient' }

let server: TestServer
let child: string
let nth = 0

beforeAll(async () => {
  server = await startTestServer()
  const body = patientOf({ nhsNumber: '9998450055', birthDate: '2015-06-07', local: 'child-1' })
  child = idOf(await server.send({ as: LA, path: 'Patient', body }))
})
afterAll(() => server.close())
beforeEach(() => server.setNow(START))

const idOf = (answer: TestAnswer): string => (answer.json as { readonly id?: string } | undefined)?.id ?? ''
const get = (path: string, headers: Record<string, string> = {}, as = LA) => server.send({ as, path, headers })
const find = (type: string, form: TestRequest['form']) =>
  server.send({ as: LA, path: `${type}/_search`, form: form ?? {} })
const idsOf = (bundle: Bundle): string[] => (bundle.entry ?? []).map((one) => one.resource?.id ?? '')
const selfOf = (bundle: Bundle): string => linkOf(bundle, 'self') ?? ''
const linkOf = (bundle: Bundle, relation: string): string | undefined =>
  bundle.link?.find((one) => one.relation === relation)?.url
const codeOf = (answer: TestAnswer) => ({ status: answer.status, code: issuesOf(answer)[0]?.code })

/** A plan of its own for each test: a month of its own, so that none overlaps. */
function freshPlan(more: Parameters<typeof planOf>[0] = {}): EpisodeOfCare {
  nth += 1
  const month = `${1990 + Math.floor(nth / 12)}-${String((nth % 12) + 1).padStart(2, '0')}`
  const days = { start: `${month}-01`, end: `${month}-20`, status: 'finished' } as const
  return planOf({ identifier: `rest-${nth}`, nhsNumber: '9995425793', ...days, ...more })
}

/** The same plan with another last day of its month. */
function endingOn(plan: EpisodeOfCare, day: string): EpisodeOfCare {
  const start = plan.period?.start ?? ''
  return { ...plan, period: { start, end: `${start.slice(0, 8)}${day}` } }
}

async function filed(
  more: Parameters<typeof planOf>[0] = {},
): Promise<{ readonly id: string; readonly plan: EpisodeOfCare }> {
  const answer = await server.send({ as: LA, path: 'EpisodeOfCare', body: freshPlan(more) })
  const plan = resourceOf(answer, 'EpisodeOfCare')
  return { id: plan.id ?? '', plan }
}

describe('read', () => {
  test('says which version it is, and when it was made', async () => {
    const { id } = await filed()
    const answer = await get(`EpisodeOfCare/${id}`)
    expect(answer.headers.get('etag')).toBe('W/"1"')
    expect(answer.headers.get('last-modified')).toBe(new Date(START).toUTCString())
    expect(answer.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8')
    expect(resourceOf(answer, 'EpisodeOfCare').meta).toMatchObject({ versionId: '1', lastUpdated: START })
  })

  test.each([
    ['W/"1"', 304],
    ['"1"', 304],
    ['*', 304],
    ['W/"7", W/"1"', 304],
    ['W/"2"', 200],
    ['"one"', 200],
  ])('If-None-Match %s is answered %i', async (value, status) => {
    const { id } = await filed()
    for (const path of [`EpisodeOfCare/${id}`, `EpisodeOfCare/${id}/_history/1`]) {
      const answer = await get(path, { 'If-None-Match': value })
      expect([answer.status, answer.headers.get('etag')]).toEqual([status, 'W/"1"'])
      if (status === 304) expect(answer.text).toBe('')
    }
  })

  test.each([
    ['the moment of the change', 'Sun, 03 May 2026 11:00:00 GMT', 304],
    ['later', 'Sun, 03 May 2026 11:00:01 GMT', 304],
    ['before', 'Sun, 03 May 2026 10:59:59 GMT', 200],
    ['no date', 'yesterday', 200],
  ])('If-Modified-Since, %s', async (_name, value, status) => {
    const { id } = await filed()
    expect((await get(`EpisodeOfCare/${id}`, { 'If-Modified-Since': value })).status).toBe(status)
  })

  test('If-None-Match stands above If-Modified-Since (RFC 9110 §13.2.2)', async () => {
    const { id } = await filed()
    const later = 'Mon, 04 May 2026 11:00:00 GMT'
    const headers = { 'If-None-Match': 'W/"9"', 'If-Modified-Since': later }
    expect((await get(`EpisodeOfCare/${id}`, headers)).status).toBe(200)
  })

  test.each([
    ['an unknown id', 'EpisodeOfCare/nothing'],
    ['an unknown version', 'EpisodeOfCare/[id]/_history/2'],
    ['a version that is no number', 'EpisodeOfCare/[id]/_history/last'],
    ['an unknown history', 'EpisodeOfCare/nothing/_history'],
    ['another type with the id', 'Patient/[id]'],
  ])('%s is 404 with an OperationOutcome', async (_name, path) => {
    const { id } = await filed()
    expect(codeOf(await get(path.replace('[id]', id)))).toEqual({ status: 404, code: 'NOT_FOUND' })
  })

  test.each(['EpisodeOfCare/[id]', 'EpisodeOfCare/[id]/_history/1', 'EpisodeOfCare/[id]/_history'])(
    "another authority's %s is the same 404",
    async (path) => {
      const { id } = await filed()
      expect(codeOf(await get(path.replace('[id]', id), {}, OTHER))).toEqual({ status: 404, code: 'NOT_FOUND' })
    },
  )

  test('_elements and _summary cut it down, and say so', async () => {
    const { id } = await filed()
    const cut = resourceOf(await get(`EpisodeOfCare/${id}?_elements=period,team`), 'EpisodeOfCare')
    expect(Object.keys(cut).sort()).toEqual(['id', 'meta', 'patient', 'period', 'resourceType', 'status'])
    const summary = resourceOf(await get(`EpisodeOfCare/${id}/_history/1?_summary=true`), 'EpisodeOfCare')
    expect(summary.identifier).toBeUndefined()
    expect(summary.period).toBeDefined()
    for (const one of [cut, summary]) {
      expect(one.meta?.tag).toEqual([expect.objectContaining({ code: 'SUBSETTED' })])
      expect(one.meta?.profile).toBeUndefined()
    }
    const whole = resourceOf(await get(`EpisodeOfCare/${id}?_summary=false`), 'EpisodeOfCare')
    expect(whole.meta?.tag).toBeUndefined()
  })

  test.each([
    ['EpisodeOfCare/[id]?colour=red', 'UNKNOWN_PARAMETER'],
    ['EpisodeOfCare/[id]?_count=3', 'UNKNOWN_PARAMETER'],
    ['EpisodeOfCare/[id]/_history/1?colour=red', 'UNKNOWN_PARAMETER'],
    ['EpisodeOfCare/[id]/_history?colour=red', 'UNKNOWN_PARAMETER'],
    ['EpisodeOfCare/_history?_sort=_id', 'UNKNOWN_PARAMETER'],
    ['Organization/E10000007?colour=red', 'UNKNOWN_PARAMETER'],
    ['StructureDefinition/cpis-plan?colour=red', 'UNKNOWN_PARAMETER'],
    ['metadata?colour=red', 'UNKNOWN_PARAMETER'],
    ['EpisodeOfCare/[id]?_summary=count', 'INVALID_PARAMETER'],
    ['EpisodeOfCare/[id]?_summary=some', 'INVALID_PARAMETER'],
    ['EpisodeOfCare/[id]?_elements=', 'INVALID_PARAMETER'],
  ])('%s is 400 %s; what is unknown is left aside when lenient', async (path, code) => {
    const { id } = await filed()
    const address = path.replace('[id]', id)
    expect(codeOf(await get(address))).toEqual({ status: 400, code })
    expect((await get(address, LENIENT)).status).toBe(code === 'UNKNOWN_PARAMETER' ? 200 : 400)
  })
})

describe('create', () => {
  test('201 with Location of the version, ETag and Last-Modified; a sent id is ignored', async () => {
    const answer = await server.send({ as: LA, path: 'EpisodeOfCare', body: { ...freshPlan(), id: 'mine' } })
    const { id } = resourceOf(answer, 'EpisodeOfCare')
    expect(answer.status).toBe(201)
    expect(id).not.toBe('mine')
    expect(answer.headers.get('location')).toBe(`${server.base}/EpisodeOfCare/${id}/_history/1`)
    expect(answer.headers.get('etag')).toBe('W/"1"')
    expect(answer.headers.get('last-modified')).toBe(new Date(START).toUTCString())
    expect((await get('EpisodeOfCare/mine')).status).toBe(404)
  })

  test.each([
    ['return=minimal', undefined],
    ['return=representation', 'EpisodeOfCare'],
    ['return=OperationOutcome', 'OperationOutcome'],
  ])('Prefer %s', async (prefer, type) => {
    const made = await server.send({ as: LA, path: 'EpisodeOfCare', body: freshPlan(), headers: { Prefer: prefer } })
    expect([made.status, (made.json as { resourceType?: string } | undefined)?.resourceType]).toEqual([201, type])
    const id = made.headers.get('location')?.split('/').at(-3) ?? ''
    const plan = resourceOf(await get(`EpisodeOfCare/${id}`), 'EpisodeOfCare')
    const changed = await server.send({
      as: LA,
      method: 'PUT',
      path: `EpisodeOfCare/${id}`,
      body: endingOn(plan, '21'),
      headers: { Prefer: prefer },
    })
    expect([changed.status, (changed.json as { resourceType?: string } | undefined)?.resourceType]).toEqual([200, type])
    expect(changed.headers.get('location')).toBe(`${server.base}/EpisodeOfCare/${id}/_history/2`)
    await server.send({ as: LA, method: 'DELETE', path: `EpisodeOfCare/${id}` })
  })

  test('If-None-Exist: none creates, one answers 200 with it, more are 412, an unknown parameter 400', async () => {
    const body = freshPlan()
    const token = `identifier=${LA_SYSTEM}|${body.identifier?.[0]?.value}`
    const create = (query: string, plan: EpisodeOfCare = body) =>
      server.send({ as: LA, path: 'EpisodeOfCare', body: plan, headers: { 'If-None-Exist': query } })
    const first = await create(token)
    expect(first.status).toBe(201)
    const again = await create(`?${token}`)
    expect([again.status, idOf(again), again.headers.get('etag')]).toEqual([200, idOf(first), 'W/"1"'])
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    await filed()
    expect(codeOf(await create('status=finished', freshPlan()))).toEqual({ status: 412, code: 'MULTIPLE_MATCHES' })
    expect(codeOf(await create('colour=red', freshPlan()))).toEqual({ status: 400, code: 'UNKNOWN_PARAMETER' })
    expect((await create('', freshPlan())).status).toBe(400)
  })

  test.each<[string, TestRequest]>([
    ['POST with a parameter', { path: 'EpisodeOfCare?colour=red', body: {} }],
    ['PUT by id with a parameter', { method: 'PUT', path: 'EpisodeOfCare/x?colour=red', body: {} }],
    [
      'PATCH by id with a parameter',
      { method: 'PATCH', path: 'EpisodeOfCare/x?colour=red', body: [], headers: JSON_PATCH },
    ],
    ['DELETE by id with a parameter', { method: 'DELETE', path: 'EpisodeOfCare/x?colour=red' }],
    ['a check with a parameter', { as: 'ed-nurse', path: 'Patient/$cpis-check?colour=red', body: {} }],
    ['a transaction with a parameter', { path: '?colour=red', body: { resourceType: 'Bundle', type: 'batch' } }],
  ])('%s is 400', async (_name, request) => {
    expect(codeOf(await server.send({ as: LA, ...request }))).toEqual({ status: 400, code: 'UNKNOWN_PARAMETER' })
  })
})

describe('update and delete', () => {
  const put = (id: string, body: unknown, headers: Record<string, string> = {}) =>
    server.send({ as: LA, method: 'PUT', path: `EpisodeOfCare/${id}`, body, headers })

  test('an id in the body that is missing or another is 400', async () => {
    const { id, plan } = await filed()
    const { id: _id, ...without } = plan
    expect(codeOf(await put(id, without))).toEqual({ status: 400, code: 'ID_MISMATCH' })
    expect(codeOf(await put(id, { ...plan, id: 'other' }))).toEqual({ status: 400, code: 'ID_MISMATCH' })
  })

  test('an unknown id and one of another authority are 405, with what is left in Allow; nothing is created', async () => {
    const { id, plan } = await filed()
    const unknown = await put('nothing', { ...plan, id: 'nothing' })
    const foreign = await server.send({
      as: OTHER,
      method: 'PUT',
      path: `EpisodeOfCare/${id}`,
      body: { ...freshPlan(), id },
    })
    for (const answer of [unknown, foreign]) {
      expect(codeOf(answer)).toEqual({ status: 405, code: 'METHOD_NOT_ALLOWED' })
      expect(answer.headers.get('allow')?.split(', ')).toEqual(expect.arrayContaining(['GET', 'HEAD', 'OPTIONS']))
      expect(answer.headers.get('allow')).not.toContain('PUT')
    }
    expect((await get('EpisodeOfCare/nothing')).status).toBe(404)
  })

  test.each([
    ['W/"1"', 200],
    ['"1"', 200],
    ['*', 200],
    ['W/"1", W/"4"', 200],
    ['W/"2"', 412],
    ['W/"2", W/"3"', 412],
    ['one', 400],
  ])('If-Match %s is answered %i, on PUT, PATCH and DELETE', async (value, status) => {
    const { id, plan } = await filed()
    expect((await put(id, plan, { 'If-Match': value })).status).toBe(status)
    const patched = await server.send({
      as: LA,
      method: 'PATCH',
      path: `EpisodeOfCare/${id}`,
      body: [{ op: 'test', path: '/id', value: id }],
      headers: { ...JSON_PATCH, 'If-Match': value },
    })
    expect(patched.status).toBe(status)
    const headers = { 'If-Match': value }
    const deleted = await server.send({ as: LA, method: 'DELETE', path: `EpisodeOfCare/${id}`, headers })
    expect(deleted.status).toBe(status === 200 ? 204 : status)
  })

  test('deleted: 204, again 204, then 410 for reading and updating, the history shows it; the content comes back by a new id', async () => {
    const { id, plan } = await filed()
    const remove = (path: string, as = LA) => server.send({ as, method: 'DELETE', path })
    expect([(await remove(`EpisodeOfCare/${id}`)).status, (await remove(`EpisodeOfCare/${id}`)).status]).toEqual([
      204, 204,
    ])
    expect(codeOf(await get(`EpisodeOfCare/${id}`))).toEqual({ status: 410, code: 'GONE' })
    expect(codeOf(await get(`EpisodeOfCare/${id}/_history/2`))).toEqual({ status: 410, code: 'GONE' })
    expect((await get(`EpisodeOfCare/${id}/_history/1`)).status).toBe(200)
    expect(codeOf(await put(id, plan))).toEqual({ status: 410, code: 'GONE' })
    const history = bundleOf(await get(`EpisodeOfCare/${id}/_history`))
    expect(history.entry?.map((one) => [one.request?.method, one.response?.status, one.resource?.id])).toEqual([
      ['DELETE', '204', undefined],
      ['POST', '201', id],
    ])
    const again = await server.send({ as: LA, path: 'EpisodeOfCare', body: plan })
    expect(again.status).toBe(201)
    expect(idOf(again)).not.toBe(id)
    expect(codeOf(await remove('EpisodeOfCare/nothing'))).toEqual({ status: 404, code: 'NOT_FOUND' })
    expect(codeOf(await remove(`EpisodeOfCare/${id}`, OTHER))).toEqual({ status: 404, code: 'NOT_FOUND' })
  })

  test('conditional delete and update: none, one, more; a condition must say something', async () => {
    const { id, plan } = await filed()
    const path = `EpisodeOfCare?identifier=${LA_SYSTEM}|${plan.identifier?.[0]?.value}`
    const ask = (method: string, address: string, body?: unknown) =>
      server.send({ as: LA, method, path: address, body })
    expect(codeOf(await ask('DELETE', 'EpisodeOfCare'))).toEqual({ status: 400, code: 'MISSING_PARAMETER' })
    expect(codeOf(await ask('PUT', 'EpisodeOfCare', plan))).toEqual({ status: 400, code: 'MISSING_PARAMETER' })
    await filed()
    expect(codeOf(await ask('DELETE', 'EpisodeOfCare?status=finished'))).toEqual({
      status: 412,
      code: 'MULTIPLE_MATCHES',
    })
    expect((await ask('DELETE', 'EpisodeOfCare?identifier=nothing')).status).toBe(204)
    const { id: _id, ...withoutId } = endingOn(plan, '21')
    const updated = await ask('PUT', path, withoutId)
    expect([updated.status, idOf(updated), updated.headers.get('etag')]).toEqual([200, id, 'W/"2"'])
    const fresh = freshPlan()
    const create = `EpisodeOfCare?identifier=${LA_SYSTEM}|${fresh.identifier?.[0]?.value}`
    expect(codeOf(await ask('PUT', create, { ...fresh, id: 'mine' }))).toEqual({
      status: 405,
      code: 'METHOD_NOT_ALLOWED',
    })
    const made = await ask('PUT', create, fresh)
    expect([made.status, made.headers.get('etag')]).toEqual([201, 'W/"1"'])
    expect((await ask('DELETE', path)).status).toBe(204)
    expect((await get(`EpisodeOfCare/${id}`)).status).toBe(410)
  })
})

describe('history', () => {
  test('of one: versions newest first with their requests, in pages, since an instant', async () => {
    const { id, plan } = await filed()
    for (const [at, end] of [
      ['2026-05-03T12:00:00.000Z', '21'],
      ['2026-05-03T13:00:00.000Z', '22'],
    ] as const) {
      server.setNow(at)
      const body = endingOn(plan, end)
      expect((await server.send({ as: LA, method: 'PUT', path: `EpisodeOfCare/${id}`, body })).status).toBe(200)
    }
    const path = `EpisodeOfCare/${id}/_history`
    const all = bundleOf(await get(path))
    expect(all.entry?.map((one) => one.response?.etag)).toEqual(['W/"3"', 'W/"2"', 'W/"1"'])
    expect(all.entry?.map((one) => one.request)).toEqual([
      { method: 'PUT', url: `EpisodeOfCare/${id}` },
      { method: 'PUT', url: `EpisodeOfCare/${id}` },
      { method: 'POST', url: 'EpisodeOfCare' },
    ])
    expect(new Set(all.entry?.map((one) => one.fullUrl))).toEqual(new Set([`${server.base}/EpisodeOfCare/${id}`]))
    const seen: (string | undefined)[] = []
    for (let next: string | undefined = `${server.base}/${path}?_count=1`; next !== undefined; ) {
      const page: Bundle = bundleOf(await get(next.slice(server.base.length + 1)))
      seen.push(...(page.entry ?? []).map((one) => one.response?.etag))
      next = linkOf(page, 'next')
    }
    expect(seen).toEqual(['W/"3"', 'W/"2"', 'W/"1"'])
    const since = bundleOf(await get(`${path}?_since=2026-05-03T12:00:00.000Z`))
    expect(since.entry?.map((one) => one.response?.etag)).toEqual(['W/"3"', 'W/"2"'])
    expect(selfOf(since)).toContain('_since=2026-05-03T12%3A00%3A00.000Z')
  })

  test.each(['yesterday', '5', '2026-13-01', ''])('_since=%s is 400', async (since) => {
    expect(codeOf(await get(`EpisodeOfCare/_history?_since=${since}`))).toEqual({
      status: 400,
      code: 'INVALID_PARAMETER',
    })
  })
})

describe('methods', () => {
  test('HEAD has the headers of GET on every kind of GET, and no body', async () => {
    const { id } = await filed()
    const paths = [
      `EpisodeOfCare/${id}`,
      `EpisodeOfCare/${id}/_history/1`,
      `EpisodeOfCare/${id}/_history`,
      'EpisodeOfCare/_history',
      'EpisodeOfCare?status=finished',
      'Organization/E10000007',
      'StructureDefinition/cpis-plan',
      'metadata',
      'EpisodeOfCare/nothing',
    ]
    const kept = ['etag', 'last-modified', 'content-type']
    for (const path of paths) {
      const [whole, head] = [await get(path), await server.send({ as: LA, method: 'HEAD', path })]
      const values = (answer: TestAnswer) => kept.map((name) => answer.headers.get(name))
      expect([path, head.status, head.text, values(head)]).toEqual([path, whole.status, '', values(whole)])
    }
  })

  test.each([
    ['PATCH', 'Organization/E10000007', ['GET', 'PUT', 'HEAD', 'OPTIONS']],
    ['POST', 'EpisodeOfCare/x', ['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS']],
    ['DELETE', 'metadata', ['GET', 'HEAD', 'OPTIONS']],
    ['GET', 'Patient/$cpis-check', ['POST', 'OPTIONS']],
    ['GET', 'EpisodeOfCare/_search', ['POST', 'OPTIONS']],
    ['DELETE', 'AuditEvent/x', ['GET', 'HEAD', 'OPTIONS']],
    ['POST', 'AuditEvent', ['GET', 'HEAD', 'OPTIONS']],
    ['PUT', 'StructureDefinition/cpis-plan', ['GET', 'HEAD', 'OPTIONS']],
    ['GET', '', ['POST', 'OPTIONS']],
  ])('%s %s is 405, and Allow says what is offered', async (method, path, allowed) => {
    const answer = await server.send({ as: LA, method, path })
    expect(codeOf(answer)).toEqual({ status: 405, code: 'METHOD_NOT_ALLOWED' })
    expect(answer.headers.get('allow')?.split(', ').sort()).toEqual([...allowed].sort())
    const options = await server.send({ as: LA, method: 'OPTIONS', path })
    expect([options.status, options.headers.get('allow')]).toEqual([204, answer.headers.get('allow')])
  })

  test('a slash at the end is left aside', async () => {
    const empty = { resourceType: 'Bundle', type: 'transaction' }
    expect((await server.send({ as: LA, path: '/', body: empty })).status).toBe(200)
    expect((await get('EpisodeOfCare/')).status).toBe(200)
  })
})

describe('formats', () => {
  const XML = 'application/fhir+xml'
  test.each([
    ['_format=json', { Accept: XML }, 200],
    ['_format=application/fhir%2Bjson', { Accept: XML }, 200],
    ['_format=application/fhir+json', { Accept: XML }, 200],
    ['_format=text/json', { Accept: XML }, 200],
    ['_format=xml', { Accept: 'application/fhir+json' }, 406],
    ['_format=application/fhir%2Bxml', {}, 406],
    ['_format=application/fhir%2Bjson;fhirVersion=4.0', {}, 200],
    ['_format=application/fhir%2Bjson;fhirVersion=5.0', {}, 406],
    ['_pretty=false', { Accept: XML }, 406],
    ['_pretty=false', { Accept: 'application/fhir+json; fhirVersion=5.0' }, 406],
    ['_pretty=false', { Accept: 'application/fhir+json; fhirVersion=4.0; charset=UTF-8' }, 200],
    ['_pretty=false', { Accept: 'application/fhir+json, */*; q=0.1' }, 200],
    ['_pretty=false', { Accept: 'application/fhir+xml;q=1.0, application/fhir+json;q=1.0' }, 200],
    ['_pretty=perhaps', {}, 400],
  ])('?%s with %j is answered %i', async (query, headers, status) => {
    const answer = await get(`metadata?${query}`, headers)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8')
    if (status !== 200) expect(issuesOf(answer)).toHaveLength(1)
  })

  test.each([
    ['application/fhir+json', 201],
    ['application/json', 201],
    ['text/json; charset=utf-8', 201],
    ['application/fhir+json; fhirVersion=4.0', 201],
    ['application/fhir+json; fhirVersion=5.0', 415],
    ['application/fhir+xml', 415],
    ['text/plain', 415],
  ])('a body of %s is answered %i', async (type, status) => {
    const answer = await server.send({
      as: LA,
      path: 'EpisodeOfCare',
      body: freshPlan(),
      headers: { 'Content-Type': type },
    })
    expect(answer.status).toBe(status)
    if (status === 415) expect(issuesOf(answer)[0]?.code).toBe('UNSUPPORTED_MEDIA')
  })

  test('_format and _pretty hold for a _search form too, and for writes', async () => {
    expect((await find('EpisodeOfCare', { _format: 'xml' })).status).toBe(406)
    expect((await find('EpisodeOfCare', { _pretty: 'true' })).text).toContain('\n  "')
    const written = await server.send({ as: LA, path: 'EpisodeOfCare?_format=json&_pretty=true', body: freshPlan() })
    expect([written.status, written.text.includes('\n  "')]).toEqual([201, true])
  })
})

describe('search', () => {
  test.each([
    [
      'EpisodeOfCare',
      ['identifier', 'patient', 'nhs-number', 'status', 'type', 'date', 'organization'],
      ['nhs-number'],
    ],
    ['Flag', ['identifier', 'patient', 'subject', 'date', 'author', 'detail', 'status'], ['identifier']],
    ['Patient', ['identifier', 'birthdate'], []],
    ['Organization', ['identifier', 'name', 'type'], []],
    ['Subscription', ['status', 'url', 'criteria'], []],
  ])('%s: :missing on every parameter splits all rows in two', async (type, names) => {
    await filed()
    const all = bundleOf(await find(type, { _count: '0' })).total
    for (const name of [...names, '_id', '_lastUpdated']) {
      const totals: (number | undefined)[] = []
      for (const missing of ['true', 'false']) {
        const answer = await find(type, { [`${name}:missing`]: missing, _count: '0' })
        totals.push(bundleOf(answer).total)
      }
      expect([name, (totals[0] ?? -1) + (totals[1] ?? -1)]).toEqual([name, all])
      expect(codeOf(await find(type, { [`${name}:missing`]: 'perhaps' }))).toEqual({
        status: 400,
        code: 'INVALID_PARAMETER',
      })
    }
  })

  test('identifier:missing finds the Flags that the server keeps, which have none', async () => {
    await filed()
    const flags = bundleOf(await find('Flag', { 'identifier:missing': 'true' }))
    expect(flags.entry?.length).toBeGreaterThan(0)
    const named = await server.send({
      as: LA,
      path: 'Patient',
      body: { resourceType: 'Patient', name: [{ family: 'X' }], birthDate: '2011-01-01' },
    })
    expect(named.status).toBe(201)
    const without = bundleOf(await find('Patient', { 'identifier:missing': 'true' }))
    expect(idsOf(without)).toEqual([idOf(named)])
  })

  test.each([
    ['a system that is meant', { status: 'http://hl7.org/fhir/episode-of-care-status|finished' }, true],
    ['another system', { status: 'http://other.example|finished' }, false],
    ['no system', { status: '|finished' }, false],
    ['a code that nothing has', { status: 'waitlist' }, false],
    ['the system alone of an identifier', { identifier: `${LA_SYSTEM}|` }, true],
    [
      'organization by GSS',
      { 'organization:identifier': 'http://statistics.data.gov.uk/id/statistical-geography|E10000007' },
      true,
    ],
    [
      'organization by GSS under another system',
      { 'organization:identifier': 'http://other.example|E10000007' },
      false,
    ],
    [
      'a repeated parameter is an and',
      [
        ['status', 'finished'],
        ['status', 'active'],
      ],
      false,
    ],
  ] as const)('%s', async (_name, form, isFound) => {
    await filed()
    expect((bundleOf(await find('EpisodeOfCare', form)).entry?.length ?? 0) > 0).toBe(isFound)
  })

  test('Organization by type, with and without its system', async () => {
    const system = 'https://cpis.example/fhir/CodeSystem/cpis-organization-type'
    const totals = []
    for (const type of ['authority', `${system}|authority`, 'http://other.example|authority']) {
      totals.push(bundleOf(await find('Organization', { type, _count: '0' })).total)
    }
    expect(totals).toEqual([153, 153, 0])
  })

  test('POST _search equals GET, links included', async () => {
    await filed()
    const query = { status: 'finished', _sort: '-date', _count: '1', _total: 'accurate' }
    const [byGet, byPost] = [
      await get(`EpisodeOfCare?${new URLSearchParams(query)}`),
      await find('EpisodeOfCare', query),
    ]
    const plain = (answer: TestAnswer) => answer.text.replace(/_cursor=[^"]*/g, '_cursor=')
    expect(plain(byPost)).toBe(plain(byGet))
  })

  test('_summary: true, text, data, count and false', async () => {
    const { id } = await filed()
    const summary = async (_summary: string) => bundleOf(await find('EpisodeOfCare', { _id: id, _summary }))
    const keys = async (kind: string) => Object.keys((await summary(kind)).entry?.[0]?.resource ?? {}).sort()
    expect(await keys('true')).toEqual(
      ['id', 'managingOrganization', 'meta', 'patient', 'period', 'resourceType', 'status', 'type'].sort(),
    )
    expect(await keys('text')).toEqual(['id', 'meta', 'patient', 'resourceType', 'status'])
    expect(await keys('data')).toEqual(await keys('false'))
    expect([(await summary('count')).total, (await summary('count')).entry]).toEqual([1, undefined])
    expect(
      codeOf(
        await find('EpisodeOfCare', [
          ['_summary', 'text'],
          ['_include', 'EpisodeOfCare:patient'],
        ]),
      ),
    ).toEqual({
      status: 400,
      code: 'INVALID_PARAMETER',
    })
  })

  test('_total: none by default, accurate on request, for _summary=count and _count=0', async () => {
    const total = async (form: Record<string, string>) => bundleOf(await find('EpisodeOfCare', form)).total
    expect(await total({})).toBeUndefined()
    expect(await total({ _total: 'none' })).toBeUndefined()
    const all = await total({ _total: 'accurate' })
    expect([
      await total({ _total: 'estimate' }),
      await total({ _summary: 'count' }),
      await total({ _count: '0' }),
    ]).toEqual([all, all, all])
    expect((await find('EpisodeOfCare', { _total: 'exact' })).status).toBe(400)
  })

  test('_include and _revinclude with a target type, each row once; another target is 400', async () => {
    const body = freshPlan({ patient: `Patient/${child}` })
    const { nhsNumber: _none, ...patient } = { ...body.patient, nhsNumber: undefined }
    const made = await server.send({
      as: LA,
      path: 'EpisodeOfCare',
      body: { ...body, patient: { reference: patient.reference } },
    })
    const found = bundleOf(
      await find('EpisodeOfCare', [
        ['_id', idOf(made)],
        ['_include', 'EpisodeOfCare:patient:Patient'],
        ['_include', 'EpisodeOfCare:patient'],
        ['_include', 'EpisodeOfCare:organization'],
        ['_revinclude', 'Flag:detail:EpisodeOfCare'],
      ]),
    )
    expect(found.entry?.map((one) => `${one.resource?.resourceType} ${one.search?.mode}`)).toEqual([
      'EpisodeOfCare match',
      'Patient include',
      'Organization include',
      'Flag include',
    ])
    for (const value of ['EpisodeOfCare:patient:Group', 'EpisodeOfCare:team', '*']) {
      expect((await find('EpisodeOfCare', { _include: value })).status).toBe(400)
    }
    expect((await find('EpisodeOfCare', { '_include:iterate': 'EpisodeOfCare:patient' })).status).toBe(400)
    const flags = bundleOf(
      await find('Flag', [
        ['detail', idOf(made)],
        ['_include', 'Flag:subject'],
        ['_include', 'Flag:author'],
      ]),
    )
    expect(flags.entry?.map((one) => one.resource?.resourceType)).toEqual(['Flag', 'Patient', 'Organization'])
  })

  test.each([
    ['_has', { '_has:Flag:detail:status': 'active' }],
    ['a chain', { 'patient.name': 'x' }],
    ['_filter', { _filter: 'status eq active' }],
    ['_content', { _content: 'x' }],
    ['_query', { _query: 'x' }],
    [':exact', { 'identifier:exact': 'x' }],
    [':in', { 'type:in': 'http://other.example' }],
    [':not on a date', { 'date:not': '2026' }],
  ])('%s is 400', async (_name, form) => {
    expect(codeOf(await find('EpisodeOfCare', form))).toEqual({ status: 400, code: 'UNKNOWN_PARAMETER' })
  })

  test('the self link shows what was used, and no number of a child', async () => {
    const form = {
      'patient:identifier': `${NHS}|9995425793`,
      'type:not': '764841000000100',
      _sort: '-date',
      _count: '2',
    }
    const self = new URL(selfOf(bundleOf(await find('EpisodeOfCare', form))))
    expect([...self.searchParams]).toEqual([
      ['type:not', '764841000000100'],
      ['_sort', '-date'],
      ['_count', '2'],
    ])
    expect(`${self.origin}${self.pathname}`).toBe(`${server.base}/EpisodeOfCare`)
  })

  test('a page link takes another _count and nothing else; changed or foreign it is 400', async () => {
    for (let more = 0; more < 3; more += 1) await filed()
    const first = bundleOf(await find('EpisodeOfCare', { _count: '1', status: 'finished' }))
    const next = linkOf(first, 'next')?.slice(server.base.length + 1) ?? ''
    expect(bundleOf(await get(next)).entry).toHaveLength(1)
    expect(bundleOf(await get(`${next}&_count=2`)).entry).toHaveLength(2)
    expect(bundleOf(await get(`${next}&_format=json`)).entry).toHaveLength(1)
    expect(codeOf(await get(`${next}&status=active`))).toEqual({ status: 400, code: 'UNKNOWN_PARAMETER' })
    const at = next.length - 10
    const changed = `${next.slice(0, at)}${next.charAt(at) === 'A' ? 'B' : 'A'}${next.slice(at + 1)}`
    expect(codeOf(await get(changed))).toEqual({ status: 400, code: 'INVALID_PARAMETER' })
    expect(codeOf(await get(next, {}, OTHER))).toEqual({ status: 400, code: 'INVALID_PARAMETER' })
    expect(codeOf(await get(next.replace('EpisodeOfCare', 'Flag')))).toEqual({ status: 400, code: 'INVALID_PARAMETER' })
  })
})

describe('the audit and the definitions take the same result parameters', () => {
  test('AuditEvent: _elements, _summary, _total, _count; newest first', async () => {
    await filed()
    const cut = bundleOf(await find('AuditEvent', { _elements: 'outcome', _count: '2', _total: 'accurate' }))
    expect([cut.entry?.length, (cut.total ?? 0) >= 2]).toEqual([2, true])
    expect(Object.keys(cut.entry?.[0]?.resource ?? {}).sort()).toEqual(
      ['agent', 'id', 'meta', 'outcome', 'recorded', 'resourceType', 'source', 'type'].sort(),
    )
    expect((await find('AuditEvent', { _summary: 'true' })).status).toBe(200)
    const one = cut.entry?.[0]?.resource?.id
    expect(resourceOf(await get(`AuditEvent/${one}?_summary=true`), 'AuditEvent').meta?.tag).toHaveLength(1)
    expect((await find('AuditEvent', { _sort: 'date' })).status).toBe(400)
  })

  test.each([
    'SearchParameter',
    'StructureDefinition',
    'ValueSet',
    'CodeSystem',
    'OperationDefinition',
    'CapabilityStatement',
    'Basic',
  ])('every %s is found by id and by url, and in its search', async (type) => {
    const all = bundleOf(await get(`${type}?_count=500`, {}))
    expect(all.entry?.length).toBe(all.total)
    expect(all.total).toBeGreaterThan(0)
    for (const { resource } of all.entry ?? []) {
      expect((await get(`${type}/${resource?.id}`)).json).toEqual(resource)
      if (resource === undefined || !('url' in resource)) continue
      const found = bundleOf(await find(type, { url: resource.url ?? '' }))
      expect(idsOf(found)).toEqual([resource.id])
    }
  })

  test('definitions: _sort, _summary, _elements, _lastUpdated, _total', async () => {
    const search = async (query: string) => bundleOf(await get(`ValueSet?${query}`))
    const forward = idsOf(await search('_sort=_id&_count=500'))
    expect(idsOf(await search('_sort=-_id&_count=500'))).toEqual(forward.toReversed())
    const [entry] = (await search('_summary=true&_count=1')).entry ?? []
    expect(entry?.resource).not.toHaveProperty('compose')
    const counted = await search('_summary=count')
    expect([counted.total, counted.entry]).toEqual([forward.length, undefined])
    expect(idsOf(await search('_lastUpdated=gt2020'))).toEqual([])
    const [cut] = (await search('_elements=compose&_count=1')).entry ?? []
    expect(Object.keys(cut?.resource ?? {}).sort()).toEqual(['compose', 'id', 'meta', 'resourceType', 'status'])
    expect((await get('ValueSet?_sort=date')).status).toBe(400)
    expect((await get('ValueSet?_lastUpdated=soon')).status).toBe(400)
  })

  test('metadata: full and normative, terminology refused', async () => {
    expect(
      resourceOf(await get('metadata?mode=full'), 'CapabilityStatement').rest?.[0]?.resource?.length,
    ).toBeGreaterThan(10)
    expect((await get('metadata?mode=normative')).status).toBe(200)
    expect((await get('metadata?mode=terminology')).status).toBe(400)
  })
})
