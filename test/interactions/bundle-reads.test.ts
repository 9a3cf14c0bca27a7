/** Reads and searches inside Bundles, and Bundle identifiers of batches (R4 http.html#transaction; R15, R16). */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Bundle, OperationOutcome } from '@medplum/fhirtypes'
import { LA_SYSTEM, NHS, planOf, transactionOf } from '../support/plans.ts'
import { bundleOf, codesOf, issuesOf, startTestServer, type TestServer } from '../support/server.ts'

const LA = 'la-E10000007'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const post = (body: object, as = LA) => server.send({ as, body })
const get = (url: string, more: object = {}) => ({ url, method: 'GET', more })
const batchOf = (entries: Parameters<typeof transactionOf>[0], more: object = {}) =>
  transactionOf(entries, { type: 'batch', ...more })
const statuses = (bundle: Bundle) => bundle.entry?.map((one) => one.response?.status)

describe('a transaction', () => {
  test('answers reads and searches after its writes, in the order of the entries', async () => {
    const answer = await post(
      transactionOf([
        get(`EpisodeOfCare?identifier=${LA_SYSTEM}|read-me`),
        { url: 'EpisodeOfCare', resource: planOf({ identifier: 'read-me', nhsNumber: '9998450055' }) },
        get(`EpisodeOfCare?patient:identifier=${NHS}|9998450055&_summary=count`),
      ]),
    )
    expect(answer.status).toBe(200)
    const bundle = bundleOf(answer)
    expect(statuses(bundle)).toEqual(['200 OK', '201 Created', '200 OK'])
    expect((bundle.entry?.[0]?.resource as Bundle | undefined)?.entry).toHaveLength(1)
    expect((bundle.entry?.[2]?.resource as Bundle | undefined)?.total).toBe(1)
  })

  test('takes addresses that begin with a slash for what they mean', async () => {
    const answer = await post(
      transactionOf([
        { url: '/EpisodeOfCare', resource: planOf({ identifier: 'slash', nhsNumber: '9990481016' }) },
        get(`/EpisodeOfCare?identifier=${LA_SYSTEM}|slash`),
      ]),
    )
    expect(statuses(bundleOf(answer))).toEqual(['201 Created', '200 OK'])
    expect(issuesOf(await post(transactionOf([get('//EpisodeOfCare')])))[0]?.code).toBe('INVALID_BUNDLE')
  })

  test('fails as a whole when something to read is not there', async () => {
    const answer = await post(
      transactionOf([
        { url: 'EpisodeOfCare', resource: planOf({ identifier: 'not-stored', nhsNumber: '9995425793' }) },
        get(`EpisodeOfCare/${randomUUID()}`),
      ]),
    )
    expect(issuesOf(answer)).toEqual([
      expect.objectContaining({ code: 'NOT_FOUND', at: 'Bundle.entry[1].request.url' }),
    ])
    const found = await server.send({ as: LA, path: 'EpisodeOfCare/_search', form: { identifier: 'not-stored' } })
    expect(bundleOf(found).entry ?? []).toEqual([])
  })

  test.each([
    ['a PATCH', { method: 'PATCH', url: 'EpisodeOfCare/x' }, 'INVALID_BUNDLE'],
    ['a type that is not held', get('Observation'), 'INVALID_BUNDLE'],
    ['a wrong search parameter', get('EpisodeOfCare?colour=red'), 'UNKNOWN_PARAMETER'],
  ])('%s is refused with its place', async (_name, entry, code) => {
    const answer = await post(transactionOf([entry]))
    expect({ status: answer.status, code: issuesOf(answer)[0]?.code }).toEqual({ status: 400, code })
    expect(issuesOf(answer)[0]?.at).toMatch(/^Bundle\.entry\[0\]/)
  })

  test('with a read is not answered from memory: what is read may be other the next time', async () => {
    const bundle = transactionOf([get(`EpisodeOfCare?identifier=${LA_SYSTEM}|later`)], {
      identifier: { system: LA_SYSTEM, value: 'reads' },
    })
    const before = bundleOf(await post(bundle))
    await server.send({ as: LA, path: 'EpisodeOfCare', body: planOf({ identifier: 'later', nhsNumber: '9992965525' }) })
    const after = bundleOf(await post(bundle))
    expect([before, after].map((one) => (one.entry?.[0]?.resource as Bundle | undefined)?.entry?.length ?? 0)).toEqual([
      0, 1,
    ])
  })
})

describe('a batch', () => {
  test('answers each entry alone, reads included', async () => {
    const bundle = bundleOf(
      await post(
        batchOf([
          { url: 'EpisodeOfCare', resource: planOf({ identifier: 'alone', nhsNumber: '9993529427' }) },
          get(`EpisodeOfCare?identifier=${LA_SYSTEM}|alone`),
          get(`EpisodeOfCare/${randomUUID()}`),
          get('AuditEvent?_count=1'),
        ]),
      ),
    )
    expect(statuses(bundle)).toEqual(['201 Created', '200 OK', '404 Not Found', '200 OK'])
    const outcome = bundle.entry?.[2]?.response?.outcome as OperationOutcome
    expect(codesOf(outcome)).toEqual([
      expect.objectContaining({ code: 'NOT_FOUND', at: 'Bundle.entry[2].request.url' }),
    ])
  })

  test('R15 a Bundle identifier: the same content answers as before, other content is refused', async () => {
    const identifier = { system: LA_SYSTEM, value: 'nightly-1' }
    const bundle = batchOf(
      [{ url: 'EpisodeOfCare', resource: planOf({ identifier: 'kept', nhsNumber: '9999508960' }) }],
      { identifier },
    )
    const first = await post(bundle)
    expect((await post(bundle)).json).toEqual(first.json)
    const other = await post(batchOf([], { identifier }))
    expect({ status: other.status, code: issuesOf(other)[0]?.code }).toEqual({ status: 409, code: 'BUNDLE_ID_REUSED' })
  })

  test('R15 R16 a Bundle refused in part is carried out anew, for what was wrong may be right by then', async () => {
    const identifier = { system: LA_SYSTEM, value: 'nightly-2' }
    const [a, b] = ['2026-01-01', '2026-02-01'].map((start) =>
      planOf({ identifier: `over-${start}`, nhsNumber: '9994944614', start }),
    )
    const bundle = batchOf([{ url: 'EpisodeOfCare', resource: b ?? {} }], { identifier })
    const made = await server.send({ as: LA, path: 'EpisodeOfCare', body: a })
    expect(statuses(bundleOf(await post(bundle)))).toEqual(['409 Conflict'])
    const id = made.headers.get('location')?.split('/').at(-3)
    await server.send({ as: LA, method: 'DELETE', path: `EpisodeOfCare/${id}` })
    expect(statuses(bundleOf(await post(bundle)))).toEqual(['201 Created'])
  })
})
