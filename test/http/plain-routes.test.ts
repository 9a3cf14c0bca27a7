/** What is served beside FHIR: health, keys, SMART configuration, tokens, metrics; and what log and metrics never hold. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { pino } from 'pino'
import { startMetricsServer } from '../../src/http/metrics-server.ts'
import { sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { postToken, tokenForm } from '../support/tokens.ts'

const lines: string[] = []
let server: TestServer
beforeAll(async () => {
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  server = await startTestServer({ overrides: { log } })
})
afterAll(() => server.close())

const get = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${server.url}${path}`, init)

describe('refused', () => {
  test.each([
    ['POST', '/health/live', 405, 'GET, HEAD, OPTIONS'],
    ['DELETE', '/.well-known/jwks.json', 405, 'GET, HEAD, OPTIONS'],
    ['GET', '/oauth2/token', 405, 'POST, OPTIONS'],
  ])('%s %s is %s with Allow', async (method, path, status, allow) => {
    const response = await get(path, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([status, allow])
    expect(await response.json()).toMatchObject({ resourceType: 'OperationOutcome' })
  })

  test.each([
    ['JSON', 'application/json', '{}', 415],
    ['a form of 100 kB', 'application/x-www-form-urlencoded', `a=${'x'.repeat(100_000)}`, 413],
    ['a form that is not UTF-8', 'application/x-www-form-urlencoded', 'a=%ff', 400],
  ])('a token request of %s', async (_what, type, body, status) => {
    const response = await get('/oauth2/token', { method: 'POST', headers: { 'Content-Type': type }, body })
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toMatch(/json/)
  })

  test('a parameter that stands twice reaches the token endpoint twice, and is refused there', async () => {
    const form = await tokenForm(server, 'ed-nurse')
    const answer = await postToken(server, [...form, ['grant_type', 'client_credentials']])
    expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_request'])
  })

  test('a replayed assertion is refused, and leaves an audit record without a caller', async () => {
    const form = await tokenForm(server, 'ed-nurse')
    expect((await postToken(server, form)).status).toBe(200)
    const again = await postToken(server, form)
    expect(again.status).toBe(401)
    expect(again.headers.get('cache-control')).toBe('no-store')
    const requestId = again.headers.get('x-request-id')
    const all = await server.context.store.read.audits({ from: '2026-01-01T00:00:00.000Z', limit: 500 })
    const [record] = all.filter((one) => one.requestId === requestId)
    expect([record?.route, record?.status, record?.caller.kind]).toEqual(['oauth2/token', 401, 'nobody'])
  })
})

describe('served', () => {
  test.each([
    ['/health/live', { status: 'live' }],
    ['/health/ready', { status: 'ready', reasons: [] }],
    ['/.well-known/jwks.json', { keys: [expect.objectContaining({ kty: 'EC', alg: 'ES256', use: 'sig' })] }],
    ['/.well-known/webhook-keys.json', { keys: [expect.objectContaining({ kty: 'OKP', crv: 'Ed25519' })] }],
    [
      '/FHIR/R4/.well-known/smart-configuration',
      expect.objectContaining({ capabilities: ['client-confidential-asymmetric', 'permission-v2'] }),
    ],
  ])('%s, to everyone, as JSON', async (path, body) => {
    const response = await get(path)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    const json: unknown = await response.json()
    expect(json).toEqual(body)
    expect(JSON.stringify(json)).not.toContain('"d":')
    const head = await get(path, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  test('the SMART configuration names the token endpoint that answers', async () => {
    const json = (await (await get('/FHIR/R4/.well-known/smart-configuration')).json()) as { token_endpoint: string }
    expect(json.token_endpoint).toBe(`${server.url}/oauth2/token`)
  })
})

test('metrics have a port of their own, and tell routes by template', async () => {
  await sendCheck(server, '9996621235')
  const metrics = await startMetricsServer(server.context.metrics, '127.0.0.1', 0)
  const text = await (await fetch(`http://127.0.0.1:${metrics.port}/metrics`)).text()
  const other = await fetch(`http://127.0.0.1:${metrics.port}/`)
  await metrics.close()
  expect(text).toContain('cpis_request_seconds_count{route="Patient/$cpis-check",status="200"} 1')
  expect(other.status).toBe(404)
  expect((await get('/metrics')).status).toBe(404)
})

test('neither log nor metrics hold a number, a name, an address as sent or a token', async () => {
  const number = '9995973952'
  const token = await server.token('ed-nurse')
  await sendCheck(server, number, { site: 'RCUEF' })
  await server.send({ as: 'la-E08000019', path: 'EpisodeOfCare/_search', form: { 'patient:identifier': number } })
  await server.send({ as: 'la-E08000019', path: `Patient?identifier=${number}` })
  await server.send({ as: 'la-E08000019', path: 'Organization?name=Canary-Word' })
  await server.send({ as: 'la-E08000019', path: 'Canary-Word/x' })
  await server.send({ method: 'CANARY-WORD'.slice(0, 3), path: 'Canary-Word' }).catch(() => undefined)
  const everything = lines.join('') + (await server.context.metrics.registry.metrics())
  expect(everything).not.toMatch(new RegExp(`${number}|Canary|Khan|${token.slice(-20)}`))
  const [line] = lines.filter((one) => one.includes('"route":"Patient/$cpis-check"')).map((one) => JSON.parse(one))
  expect(Object.keys(line).sort()).toEqual(
    [
      'client',
      'hostname',
      'kind',
      'level',
      'method',
      'ms',
      'msg',
      'organization',
      'pid',
      'requestId',
      'route',
      'status',
      'time',
    ].sort(),
  )
})
