/** What the peer adapter sends to another FHIR server and how it reads the answers: against a server of this test that keeps what it is sent, as R4 says (http.html#transaction). */
import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes'
import { buildChildren, type Child } from '../../bench/children.ts'
import { openPeer, type Peer } from '../../bench/peer.ts'
import { buildRandom } from '../../bench/random.ts'

/** Patients, plans, Flags and AuditEvents as they were sent, references resolved. */
let stored: Resource[]
let requests: { readonly path: string; readonly authorization: string | undefined; readonly bundle: Bundle }[]
/** When set, the status that every entry of this type is refused with. */
let refuse: { readonly type: string; readonly status: string } | undefined
let server: Server
let base: string

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const bundle = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Bundle
      requests.push({ path: request.url ?? '', authorization: request.headers.authorization, bundle })
      response.setHeader('content-type', 'application/fhir+json')
      response.end(JSON.stringify(answer(bundle)))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))
beforeEach(() => {
  stored = []
  requests = []
  refuse = undefined
})

function answer(bundle: Bundle): Bundle {
  const ids = new Map(
    (bundle.entry ?? []).map(({ fullUrl, resource }) => [fullUrl ?? '', `${resource?.resourceType}/${randomUUID()}`]),
  )
  const text = (resource: Resource): string =>
    JSON.stringify(resource).replaceAll(/urn:uuid:[0-9a-f-]+/g, (urn) => ids.get(urn) ?? urn)
  const entry = (bundle.entry ?? []).map((one): BundleEntry => {
    if (one.request?.method === 'GET') return { resource: search(one.request.url), response: { status: '200 OK' } }
    if (one.resource?.resourceType === refuse?.type) return { response: { status: refuse?.status ?? '' } }
    if (one.resource === undefined) return { response: { status: '400' } }
    const [, id] = (ids.get(one.fullUrl ?? '') ?? `x/${randomUUID()}`).split('/')
    stored.push({ ...JSON.parse(text(one.resource)), id } as Resource)
    return { response: { status: '201 Created', location: `${one.resource.resourceType}/${id}/_history/1` } }
  })
  return { resourceType: 'Bundle', type: bundle.type === 'batch' ? 'batch-response' : 'transaction-response', entry }
}

/** `EpisodeOfCare?patient.identifier=system|value` (R4 search.html#chaining). */
function search(url: string): Bundle {
  const [type, query] = url.split('?')
  const token = new URLSearchParams(query).get('patient.identifier') ?? ''
  const patient = stored.find(
    (one) =>
      one.resourceType === 'Patient' && one.identifier?.some(({ system, value }) => `${system}|${value}` === token),
  )
  const found = stored.filter(
    (one) =>
      one.resourceType === 'EpisodeOfCare' &&
      type === one.resourceType &&
      one.patient.reference === `Patient/${patient?.id}`,
  )
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    total: found.length,
    entry: found.map((resource) => ({ resource, search: { mode: 'match' } })),
  }
}

/** With `hits`, every check is of a filed child. */
function open(filed: readonly Child[], { hits = false, token = '' } = {}): Peer {
  const random = buildRandom(3)
  return openPeer({
    base,
    token,
    random: { ...random, fraction: () => (hits ? 0 : 0.9) },
    filed,
    taken: new Set(filed.map((one) => one.nhsNumber)),
  })
}

test('an upload is one transaction of Patient, plan and Flag of each child, which refer to one another', async () => {
  const children = buildChildren(2, buildRandom(1), new Set())
  const peer = open(children)
  await peer.upload(0, children)
  await peer.close()
  expect(requests.map(({ path, bundle }) => [path, bundle.type])).toEqual([['/fhir', 'transaction']])
  expect(stored.map((one) => one.resourceType)).toEqual([
    'Patient',
    'EpisodeOfCare',
    'Flag',
    'Patient',
    'EpisodeOfCare',
    'Flag',
  ])
  const [patient, plan, flag] = stored
  expect(plan).toMatchObject({
    patient: { reference: `Patient/${patient?.id}` },
    identifier: [{ value: children[0]?.local }],
  })
  expect(flag).toMatchObject({ subject: { reference: `Patient/${patient?.id}` } })
})

test('a check is one batch: a search by the number, and the AuditEvent of it', async () => {
  const children = buildChildren(1, buildRandom(1), new Set())
  const peer = open(children, { hits: true, token: 'secret' })
  await peer.upload(0, children)
  await peer.check(1)
  await peer.close()
  const [, { bundle, authorization } = { bundle: undefined, authorization: undefined }] = requests
  expect(authorization).toBe('Bearer secret')
  expect(bundle?.type).toBe('batch')
  expect(bundle?.entry?.map(({ request }) => [request?.method, request?.url.split('?')[0]])).toEqual([
    ['GET', 'EpisodeOfCare'],
    ['POST', 'AuditEvent'],
  ])
  expect(stored.at(-1)).toMatchObject({
    resourceType: 'AuditEvent',
    entity: [{ what: { identifier: { value: children[0]?.nhsNumber } } }],
  })
})

test('a check of a child who is not filed must find nothing', async () => {
  const peer = open([])
  await peer.check(0)
  await peer.close()
  expect(stored.map((one) => one.resourceType)).toEqual(['AuditEvent'])
})

test("a server that keeps an earlier run's children answers a run as an empty one does: each run has a system of its own for the numbers", async () => {
  const children = buildChildren(1, buildRandom(3), new Set())
  const earlier = open(children)
  await earlier.upload(0, children)
  await earlier.close()
  const same = open(children, { hits: true })
  await same.upload(0, children)
  await same.check(0)
  await same.close()
  const other = open([])
  await other.check(0)
  await other.close()
  expect(stored.at(-1)).toMatchObject({ entity: [{ what: { identifier: { value: children[0]?.nhsNumber } } }] })
})

test('a peer that does not find what was filed, or does not keep the record, or refuses an entry, ends the run', async () => {
  const children = buildChildren(1, buildRandom(1), new Set())
  const peer = open(children, { hits: true })
  await expect(peer.check(0)).rejects.toThrow('told of 0 plans where 1 stood')
  refuse = { type: 'AuditEvent', status: '422' }
  await peer.upload(0, children)
  await expect(peer.check(0)).rejects.toThrow('The AuditEvent of a check was answered')
  refuse = { type: 'Flag', status: '400' }
  await expect(peer.upload(0, children)).rejects.toThrow('2 of 3 resources were created')
  await peer.close()
})
