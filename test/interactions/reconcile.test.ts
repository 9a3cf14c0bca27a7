/** $reconcile: an authority's whole list beside the register, through real HTTP: refusals first. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Parameters, ParametersParameter } from '@medplum/fhirtypes'
import { LA_SYSTEM, planOf } from '../support/plans.ts'
import { bundleOf, issuesOf, resourceOf, startTestServer, type TestAnswer, type TestServer } from '../support/server.ts'

const LA = 'la-E10000007'
const OTHER = 'la-E06000015'
const PATH = 'EpisodeOfCare/$reconcile'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const collection = (...resources: unknown[]): object => ({
  resourceType: 'Bundle',
  type: 'collection',
  ...(resources.length === 0 ? {} : { entry: resources.map((resource) => ({ resource })) }),
})
const send = (body: unknown, as = LA): Promise<TestAnswer> => server.send({ as, path: PATH, body })
const sendLines = (text: string, type = 'application/fhir+ndjson'): Promise<TestAnswer> =>
  server.send({ as: LA, path: PATH, body: text, headers: { 'Content-Type': type } })

const listOf = (answer: TestAnswer, name: string): readonly ParametersParameter[] =>
  (resourceOf(answer, 'Parameters').parameter ?? []).filter((one) => one.name === name)
const partOf = (one: ParametersParameter | undefined, name: string): ParametersParameter | undefined =>
  one?.part?.find((its) => its.name === name)
const plansOf = (answer: TestAnswer, name: string): readonly unknown[] =>
  listOf(answer, name).map((one) => partOf(one, 'plan')?.valueIdentifier?.value)
function countsOf(answer: TestAnswer): Readonly<Record<string, number | undefined>> {
  const parts = listOf(answer, 'counts')[0]?.part ?? []
  return Object.fromEntries(parts.map((one) => [one.name, one.valueInteger]))
}

describe('what is refused', () => {
  test.each([
    ['a nurse', 'ed-nurse'],
    ["an authority's receiver", 'receiver-E10000007'],
  ])('%s may not compare', async (_name, as) => {
    expect((await send(collection(), as)).status).toBe(403)
  })

  test.each([
    ['a resource that is no Bundle', planOf({}), 'INVALID_BUNDLE'],
    ['a Bundle of another type', { resourceType: 'Bundle', type: 'batch' }, 'INVALID_BUNDLE'],
    ['entries that are no list', { resourceType: 'Bundle', type: 'collection', entry: {} }, 'INVALID_BUNDLE'],
  ])('%s', async (_name, body, code) => {
    const answer = await send(body)
    expect({ status: answer.status, code: issuesOf(answer)[0]?.code }).toEqual({ status: 400, code })
  })

  test('lines under a name that is not theirs, and lines where none are taken', async () => {
    expect((await sendLines('{}', 'text/csv')).status).toBe(415)
    const elsewhere = await server.send({
      as: LA,
      path: 'EpisodeOfCare',
      body: '{}',
      headers: { 'Content-Type': 'application/fhir+ndjson' },
    })
    expect(elsewhere.status).toBe(415)
  })

  test('over 10,000 lines, and over 10 MB', async () => {
    const many = await sendLines('{}\n'.repeat(10_001))
    expect({ status: many.status, code: issuesOf(many)[0]?.code }).toEqual({ status: 400, code: 'TOO_MANY_ENTRIES' })
    expect((await sendLines(`{"a":"${'x'.repeat(10 * 1024 * 1024)}"}`)).status).toBe(413)
  })
})

describe('a comparison', () => {
  beforeAll(async () => {
    const parked = { type: 'Patient', identifier: { system: 'https://derbyshire.example/child', value: 'c-1' } }
    for (const plan of [
      planOf({ identifier: 'same', nhsNumber: '9998450055' }),
      planOf({ identifier: 'moved', nhsNumber: '9995425793' }),
      planOf({ identifier: 'forgotten', nhsNumber: '9994944614' }),
      planOf({ identifier: 'ending', nhsNumber: '9999508960', end: '2026-05-20' }),
      { ...planOf({ identifier: 'parked' }), patient: parked },
    ])
      expect((await server.send({ as: LA, path: 'EpisodeOfCare', body: plan })).status).toBe(201)
    await server.send({
      as: OTHER,
      path: 'EpisodeOfCare',
      body: planOf({ identifier: 'theirs', nhsNumber: '9998450055' }),
    })
  })

  const list = [
    planOf({ identifier: 'same', nhsNumber: '9998450055' }),
    planOf({ identifier: 'moved', nhsNumber: '9995425793', type: 'LAC', end: '2026-04-20' }),
    planOf({ identifier: 'new', nhsNumber: '9992965525' }),
    planOf({ identifier: 'ending', nhsNumber: '9999508960', end: '2026-05-20' }),
    planOf({ identifier: 'bad', nhsNumber: '9995973953' }),
    planOf({ identifier: 'theirs', nhsNumber: '9998450055' }),
  ]
  const expected = {
    listed: 6,
    held: 5,
    same: 2,
    'missing-here': 2,
    'missing-there': 2,
    different: 1,
    parked: 1,
    'ending-soon': 1,
    unreadable: 1,
  }

  test('as a Bundle: counts and lists, of this authority alone', async () => {
    const answer = await send(collection(...list))
    expect(answer.status).toBe(200)
    expect(countsOf(answer)).toEqual(expected)
    // another authority's plan of that identifier is not there for this one
    expect(plansOf(answer, 'missing-here')).toEqual(['new', 'theirs'])
    expect(plansOf(answer, 'missing-there')).toEqual(['forgotten', 'parked'])
    expect(plansOf(answer, 'parked')).toEqual(['parked'])
    expect(partOf(listOf(answer, 'parked')[0], 'days')?.valueInteger).toBe(0)
    expect(partOf(listOf(answer, 'ending-soon')[0], 'days')?.valueInteger).toBe(17)
    const [different] = listOf(answer, 'different')
    expect(partOf(different, 'place')?.valueString).toBe('Bundle.entry[1]')
    expect(different?.part?.filter((one) => one.name === 'difference').map((one) => one.part)).toEqual([
      [
        { name: 'element', valueCode: 'type' },
        { name: 'here', valueString: 'CPP' },
        { name: 'there', valueString: 'LAC' },
      ],
      [
        { name: 'element', valueCode: 'end' },
        { name: 'there', valueString: '2026-04-20' },
      ],
    ])
    const [unreadable] = listOf(answer, 'unreadable')
    expect(partOf(unreadable, 'place')?.valueString).toBe('Bundle.entry[4]')
    expect(partOf(partOf(unreadable, 'issue'), 'code')?.valueCode).toBe('INVALID_NHS_NUMBER')
    expect(partOf(partOf(unreadable, 'issue'), 'expression')?.valueString).toBe(
      'Bundle.entry[4].resource.patient.identifier.value',
    )
    expect(answer.text).not.toContain('9995973953')
  })

  test('as NDJSON: the same; a line that is no JSON does not stop the rest', async () => {
    const lines = [...list.map((one) => JSON.stringify(one)), '', '{"resourceType":', '[1]']
    const answer = await sendLines(`${lines.join('\r\n')}\n`)
    expect(answer.status).toBe(200)
    expect(countsOf(answer)).toEqual({ ...expected, listed: 8, unreadable: 3 })
    expect(listOf(answer, 'unreadable').map((one) => partOf(one, 'place')?.valueString)).toEqual([
      'line 5',
      'line 8',
      'line 9',
    ])
    expect(partOf(listOf(answer, 'different')[0], 'place')?.valueString).toBe('line 2')
  })

  test('an empty list tells all that the register shows', async () => {
    expect(countsOf(await send(collection()))).toMatchObject({ listed: 0, 'missing-there': 5, unreadable: 0 })
    expect(countsOf(await send(collection(), 'la-E09000001'))).toMatchObject({ held: 0, 'missing-there': 0 })
  })

  test('changes nothing, and is recorded', async () => {
    const count = async (): Promise<number | undefined> =>
      bundleOf(await server.send({ as: LA, path: 'EpisodeOfCare/_search', form: { _total: 'accurate', _count: '0' } }))
        .total
    const before = await count()
    const requestId = randomUUID()
    const body = collection(...list)
    await server.send({ as: LA, path: PATH, body, headers: { 'X-Request-ID': requestId } })
    expect(await count()).toBe(before)
    const records = await server.context.store.read.audits({ from: '2026-05-01T00:00:00Z', limit: 200 })
    expect(records.find((one) => one.requestId === requestId)).toMatchObject({
      interaction: 'operation',
      operation: 'reconcile',
      status: 200,
      caller: { authority: 'E10000007' },
    })
  })

  test('goes over more plans than one page holds', async () => {
    const entry = Array.from({ length: 620 }, (_, at) => ({
      resource: {
        ...planOf({ identifier: `many-${at}` }),
        patient: { type: 'Patient', identifier: { system: 'https://derbyshire.example/child', value: `many-${at}` } },
      },
      request: { method: 'PUT', url: `EpisodeOfCare?identifier=${LA_SYSTEM}|many-${at}` },
    }))
    const made = await server.send({ as: 'la-E09000002', body: { resourceType: 'Bundle', type: 'batch', entry } })
    expect(bundleOf(made).entry?.every((one) => one.response?.status === '201 Created')).toBe(true)
    const answer = await send(collection(...entry.map((one) => one.resource)), 'la-E09000002')
    expect(countsOf(answer)).toMatchObject({ listed: 620, held: 620, same: 620, parked: 620 })
  })
})

test('the answer is Parameters of its OperationDefinition: every name in it is defined', async () => {
  const definition = resourceOf(await server.send({ path: 'OperationDefinition/reconcile' }), 'OperationDefinition')
  const outs = (definition.parameter ?? []).filter((one) => one.use === 'out')
  const named = new Map(outs.map((one) => [one.name, new Set((one.part ?? []).map((its) => its.name))]))
  const answer: Parameters = resourceOf(await send(collection(planOf({ identifier: 'any' }), 'x')), 'Parameters')
  for (const { name = '', part = [] } of answer.parameter ?? [])
    for (const its of part)
      expect([name, its.name, named.get(name)?.has(its.name ?? '')]).toEqual([name, its.name, true])
})
