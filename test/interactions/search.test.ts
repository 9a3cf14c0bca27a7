/** R4 search, history and patch on own rows, through real HTTP (interface.md "REST"). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Bundle, EpisodeOfCare } from '@medplum/fhirtypes'
import { LA_SYSTEM, NHS, patientOf, planOf } from '../support/plans.ts'
import { bundleOf, issuesOf, resourceOf, startTestServer, type TestServer } from '../support/server.ts'

const LA = 'la-E10000007'

let server: TestServer
const ids = new Map<string, string>()

beforeAll(async () => {
  server = await startTestServer()
  const child = await server.send({
    as: LA,
    path: 'Patient',
    body: patientOf({ nhsNumber: '9998450055', birthDate: '2015-06-07', family: 'Searchable' }),
  })
  ids.set('child', resourceOf(child, 'Patient').id ?? '')
  const plans = [
    planOf({ identifier: 'a', nhsNumber: '9998450055', start: '2026-01-10', end: '2026-02-10', status: 'finished' }),
    planOf({ identifier: 'b', nhsNumber: '9998450055', type: 'LAC', start: '2026-03-01' }),
    planOf({ identifier: 'c', nhsNumber: '9995425793', start: '2026-06-01', status: 'planned' }),
  ]
  for (const plan of plans) {
    const made = resourceOf(await server.send({ as: LA, path: 'EpisodeOfCare', body: plan }), 'EpisodeOfCare')
    ids.set(plan.identifier?.[0]?.value ?? '', made.id ?? '')
  }
})
afterAll(() => server.close())

const search = (form: Record<string, string> | (readonly [string, string])[], type = 'EpisodeOfCare') =>
  server.send({ as: LA, path: `${type}/_search`, form })
const named = (bundle: Bundle): string[] =>
  (bundle.entry ?? [])
    .filter((one) => one.search?.mode === 'match')
    .map((one) => (one.resource as EpisodeOfCare).identifier?.[0]?.value ?? '')
    .sort()

describe('what is refused', () => {
  test.each([
    ['an unknown parameter', { colour: 'red' }, 'UNKNOWN_PARAMETER'],
    ['a misspelt result parameter', { _cuont: '3' }, 'UNKNOWN_PARAMETER'],
    ['a modifier that is not offered', { 'identifier:text': 'a' }, 'UNKNOWN_PARAMETER'],
    ['a date that is none', { date: 'yesterday' }, 'INVALID_PARAMETER'],
    ['a count that is none', { _count: 'many' }, 'INVALID_PARAMETER'],
    ['a sort that is not offered', { _sort: 'name' }, 'INVALID_PARAMETER'],
    ['an include that is not offered', { _include: 'EpisodeOfCare:team' }, 'INVALID_PARAMETER'],
    ['a cursor that was changed', { _cursor: 'abc' }, 'INVALID_PARAMETER'],
    ['a number that cannot be one', { 'nhs-number': '9998450056' }, 'INVALID_NHS_NUMBER'],
  ])('%s', async (_name, form, code) => {
    const answer = await search(form)
    expect({ status: answer.status, code: issuesOf(answer)[0]?.code }).toEqual({ status: 400, code })
  })

  test('a number in the address, whatever the parameter; it is not echoed', async () => {
    const answer = await server.send({ as: LA, path: 'EpisodeOfCare?nhs-number=9998450055' })
    expect({ status: answer.status, code: issuesOf(answer)[0]?.code }).toEqual({
      status: 400,
      code: 'NHS_NUMBER_IN_URL',
    })
    expect(answer.text).not.toContain('9998450055')
  })

  test('lenient handling leaves an unknown parameter out', async () => {
    const answer = await server.send({
      as: LA,
      path: 'EpisodeOfCare?colour=red',
      headers: { Prefer: 'handling=lenient' },
    })
    expect(named(bundleOf(answer))).toEqual(['a', 'b', 'c'])
    expect(bundleOf(answer).link?.[0]?.url).not.toContain('colour')
  })
})

describe('what is found', () => {
  const child = () => `Patient/${ids.get('child')}`
  test.each([
    ['nothing asked: all own rows', {}, ['a', 'b', 'c']],
    ['identifier with system', { identifier: `${LA_SYSTEM}|a` }, ['a']],
    ['identifier without system', { identifier: 'a,b' }, ['a', 'b']],
    ['identifier of another system', { identifier: 'https://other.example|a' }, []],
    ['patient:identifier', { 'patient:identifier': `${NHS}|9998450055` }, ['a', 'b']],
    ['nhs-number in 3-3-4', { 'nhs-number': '999 845 0055' }, ['a', 'b']],
    ['nhs-number:missing', { 'nhs-number:missing': 'false' }, ['a', 'b', 'c']],
    ['status', { status: 'finished,planned' }, ['a', 'c']],
    ['status:not', { 'status:not': 'finished' }, ['b', 'c']],
    ['type', { type: 'http://snomed.info/sct|764841000000100' }, ['b']],
    ['type of another system', { type: 'http://other.example|764841000000100' }, []],
    ['date eq: the period within', { date: '2026' }, ['a']],
    ['date gt', { date: 'gt2026-02-10' }, ['b', 'c']],
    ['date lt', { date: 'lt2026-03-01' }, ['a']],
    ['date ge', { date: 'ge2026-02-10' }, ['a', 'b', 'c']],
    ['date sa', { date: 'sa2026-03-01' }, ['c']],
    ['date eb', { date: 'eb2026-02-11' }, ['a']],
    ['organization, own', { organization: 'Organization/E10000007' }, ['a', 'b', 'c']],
    ['organization, another: never its rows', { organization: 'Organization/E06000015' }, []],
    ['_lastUpdated', { _lastUpdated: 'gt2027' }, []],
  ])('%s', async (_name, form, expected) => {
    expect(named(bundleOf(await search(form)))).toEqual(expected)
  })

  test('the patient by a literal reference, and _id', async () => {
    expect(named(bundleOf(await search({ patient: child() })))).toEqual(['a', 'b'])
    expect(named(bundleOf(await search({ _id: `${ids.get('b')},nobody` })))).toEqual(['b'])
  })

  test('_include and _revinclude bring the Patient, the authority and the Flags', async () => {
    const bundle = bundleOf(
      await search([
        ['identifier', 'a'],
        ['_include', 'EpisodeOfCare:patient'],
        ['_include', 'EpisodeOfCare:organization'],
        ['_revinclude', 'Flag:detail'],
      ]),
    )
    expect(bundle.entry?.map((one) => [one.resource?.resourceType, one.search?.mode])).toEqual([
      ['EpisodeOfCare', 'match'],
      ['Patient', 'include'],
      ['Organization', 'include'],
      ['Flag', 'include'],
    ])
  })

  test('_summary and _elements cut down and say so; count tells only the total', async () => {
    const counted = bundleOf(await search({ _summary: 'count' }))
    expect([counted.total, counted.entry]).toEqual([3, undefined])
    expect(bundleOf(await search({ _count: '0' })).total).toBe(3)
    const [entry] = bundleOf(await search({ identifier: 'b', _elements: 'period' })).entry ?? []
    expect(Object.keys(entry?.resource ?? {}).sort()).toEqual([
      'id',
      'meta',
      'patient',
      'period',
      'resourceType',
      'status',
    ])
    expect(entry?.resource?.meta?.tag).toEqual([expect.objectContaining({ code: 'SUBSETTED' })])
  })

  test('pages hold each row once, in order, and lead on and back', async () => {
    const first = bundleOf(await search({ _sort: '-date', _count: '1' }))
    const follow = async (bundle: Bundle, relation: string): Promise<Bundle | undefined> => {
      const url = bundle.link?.find((one) => one.relation === relation)?.url
      return url === undefined
        ? undefined
        : bundleOf(await server.send({ as: LA, path: url.slice(server.base.length + 1) }))
    }
    const second = await follow(first, 'next')
    const third = second === undefined ? undefined : await follow(second, 'next')
    expect([first, second, third].flatMap((one) => (one === undefined ? [] : named(one)))).toEqual(['c', 'b', 'a'])
    expect(third?.link?.some((one) => one.relation === 'next')).toBe(false)
    const back = third === undefined ? undefined : await follow(third, 'previous')
    expect(back === undefined ? [] : named(back)).toEqual(['b'])
    const url = first.link?.find((one) => one.relation === 'next')?.url ?? ''
    const stolen = await server.send({ as: 'la-E06000015', path: url.slice(server.base.length + 1) })
    expect(stolen.status).toBe(400)
  })

  test('the self link repeats no number', async () => {
    const bundle = bundleOf(await search({ 'patient:identifier': `${NHS}|9998450055`, status: 'active' }))
    const self = bundle.link?.find((one) => one.relation === 'self')?.url ?? ''
    expect(self).toContain('status=active')
    expect(self).not.toContain('9998450055')
  })
})

describe('JSON Patch', () => {
  const patch = (operations: unknown, headers: Record<string, string> = {}, path = `EpisodeOfCare/${ids.get('b')}`) =>
    server.send({
      as: LA,
      method: 'PATCH',
      path,
      body: operations,
      headers: { 'Content-Type': 'application/json-patch+json', ...headers },
    })

  test.each([
    ['no array', { op: 'add' }, 400, 'INVALID_JSON'],
    ['an unknown operation', [{ op: 'paint', path: '/status' }], 400, 'INVALID_PATCH'],
    ['a reserved member', [{ op: 'add', path: '/__proto__/x', value: 1 }], 400, 'INVALID_PATCH'],
    ['a test that does not hold', [{ op: 'test', path: '/status', value: 'planned' }], 422, 'PATCH_FAILED'],
    ['a path that is not there', [{ op: 'replace', path: '/period/middle', value: 'x' }], 422, 'PATCH_FAILED'],
    ['a result that breaks a rule', [{ op: 'add', path: '/period/end', value: '2025-01-01' }], 422, 'END_BEFORE_START'],
    ['another id', [{ op: 'replace', path: '/id', value: 'mine' }], 400, 'ID_MISMATCH'],
  ])('%s is refused', async (_name, operations, status, code) => {
    const answer = await patch(operations)
    expect({ status: answer.status, code: issuesOf(answer)[0]?.code }).toEqual({ status, code })
  })

  test('an end is added, by id and by condition; a stale If-Match is 412, nothing found 404, a Flag is kept by its plan', async () => {
    expect(
      (await patch([{ op: 'add', path: '/period/end', value: '2026-05-20' }], { 'If-Match': 'W/"7"' })).status,
    ).toBe(412)
    const answer = await patch([{ op: 'add', path: '/period/end', value: '2026-05-20' }])
    expect([answer.status, answer.headers.get('etag'), resourceOf(answer, 'EpisodeOfCare').period?.end]).toEqual([
      200,
      'W/"2"',
      '2026-05-20',
    ])
    const byCondition = await patch(
      [{ op: 'remove', path: '/period/end' }],
      {},
      `EpisodeOfCare?identifier=${LA_SYSTEM}|b`,
    )
    expect([byCondition.status, byCondition.headers.get('etag')]).toEqual([200, 'W/"3"'])
    expect((await patch([{ op: 'remove', path: '/period/end' }], {}, 'EpisodeOfCare?identifier=nothing')).status).toBe(
      404,
    )
    const flags = bundleOf(await search({ detail: ids.get('b') ?? '' }, 'Flag'))
    expect(
      (await patch([{ op: 'remove', path: '/period' }], {}, `Flag/${flags.entry?.[0]?.resource?.id}`)).status,
    ).toBe(409)
  })
})

describe('history of a type', () => {
  test('shows all versions, newest first, in pages; since an instant', async () => {
    const all = bundleOf(await server.send({ as: LA, path: 'EpisodeOfCare/_history?_count=500' }))
    expect(all.type).toBe('history')
    expect(all.entry?.length).toBeGreaterThanOrEqual(3)
    const none = bundleOf(await server.send({ as: LA, path: 'EpisodeOfCare/_history?_since=2027-01-01T00:00:00Z' }))
    expect(none.entry ?? []).toEqual([])
    const page = bundleOf(await server.send({ as: LA, path: 'EpisodeOfCare/_history?_count=2' }))
    expect(page.entry).toHaveLength(2)
    const other = bundleOf(await server.send({ as: 'la-E06000015', path: 'EpisodeOfCare/_history' }))
    expect(other.entry ?? []).toEqual([])
  })
})
