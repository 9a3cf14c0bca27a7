/** Dates of searches at their edges (R4 search.html#date): each is answered rightly or refused with 400, never by a fault; and the bound on what the searches of one Bundle bring. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { planOf, transactionOf } from '../support/plans.ts'
import { bundleOf, issuesOf, startTestServer, type TestServer } from '../support/server.ts'

const LA = 'la-E10000007'
let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { CPIS_MODE: 'sandbox' } })
  const body = planOf({ identifier: 'dated', nhsNumber: '9998450055', start: '2026-02-01' })
  expect((await server.send({ as: LA, path: 'EpisodeOfCare', body })).status).toBe(201)
})
afterAll(() => server.close())

const OWN = 'identifier=dated'
/** date of the plan: from 2026-02-01, without an end. 1: it is found, 0: it is not, 400: refused. */
const PLAN_DATES: readonly (readonly [string, 0 | 1 | 400])[] = [
  ['le9999-12-31', 1],
  ['lt9999-12-31', 1],
  ['ge9999-12-31', 1],
  ['gt9999-12-31', 1],
  ['sa9999-12-31', 0],
  ['eb9999-12-31', 0],
  ['eq9999-12-31', 0],
  ['ne9999-12-31', 1],
  ['ap9999-12-31', 1],
  ['9999-12-31', 0],
  ['9999-12', 0],
  ['9999', 0],
  ['le9999', 1],
  ['gt9999', 1],
  ['ge0001-01-01', 1],
  ['le0001-01-01', 0],
  ['gt0001', 1],
  ['ge0001', 1],
  ['0001', 0],
  ['ge2026-02-01', 1],
  ['le2026-02-01', 1],
  ['lt2026-02-01', 0],
  ['eb2026-02-01', 0],
  ['sa2026-01-31', 1],
  ['sa2026-02-01', 0],
  ['le2026-02', 1],
  ['lt2026', 0],
  ['ge2024-02-29', 1],
  ['ge2026-02-29', 400],
  ['ge2026-02-30', 400],
  ['ge2026-13-01', 400],
  ['ge2026-00-01', 400],
  ['ge2026-01-00', 400],
  ['ge2026-1-1', 400],
  ['ge26-01-01', 400],
  ['ge0000-01-01', 400],
  ['ge10000-01-01', 400],
  ['ge-0001-01-01', 400],
  ['ge2026-02-01T', 400],
  ['ge2026-02-01T25:00:00Z', 400],
  ['ge2026-02-01T23:60:00Z', 400],
  ['ge2026-02-01T10:00:00+25:00', 400],
  ['le9999-12-31T23:59:59Z', 1],
  ['le9999-12-31T23:59:59-12:00', 1],
  ['ge0001-01-01T00:00:00Z', 1],
  ['ge0001-01-01T00:00:00+14:00', 1],
  ['xx2026-02-01', 400],
  ['ge', 400],
  ['today', 400],
  ['2026-02-01,', 400],
  ['ge2026-02-01 ', 400],
  ['GE2026-02-01', 400],
  ['ge２０２６-02-01', 400],
  ['ge2026-02-01T10:00:00.123456789Z', 1],
]

describe('EpisodeOfCare?date=', () => {
  test.each(PLAN_DATES)('%s', async (date, expected) => {
    const answer = await server.send({ as: LA, path: `EpisodeOfCare?${OWN}&date=${encodeURIComponent(date)}` })
    if (expected === 400) {
      expect([answer.status, issuesOf(answer)[0]?.code]).toEqual([400, 'INVALID_PARAMETER'])
    } else {
      expect(answer.status).toBe(200)
      expect(bundleOf(answer).entry ?? []).toHaveLength(expected)
    }
  })
})

/** _lastUpdated of the plan: the first instant of the test. */
describe.each([
  ['EpisodeOfCare?identifier=dated&_lastUpdated=', LA],
  ['AuditEvent?date=ge2026-01-01&date=', 'auditor'],
  ['Patient?birthdate=', LA],
  ['EpisodeOfCare/_history?_since=', LA],
])('%s', (path, as) => {
  test.each(PLAN_DATES.map(([date]) => date))('%s is answered or refused, never by a fault', async (date) => {
    const answer = await server.send({ as, path: `${path}${encodeURIComponent(date)}` })
    expect([200, 400]).toContain(answer.status)
  })
})

describe('_lastUpdated and the date of AuditEvents at the ends of time', () => {
  test.each([
    ['le9999-12-31', 1],
    ['lt9999', 1],
    ['ge9999-12-31', 0],
    ['gt9999', 0],
    ['ge0001-01-01', 1],
    ['lt0001', 0],
    ['eq9999', 0],
    ['ne9999', 1],
    ['le9999-12-31T23:59:59-12:00', 1],
    ['ge0001-01-01T00:00:00+14:00', 1],
  ])('%s', async (date, expected) => {
    const path = `EpisodeOfCare?identifier=dated&_lastUpdated=${encodeURIComponent(date)}`
    expect(bundleOf(await server.send({ as: LA, path })).entry ?? []).toHaveLength(expected)
  })
})

describe('the searches of a Bundle', () => {
  const batch = (count: number, url: string) =>
    server.send({
      as: LA,
      body: transactionOf(
        Array.from({ length: count }, () => ({ url, method: 'GET' })),
        { type: 'batch' },
      ),
    })
  test.each([
    [1000, 'EpisodeOfCare?_count=500'],
    [11, 'EpisodeOfCare?_count=500'],
    [101, 'EpisodeOfCare'],
    [101, 'EpisodeOfCare/_history'],
    [101, 'AuditEvent?date=ge2026-01-01'],
    [101, 'EpisodeOfCare?_count=x'],
    [11, 'EpisodeOfCare?_count=99999'],
  ])('%i of %s are refused before any is run', async (count, url) => {
    const answer = await batch(count, url)
    expect([answer.status, issuesOf(answer)]).toEqual([
      400,
      [expect.objectContaining({ code: 'TOO_MANY_ENTRIES', at: 'Bundle.entry' })],
    ])
  })
  test.each([
    [10, 'EpisodeOfCare?_count=500'],
    [1000, 'EpisodeOfCare?identifier=dated&_count=1'],
    [1000, 'EpisodeOfCare?_summary=count'],
  ])('%i of %s are answered', async (count, url) => {
    expect(bundleOf(await batch(count, url)).entry).toHaveLength(count)
  })
})
