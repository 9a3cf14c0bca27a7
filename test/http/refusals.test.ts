/** What the door refuses before any story runs: status, code, nothing stored, and its audit record. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AuditRecord } from '../../src/domain/audit-record.ts'
import { issuesOf, startTestServer, type TestRequest, type TestServer } from '../support/server.ts'

const NUMBER = '9995973952'
const LA = 'la-E10000007'
const PLAN = { resourceType: 'EpisodeOfCare', status: 'active' }

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

/** The audit record of the request with this X-Request-ID. */
async function auditOf(requestId: string): Promise<readonly AuditRecord[]> {
  const all = await server.context.store.read.audits({ from: '2026-01-01T00:00:00.000Z', limit: 500 })
  return all.filter((one) => one.requestId === requestId)
}

async function refused(
  request: TestRequest,
): Promise<{ status: number; code: string | undefined; audits: readonly AuditRecord[] }> {
  const requestId = randomUUID()
  const answer = await server.send({ ...request, headers: { 'X-Request-ID': requestId, ...request.headers } })
  expect(answer.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8')
  expect(answer.headers.get('x-request-id')).toBe(requestId)
  return { status: answer.status, code: issuesOf(answer)[0]?.code, audits: await auditOf(requestId) }
}

describe('refused, and audited with the caller', () => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
  const cases: readonly (readonly [string, TestRequest, number, string, string])[] = [
    ['an unknown path', { as: LA, path: 'Nothing/x' }, 404, 'NOT_FOUND', 'unknown'],
    ['an unknown operation', { as: LA, path: 'Patient/$nothing', body: {} }, 404, 'NOT_FOUND', 'unknown'],
    [
      'GET on the check',
      { as: 'ed-nurse', path: 'Patient/$cpis-check' },
      405,
      'METHOD_NOT_ALLOWED',
      'Patient/$cpis-check',
    ],
    ['POST on a plan', { as: LA, path: 'EpisodeOfCare/x', body: {} }, 405, 'METHOD_NOT_ALLOWED', 'EpisodeOfCare/[id]'],
    ['a write to the audit', { as: LA, path: 'AuditEvent', body: {} }, 405, 'METHOD_NOT_ALLOWED', 'AuditEvent'],
    [
      'XML wanted',
      { as: LA, path: 'EpisodeOfCare', headers: { Accept: 'application/fhir+xml' } },
      406,
      'NOT_ACCEPTABLE',
      'EpisodeOfCare',
    ],
    ['_format=xml', { as: LA, path: 'EpisodeOfCare?_format=xml' }, 406, 'NOT_ACCEPTABLE', 'EpisodeOfCare'],
    [
      '_format=xml in a form',
      { as: LA, path: 'EpisodeOfCare/_search', form: { _format: 'xml' } },
      406,
      'NOT_ACCEPTABLE',
      'EpisodeOfCare/_search',
    ],
    [
      'XML sent',
      { as: LA, path: 'EpisodeOfCare', body: '<EpisodeOfCare/>', headers: { 'Content-Type': 'application/fhir+xml' } },
      415,
      'UNSUPPORTED_MEDIA',
      'EpisodeOfCare',
    ],
    [
      'a form where a resource belongs',
      { as: LA, path: 'EpisodeOfCare', form: { a: 'b' } },
      415,
      'UNSUPPORTED_MEDIA',
      'EpisodeOfCare',
    ],
    [
      'JSON where a form belongs',
      { as: LA, path: 'EpisodeOfCare/_search', body: {} },
      415,
      'UNSUPPORTED_MEDIA',
      'EpisodeOfCare/_search',
    ],
    [
      'a compressed body',
      { as: LA, path: 'EpisodeOfCare', body: 'x', headers: { 'Content-Encoding': 'gzip' } },
      415,
      'UNSUPPORTED_MEDIA',
      'EpisodeOfCare',
    ],
    ['no body', { as: LA, method: 'POST', path: 'EpisodeOfCare' }, 400, 'INVALID_JSON', 'EpisodeOfCare'],
    [
      'malformed JSON',
      { as: LA, path: 'EpisodeOfCare', body: '{"resourceType":' },
      400,
      'INVALID_JSON',
      'EpisodeOfCare',
    ],
    ['an array', { as: LA, path: 'EpisodeOfCare', body: '[]' }, 400, 'INVALID_JSON', 'EpisodeOfCare'],
    [
      'duplicate keys',
      { as: LA, path: 'EpisodeOfCare', body: '{"id":"a","id":"b"}' },
      400,
      'INVALID_JSON',
      'EpisodeOfCare',
    ],
    ['__proto__', { as: LA, path: 'EpisodeOfCare', body: '{"__proto__":{}}' }, 400, 'INVALID_JSON', 'EpisodeOfCare'],
    [
      'an operator',
      { as: LA, path: 'EpisodeOfCare', body: '{"id":{"$ne":""}}' },
      400,
      'UNKNOWN_ELEMENT',
      'EpisodeOfCare',
    ],
    ['200,000 nested arrays', { as: LA, path: 'EpisodeOfCare', body: deep }, 400, 'TOO_DEEP', 'EpisodeOfCare'],
    [
      'a resource over 1 MB',
      { as: LA, path: 'EpisodeOfCare', body: `{"x":"${'y'.repeat(1_100_000)}"}` },
      413,
      'TOO_LARGE',
      'EpisodeOfCare',
    ],
    ['a Bundle of 11 MB', { as: LA, path: '', body: `{"x":"${'y'.repeat(11_000_000)}"}` }, 413, 'TOO_LARGE', '[base]'],
    [
      'a form over 64 kB',
      { as: LA, path: 'EpisodeOfCare/_search', form: { identifier: 'x'.repeat(70_000) } },
      413,
      'TOO_LARGE',
      'EpisodeOfCare/_search',
    ],
    ['_pretty=maybe', { as: LA, path: 'EpisodeOfCare?_pretty=maybe' }, 400, 'INVALID_PARAMETER', 'EpisodeOfCare'],
    [
      'a malformed address',
      { as: LA, path: 'EpisodeOfCare?identifier=%zz' },
      400,
      'INVALID_PARAMETER',
      'EpisodeOfCare',
    ],
    ['a number in the query', { as: LA, path: `Patient?identifier=${NUMBER}` }, 400, 'NHS_NUMBER_IN_URL', 'Patient'],
    ['a number in the path', { as: LA, path: `Patient/${NUMBER}` }, 400, 'NHS_NUMBER_IN_URL', 'Patient/[id]'],
  ]
  test.each(cases)('%s', async (_what, request, status, code, route) => {
    const answer = await refused(request)
    expect([answer.status, answer.code]).toEqual([status, code])
    expect(answer.audits).toHaveLength(1)
    const [record] = answer.audits
    expect([record?.status, record?.codes, record?.route]).toEqual([status, [code], route])
    expect(record?.caller.clientId).not.toBe('')
    expect(JSON.stringify(record)).not.toContain(NUMBER)
  })
})

describe('without a good token: 401 with Bearer, whatever was asked, and the body is not looked at', () => {
  test.each([
    ['no token', {}],
    ['an empty token', { Authorization: 'Bearer ' }],
    ['another scheme', { Authorization: 'Basic YTpi' }],
    ['a word', { Authorization: 'Bearer nonsense' }],
  ])('%s', async (_what, headers) => {
    for (const request of [
      { path: 'EpisodeOfCare/x' },
      { path: 'Nothing' },
      { path: 'Patient/$cpis-check' },
      { method: 'DELETE', path: 'EpisodeOfCare/x' },
      { path: 'EpisodeOfCare', body: 'neither JSON nor small'.repeat(100_000) },
    ]) {
      const requestId = randomUUID()
      const answer = await server.send({ ...request, headers: { ...headers, 'X-Request-ID': requestId } })
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      expect(issuesOf(answer)).toEqual([{ code: 'UNAUTHENTICATED', at: undefined, severity: 'error' }])
      const [record] = await auditOf(requestId)
      expect([record?.caller.kind, record?.caller.clientId, record?.codes]).toEqual(['nobody', '', ['UNAUTHENTICATED']])
    }
  })

  test('a number in the address is refused first, and audited without a caller', async () => {
    const answer = await refused({ path: `Patient?identifier=${NUMBER}` })
    expect([answer.status, answer.code, answer.audits[0]?.caller.kind]).toEqual([400, 'NHS_NUMBER_IN_URL', 'nobody'])
  })
})

describe('request ids', () => {
  test.each([
    ['X-Request-ID', 'not-a-uuid'],
    ['X-Request-ID', ''],
    ['X-Request-ID', `${NUMBER}`],
    ['X-Correlation-ID', 'x'.repeat(1000)],
  ])('%s: %s is refused and not echoed', async (name, value) => {
    const answer = await server.send({ as: LA, path: 'EpisodeOfCare', headers: { [name]: value } })
    expect([answer.status, issuesOf(answer)[0]?.code]).toEqual([400, 'INVALID_REQUEST_ID'])
    const made = answer.headers.get('x-request-id') ?? ''
    expect(made).toMatch(/^[0-9a-f-]{36}$/)
    expect(answer.headers.get('x-correlation-id')).toBeNull()
    expect(await auditOf(made)).toHaveLength(1)
  })

  test('the check needs one of the caller’s own', async () => {
    const answer = await server.send({
      as: 'ed-nurse',
      path: 'Patient/$cpis-check',
      body: { resourceType: 'Parameters' },
    })
    expect([answer.status, issuesOf(answer).map((one) => one.code)]).toEqual([
      400,
      expect.arrayContaining(['MISSING_REQUEST_ID']),
    ])
  })

  test('both are mirrored; a request id is made when there is none', async () => {
    const ids = { 'X-Request-ID': randomUUID().toUpperCase(), 'X-Correlation-ID': randomUUID() }
    const answer = await server.send({ path: 'metadata', headers: ids })
    expect(answer.headers.get('x-request-id')).toBe(ids['X-Request-ID'])
    expect(answer.headers.get('x-correlation-id')).toBe(ids['X-Correlation-ID'])
    const other = await server.send({ path: 'metadata' })
    expect(other.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(other.headers.get('x-correlation-id')).toBeNull()
  })
})

describe('not audited', () => {
  test.each([
    ['metadata', { path: 'metadata' }, 200],
    ['metadata in XML', { path: 'metadata', headers: { Accept: 'application/fhir+xml' } }, 406],
    ['a definition', { path: 'CodeSystem/cpis-error' }, 200],
    ['an unknown definition', { path: 'CodeSystem/nothing' }, 404],
    ['a write to a definition', { path: 'CodeSystem', body: PLAN }, 405],
  ])('%s', async (_what, request, status) => {
    const requestId = randomUUID()
    const answer = await server.send({
      ...request,
      headers: { ...('headers' in request ? request.headers : {}), 'X-Request-ID': requestId },
    })
    expect(answer.status).toBe(status)
    expect(await auditOf(requestId)).toEqual([])
  })

  test('an address outside the FHIR base is 404, never HTML', async () => {
    const response = await fetch(`${server.url}/index.html`)
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8')
    expect(await response.json()).toMatchObject({ resourceType: 'OperationOutcome' })
  })
})
