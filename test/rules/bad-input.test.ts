/** Bad input that no story meets, each with the code that the catalogue has for it (interface.md "Errors"). Through real HTTP. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { CATALOGUE, type CatalogueCode, ISSUE_KIND } from '../../src/fhir/catalogue.ts'
import { planOf, transactionOf } from '../support/plans.ts'
import { issuesOf, startTestServer, type TestRequest, type TestServer } from '../support/server.ts'
import { subscriptionOf } from '../support/subscriptions.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const LA = 'la-E10000007'
const plan = planOf({ nhsNumber: '9997007336', identifier: 'bad-input' })
const file = (body: object, headers = {}): TestRequest => ({ as: LA, path: 'EpisodeOfCare', body, headers })

const subscription = (endpoint: string, topic: string): TestRequest => ({
  as: LA,
  path: 'Subscription',
  body: subscriptionOf(endpoint, topic),
})

/** Entries enough to be too many. */
const manyEntries = transactionOf(
  Array.from({ length: 1001 }, (_, nth) => ({ method: 'DELETE', url: `EpisodeOfCare/none-${nth}` })),
)

describe('is refused by its code, with the status of the catalogue', () => {
  const cases: readonly (readonly [CatalogueCode, string, TestRequest, string | undefined])[] = [
    ['INVALID_RESOURCE', 'a list where R4 has an object', file({ ...plan, period: [] }), 'EpisodeOfCare.period'],
    ['INVALID_RESOURCE', 'another type than the address', file({ resourceType: 'Patient' }), undefined],
    [
      'INVALID_CODE',
      'a plan type that is none',
      file({ ...plan, type: [{ coding: [{ system: 'http://snomed.info/sct', code: '73211009' }] }] }),
      'EpisodeOfCare.type',
    ],
    ['INVALID_CODE', 'a status that R4 has not', file({ ...plan, status: 'running' }), 'EpisodeOfCare.status'],
    [
      'INVALID_REFERENCE',
      'a Patient that is not here',
      file({ ...plan, patient: { reference: `Patient/${randomUUID()}` } }),
      'EpisodeOfCare.patient.reference',
    ],
    ['TOO_MANY_ENTRIES', 'over 1,000 entries', { as: LA, body: manyEntries }, 'Bundle.entry'],
    ['INVALID_BUNDLE', 'a searchset', { as: LA, body: { resourceType: 'Bundle', type: 'searchset' } }, 'Bundle.type'],
    [
      'NOT_YOUR_AUTHORITY',
      'another council',
      file({
        ...plan,
        managingOrganization: {
          type: 'Organization',
          identifier: { system: 'http://statistics.data.gov.uk/id/statistical-geography', value: 'E06000032' },
        },
      }),
      'EpisodeOfCare.managingOrganization',
    ],
    [
      'SUBSCRIPTION_NOT_TAKEN',
      'a topic that is not offered',
      subscription('http://127.0.0.1:9/', 'gossip'),
      'Subscription.criteria',
    ],
    [
      'ENDPOINT_NOT_ALLOWED',
      'a host that nobody allowed',
      subscription('https://example.org/', 'child-checked'),
      'Subscription.channel.endpoint',
    ],
    [
      'OUT_OF_SCOPE',
      'another section',
      file({
        ...planOf({ nhsNumber: '9997007336', type: 'LAC' }),
        extension: [{ url: 'https://cpis.example/fhir/StructureDefinition/cpis-legal-basis', valueCode: 's47' }],
      }),
      'EpisodeOfCare.extension[0]',
    ],
    ['PROFILE', 'no start', file({ ...plan, period: { end: '2026-05-01' } }), 'EpisodeOfCare.period.start'],
    ['NOT_FOUND', 'an id that is not here', { as: LA, path: `EpisodeOfCare/${randomUUID()}` }, undefined],
  ]
  test.each(cases)('%s: %s', async (code, _what, request, place) => {
    const answer = await server.send(request)
    const found = issuesOf(answer).find((one) => one.code === code)
    expect(found).toEqual({ code, at: place, severity: 'error' })
    const { kind } = CATALOGUE[code]
    expect(answer.status).toBe(ISSUE_KIND[kind].status)
    expect(answer.text).not.toContain('9997007336')
  })

  test('VERSION_CONFLICT and INVALID_HEADER: an If-Match that is stale, and one that is none', async () => {
    const made = await server.send(file(plan))
    const id = made.headers.get('location')?.split('/').at(-3)
    const put = (ifMatch: string) =>
      server.send({
        as: LA,
        method: 'PUT',
        path: `EpisodeOfCare/${id}`,
        body: { ...plan, id },
        headers: { 'If-Match': ifMatch },
      })
    const [stale, none] = [await put('W/"7"'), await put('seven')]
    expect([stale.status, issuesOf(stale)[0]?.code]).toEqual([412, 'VERSION_CONFLICT'])
    expect([none.status, issuesOf(none)[0]?.code]).toEqual([400, 'INVALID_HEADER'])
  })
})
