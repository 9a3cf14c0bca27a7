/** The OpenAPI document says what there is, and only that: held against the route table, the examples, the catalogue and a validator of another's. */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Validator } from '@seriousme/openapi-schema-validator'
import { CATALOGUE, catalogueRow } from '../../src/fhir/catalogue.ts'
import { readDefinitions } from '../../src/fhir/definitions.ts'
import { ADMIN_ROUTES } from '../../src/http/admin-routes.ts'
import { PLAIN_ROUTES } from '../../src/http/plain-routes.ts'
import { FHIR_ROUTES } from '../../src/http/routes.ts'
import { buildCapabilityStatement } from '../../src/interactions/capabilities.ts'
import { EXAMPLES, REFUSAL_EXAMPLES } from '../../src/interactions/openapi/examples.ts'
import { buildOpenApi, pathOf } from '../../src/interactions/openapi.ts'
import { readExample, readExampleRows } from '../support/examples.ts'
import { planOf } from '../support/plans.ts'
import { resourceOf, startTestServer, type TestAnswer, type TestRequest, type TestServer } from '../support/server.ts'

interface Parameter {
  readonly $ref?: string
  readonly name?: string
  readonly in?: string
  readonly required?: boolean
}
interface Operation {
  readonly operationId: string
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> }
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly content?: unknown }>>
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, unknown>>
    readonly parameters: Readonly<Record<string, Parameter>>
    readonly responses: Readonly<Record<string, { readonly description: string }>>
    readonly securitySchemes: Readonly<
      Record<string, { readonly flows?: { readonly clientCredentials: { readonly scopes: Record<string, string> } } }>
    >
  }
}

const FACTS = { baseUrl: 'http://127.0.0.1:8080', embeddedIssuer: true }
const build = (facts = FACTS): Document =>
  JSON.parse(JSON.stringify(buildOpenApi(FHIR_ROUTES, facts, readDefinitions()))) as Document
const document = build()
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
)
const operationAt = (method: string, path: string): Operation | undefined =>
  document.paths[path]?.[method.toLowerCase()]

function resolve(pointer: string): unknown {
  return pointer
    .slice(2)
    .split('/')
    .map((one) => decodeURIComponent(one).replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document)
}

const parametersOf = (operation: Operation | undefined): Parameter[] =>
  (operation?.parameters ?? []).map((one) => (one.$ref === undefined ? one : (resolve(one.$ref) as Parameter)))

/** The Ajv that the validator brings along: JSON Schema 2020-12, over the whole document. */
interface Judge {
  addSchema(schema: unknown, key: string): void
  compile(schema: unknown): ((value: unknown) => boolean) & { errors?: unknown }
}
const fromValidator = createRequire(createRequire(import.meta.url).resolve('@seriousme/openapi-schema-validator'))
const { default: Ajv2020 } = fromValidator('ajv/dist/2020.js') as { default: new (options: object) => Judge }
const judge = new Ajv2020({ strict: false, validateFormats: false })
judge.addSchema(document, 'doc')

/** Faults of a value under the schema at a place of the document. */
function faultsOf(value: unknown, ...place: readonly string[]): unknown {
  const pointer = place.map((one) => encodeURIComponent(one.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')
  const check = judge.compile({ $ref: `doc#/${pointer}` })
  return check(value) ? [] : check.errors
}

describe('the document', () => {
  test('is valid OpenAPI 3.1', async () => {
    const validator = new Validator()
    const found = await validator.validate(document as unknown as Record<string, unknown>)
    expect([found.valid, found.errors, validator.version]).toEqual([true, undefined, '3.1'])
  })

  test('a broken one is not', async () => {
    const found = await new Validator().validate({ ...document, paths: { nonsense: { get: { responses: 1 } } } })
    expect(found.valid).toBe(false)
  })

  test('is smaller than 1 MB', () => {
    expect(JSON.stringify(document).length).toBeLessThan(1_000_000)
  })

  test('every reference in it leads somewhere', () => {
    const targets = new Set([...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((one) => one[1] ?? ''))
    expect(targets.size).toBeGreaterThan(50)
    expect([...targets].filter((one) => resolve(one) === undefined)).toEqual([])
  })

  test('every operation has an id of its own', () => {
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('it says every route and no other', () => {
  test('below the FHIR base', () => {
    const told = operations.filter(({ path }) => path.startsWith('/FHIR/R4') && !path.includes('.well-known'))
    const rows = FHIR_ROUTES.map((row) => `${row.method} ${pathOf(row.path)}`)
    expect(told.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort()).toEqual([...rows].sort())
  })

  test('beside FHIR, the parts of the page aside', () => {
    const admin = ADMIN_ROUTES.map((one) => ({ ...one, path: `/admin/${one.path.replace('[id]', '{id}')}` }))
    const rows = [...PLAIN_ROUTES.filter((one) => !one.path.startsWith('/docs/')), ...admin]
    const told = operations.filter(({ path }) => !path.startsWith('/FHIR/R4') || path.includes('.well-known'))
    expect(told.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort()).toEqual(
      rows.map((one) => `${one.method} ${one.path}`).sort(),
    )
  })

  test('the parameters of a search are those of the CapabilityStatement, and shape and place', () => {
    for (const { type, searchParam = [] } of buildCapabilityStatement(FHIR_ROUTES, FACTS).rest?.[0]?.resource ?? []) {
      const names = parametersOf(operationAt('GET', `/FHIR/R4/${type}`)).flatMap((one) => one.name ?? [])
      expect(names).toEqual(expect.arrayContaining(searchParam.map((one) => one.name)))
      const others = names.filter((name) => !searchParam.some((one) => one.name === name) && !/[:.]/.test(name))
      expect(others.filter((name) => !name.startsWith('_') && !/^(X-|Prefer)/.test(name))).toEqual([])
    }
  })

  test('every path parameter is told', () => {
    for (const { path, operation } of operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((one) => one[1])
      const told = parametersOf(operation).filter((one) => one.in === 'path')
      expect([path, told.map((one) => one.name)]).toEqual([path, named])
    }
  })
})

describe('it says of requests', () => {
  test('X-Request-ID is required for the check and for nothing else', () => {
    const required = operations.filter(({ operation }) =>
      parametersOf(operation).some((one) => one.name === 'X-Request-ID' && one.required === true),
    )
    expect(required.map(({ path }) => path)).toEqual(['/FHIR/R4/Patient/$cpis-check'])
  })

  test.each([
    ['PUT', '/FHIR/R4/EpisodeOfCare/{id}', 'If-Match'],
    ['PATCH', '/FHIR/R4/EpisodeOfCare/{id}', 'If-Match'],
    ['POST', '/FHIR/R4/EpisodeOfCare', 'If-None-Exist'],
    ['GET', '/FHIR/R4/EpisodeOfCare/{id}', 'If-None-Match'],
    ['POST', '/FHIR/R4', 'Prefer'],
    ['GET', '/FHIR/R4/EpisodeOfCare', 'patient:identifier'],
    ['GET', '/FHIR/R4/EpisodeOfCare', '_revinclude'],
    ['GET', '/FHIR/R4/EpisodeOfCare/{id}/_history', '_since'],
  ])('%s %s takes %s', (method, path, name) => {
    expect(parametersOf(operationAt(method, path)).map((one) => one.name)).toContain(name)
  })

  test('what is public needs no token; everything else does, by a scope of the flow', () => {
    const scopes = document.components.securitySchemes['oauth2']?.flows?.clientCredentials.scopes ?? {}
    for (const row of FHIR_ROUTES) {
      const security = operationAt(row.method, pathOf(row.path))?.security ?? []
      if (row.public === true) expect(security).toEqual([])
      else expect(security[0]).toEqual({ bearer: [] })
      const named = security.flatMap((one) => one['oauth2'] ?? [])
      expect(named.filter((one) => scopes[one] === undefined)).toEqual([])
    }
  })

  test('without the embedded issuer there is no word of its endpoint', () => {
    expect(JSON.stringify(build({ ...FACTS, embeddedIssuer: false }))).not.toMatch(/"\/oauth2\/token"|"oauth2"/)
  })
})

describe('it says of answers', () => {
  test('every code of the catalogue under its status', () => {
    const told = Object.values(document.components.responses).map((one) => one.description)
    for (const code of Object.keys(CATALOGUE) as (keyof typeof CATALOGUE)[]) {
      if (catalogueRow(code).severity !== 'error') continue
      expect(told.filter((one) => one.includes(`\`${code}\``))).toHaveLength(1)
    }
  })

  test('that the check may be 503, and what a refusal looks like', () => {
    const check = operationAt('POST', '/FHIR/R4/Patient/$cpis-check')
    expect(Object.keys(check?.responses ?? {})).toEqual(
      expect.arrayContaining(['200', '400', '401', '403', '409', '429', '503']),
    )
  })
})

describe('the examples', () => {
  const rows = readExampleRows()

  test('of every operation that has one are in it, as examples/README.md has them', () => {
    const told = new Set(EXAMPLES.map(({ row, request, status, answer }) => `${row} ${request} ${status} ${answer}`))
    const good = rows.filter((one) => one.status < 300)
    const keyOf = (one: (typeof rows)[number]): string => `${one.method} ${one.path.replace(/^\/FHIR\/R4\/?/, '')}`
    for (const [key, ofKey] of Map.groupBy(good, keyOf)) {
      const found = ofKey.filter((one) => told.has(`${key} ${one.request} ${one.status} ${one.answer}`))
      expect([key, found.length > 0]).toEqual([key, true])
    }
    const refused = new Set(rows.map((one) => `${one.status} ${one.answer}`))
    for (const [status, names] of Object.entries(REFUSAL_EXAMPLES)) {
      for (const name of names) expect(refused).toContain(`${status} ${name}.answer.json`)
    }
  })

  test.each(rows.map((row) => [row.request, row.status, row.answer, row] as const))(
    '%s, answered %s by %s, fit their schemas',
    (_request, status, _answer, row) => {
      const method = row.method.toLowerCase()
      const path = row.path.replace('[id]', '{id}')
      const operation = operationAt(method, path)
      const place = ['paths', path, method]
      const types = Object.keys(operation?.requestBody?.content ?? {})
      if (status < 300 && !row.request.startsWith('refused-') && types[0] === 'application/fhir+json') {
        const at = [...place, 'requestBody', 'content', types[0], 'schema']
        expect(faultsOf(readExample(row.request), ...at)).toEqual([])
      }
      const answer = operation?.responses[String(status)]
      const at = answer?.$ref?.slice(2).split('/') ?? [...place, 'responses', String(status)]
      expect(answer).toBeDefined()
      expect(faultsOf(readExample(row.answer), ...at, 'content', 'application/fhir+json', 'schema')).toEqual([])
    },
  )

  test.each(['notification-handshake.json', 'notification-event.json'])('%s fits the webhook', (name) => {
    const at = ['webhooks', 'notification', 'post', 'requestBody', 'content', 'application/fhir+json', 'schema']
    expect(faultsOf(readExample(name), ...at)).toEqual([])
  })
})

describe('the schemas of the profiles', () => {
  const INSTANCES = new URL('../fhir/instances/', import.meta.url)
  const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, INSTANCES), 'utf8'))
  const good = readdirSync(new URL('good/', INSTANCES))

  test.each(good)('good/%s fits', (name) => {
    const profile = name.replace(/(-mother)?\.json$/, '')
    expect(faultsOf(read(`good/${name}`), 'components', 'schemas', profile)).toEqual([])
  })

  test.each([
    'cpis-plan.no-identifier',
    'cpis-plan.no-status',
    'cpis-plan.no-type',
    'cpis-plan.no-start',
    'cpis-plan.two-types',
    'cpis-plan.status-unknown',
    'cpis-plan.team-not-a-list',
    'cpis-flag.no-category',
    'cpis-patient.two-names',
    'cpis-authority.no-contact',
    'cpis-subscription.no-endpoint',
    'cpis-plan-disclosed.not-marked-redacted',
  ])('bad/%s does not', (name) => {
    const [profile = ''] = name.split('.')
    expect(faultsOf(read(`bad/${name}.json`), 'components', 'schemas', profile)).not.toEqual([])
  })
})

describe('served', () => {
  let server: TestServer
  let planId: string
  beforeAll(async () => {
    server = await startTestServer()
    const made = await server.send({ as: LA, path: 'EpisodeOfCare', body: planOf({ nhsNumber: '9998450055' }) })
    planId = resourceOf(made, 'EpisodeOfCare').id ?? ''
    expectTold(made, 'post', '/FHIR/R4/EpisodeOfCare')
  })
  afterAll(() => server.close())

  const LA = 'la-E10000007'
  const NUMBER = { 'patient:identifier': 'https://fhir.nhs.uk/Id/nhs-number|9998450055' }

  /** The status is one that the operation tells of, and the body fits what is said of it. */
  function expectTold(answer: TestAnswer, method: string, path: string): void {
    const told = operationAt(method, path)?.responses[String(answer.status)]
    expect([method, path, answer.status, told !== undefined]).toEqual([method, path, answer.status, true])
    if (answer.json === undefined) return
    const at = told?.$ref?.slice(2).split('/') ?? ['paths', path, method, 'responses', String(answer.status)]
    expect(faultsOf(answer.json, ...at, 'content', 'application/fhir+json', 'schema')).toEqual([])
  }

  const plan = '/FHIR/R4/EpisodeOfCare'
  test.each<readonly [string, string, number, TestRequest]>([
    ['read', `${plan}/{id}`, 200, { path: 'EpisodeOfCare/ID' }],
    ['read of what is known', `${plan}/{id}`, 304, { path: 'EpisodeOfCare/ID', headers: { 'If-None-Match': 'W/"1"' } }],
    ['read by nobody', `${plan}/{id}`, 401, { path: 'EpisodeOfCare/ID', as: '' }],
    ['read by another', `${plan}/{id}`, 404, { path: 'EpisodeOfCare/ID', as: 'la-E10000024' }],
    ['read by a nurse', `${plan}/{id}`, 403, { path: 'EpisodeOfCare/ID', as: 'ed-nurse' }],
    ['vread', `${plan}/{id}/_history/{vid}`, 200, { path: 'EpisodeOfCare/ID/_history/1' }],
    ['history', `${plan}/{id}/_history`, 200, { path: 'EpisodeOfCare/ID/_history' }],
    ['history of all', `${plan}/_history`, 200, { path: 'EpisodeOfCare/_history' }],
    ['search', plan, 200, { path: 'EpisodeOfCare?_include=EpisodeOfCare:organization&_revinclude=Flag:detail' }],
    ['a part of each', plan, 200, { path: 'EpisodeOfCare?_elements=period' }],
    ['a wrong parameter', plan, 400, { path: 'EpisodeOfCare?nonsense=1' }],
    ['XML', plan, 406, { path: 'EpisodeOfCare', headers: { Accept: 'application/fhir+xml' } }],
    ['search by form', `${plan}/_search`, 200, { path: 'EpisodeOfCare/_search', form: NUMBER }],
    ['no form', `${plan}/_search`, 415, { path: 'EpisodeOfCare/_search', body: {} }],
    ['Flags', '/FHIR/R4/Flag', 200, { path: 'Flag' }],
    ['authorities', '/FHIR/R4/Organization', 200, { path: 'Organization?type=authority&_count=3' }],
    ['the audit', '/FHIR/R4/AuditEvent', 200, { path: 'AuditEvent?_count=3' }],
    ['metadata', '/FHIR/R4/metadata', 200, { path: 'metadata' }],
    ['profiles', '/FHIR/R4/StructureDefinition', 200, { path: 'StructureDefinition?_count=2' }],
    ['a plan that says nothing', plan, 422, { path: 'EpisodeOfCare', body: { ...planOf({}), type: undefined } }],
    ['delete', `${plan}/{id}`, 204, { method: 'DELETE', path: 'EpisodeOfCare/ID' }],
    ['read of what is gone', `${plan}/{id}`, 410, { path: 'EpisodeOfCare/ID' }],
  ])('%s answers as it says', async (_what, path, status, { as = LA, ...request }) => {
    const here = { ...request, path: request.path?.replace('ID', planId) ?? '' }
    const answer = await server.send(as === '' ? here : { ...here, as })
    expect([answer.status, answer.text.slice(0, 300)]).toEqual([status, expect.any(String)])
    const method = request.method ?? (request.body === undefined && request.form === undefined ? 'get' : 'post')
    expectTold(answer, method.toLowerCase(), path)
  })

  test('to everyone, as JSON, with the origin of this server, and the same again', async () => {
    const answers = await Promise.all([1, 2].map(() => fetch(`${server.url}/openapi.json`)))
    for (const answer of answers) {
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json'])
      expect(await answer.json()).toEqual(build({ baseUrl: server.url, embeddedIssuer: true }))
    }
  })

  test('HEAD and OPTIONS as elsewhere; any other method is 405', async () => {
    const head = await fetch(`${server.url}/openapi.json`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    const put = await fetch(`${server.url}/openapi.json`, { method: 'PUT' })
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
  })
})
