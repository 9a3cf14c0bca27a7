/** What every answer carries: headers, the injected clock, compression where it is safe, HEAD, OPTIONS. */
import { randomUUID } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { checkOf, startTestServer, type TestServer } from '../support/server.ts'

const LA = 'la-E10000007'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

interface Wire {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** As it is on the wire: nothing is unpacked. */
async function onWire(
  path: string,
  options: { method?: string; as?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Wire> {
  const { method = 'GET', as, body } = options
  const headers = {
    ...(as === undefined ? {} : { Authorization: `Bearer ${await server.token(as)}` }),
    ...(body === undefined ? {} : { 'Content-Type': 'application/fhir+json' }),
    ...options.headers,
  }
  return await new Promise((resolve, reject) => {
    const req = httpRequest(`${server.base}/${path}`, { method, headers }, (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks) }))
    })
    req.on('error', reject)
    req.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

describe('headers', () => {
  test.each([
    ['a success', 'metadata', 200],
    ['a refusal', 'EpisodeOfCare/x', 401],
    ['an unknown address', '../nothing', 404],
  ])('%s carries the security headers once, and nothing that names the software', async (_what, path, status) => {
    const { status: got, headers } = await onWire(path)
    expect(got).toBe(status)
    expect(headers).toMatchObject({
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'strict-transport-security': expect.stringContaining('max-age='),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'content-type': 'application/fhir+json; charset=utf-8',
    })
    expect(Object.keys(headers).filter((name) => /^(x-powered-by|server|access-control-)/.test(name))).toEqual([])
  })

  test('Date comes from the injected clock', async () => {
    server.setNow('2026-10-25T01:30:00.000Z')
    expect((await onWire('metadata')).headers['date']).toBe('Sun, 25 Oct 2026 01:30:00 GMT')
    server.setNow('2026-05-03T11:00:00.000Z')
  })

  test('no other origin is let in', async () => {
    const { headers } = await onWire('metadata', { headers: { Origin: 'https://evil.example' } })
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })
})

describe('compression', () => {
  test.each(['gzip', 'br, gzip;q=0.5', '*', 'GZIP'])('over 1 kB when %s is accepted', async (accepted) => {
    const { headers, body } = await onWire('metadata', { headers: { 'Accept-Encoding': accepted } })
    expect([headers['content-encoding'], headers['vary']]).toEqual(['gzip', 'Accept-Encoding'])
    expect(JSON.parse(gunzipSync(body).toString())).toMatchObject({ resourceType: 'CapabilityStatement' })
  })

  test.each(['', 'identity', 'br', 'gzip;q=0', 'gzip; q=0.000', 'xgzip'])(
    'not when %p is accepted',
    async (accepted) => {
      const { headers, body } = await onWire('metadata', { headers: { 'Accept-Encoding': accepted } })
      expect(headers['content-encoding']).toBeUndefined()
      expect(Number(headers['content-length'])).toBe(body.length)
      expect(JSON.parse(body.toString())).toMatchObject({ resourceType: 'CapabilityStatement' })
    },
  )

  test('not under 1 kB', async () => {
    expect(
      (await onWire('Nothing', { headers: { 'Accept-Encoding': 'gzip' } })).headers['content-encoding'],
    ).toBeUndefined()
  })

  test('never the answer of a check: what the caller sent and what is private stand side by side in it', async () => {
    const answer = await onWire('Patient/$cpis-check', {
      method: 'POST',
      as: 'ed-nurse',
      body: checkOf('9995973952', 'emergency-department', { site: 'RCUEF' }),
      headers: { 'Accept-Encoding': 'gzip', 'X-Request-ID': randomUUID() },
    })
    expect(answer.status).toBe(200)
    expect(answer.body.length).toBeGreaterThan(1024)
    expect([answer.headers['content-encoding'], answer.headers['vary']]).toEqual([undefined, undefined])
  })
})

describe('HEAD and OPTIONS', () => {
  test('HEAD answers as GET, without the body', async () => {
    const [head, get] = await Promise.all([onWire('metadata', { method: 'HEAD' }), onWire('metadata')])
    expect([head.status, head.body.length]).toEqual([200, 0])
    expect(head.headers['content-length']).toBe(get.headers['content-length'])
  })

  test('HEAD of what needs a token is refused as GET is', async () => {
    expect((await onWire('EpisodeOfCare', { method: 'HEAD' })).status).toBe(401)
    expect((await onWire('EpisodeOfCare', { method: 'HEAD', as: LA })).status).toBe(200)
  })

  test.each([
    ['metadata', 'GET, HEAD, OPTIONS'],
    ['EpisodeOfCare/x', 'GET, PUT, DELETE, PATCH, HEAD, OPTIONS'],
    ['Patient/$cpis-check', 'POST, OPTIONS'],
  ])('OPTIONS of %s says what is offered and where the whole is told', async (path, allow) => {
    const { status, headers, body } = await onWire(path, { method: 'OPTIONS' })
    expect([status, headers['allow'], body.length]).toEqual([204, allow, 0])
    expect(headers['link']).toBe(`<${server.base}/metadata>; rel="service-desc"`)
  })

  test('OPTIONS of an unknown path needs a token, as everything else there', async () => {
    expect((await onWire('Nothing', { method: 'OPTIONS' })).status).toBe(401)
  })
})

describe('bodies', () => {
  test('_pretty=true is indented; without it there is one line', async () => {
    const pretty = (await onWire('metadata?_pretty=true')).body.toString()
    const plain = (await onWire('metadata')).body.toString()
    expect(pretty.split('\n').length).toBeGreaterThan(100)
    expect(plain).not.toContain('\n')
    expect(JSON.parse(pretty)).toEqual(JSON.parse(plain))
  })

  test('304 has neither body nor Content-Type', async () => {
    const found = JSON.parse((await onWire('Organization?_count=1', { as: LA })).body.toString())
    const path = `Organization/${found.entry[0].resource.id}`
    const { headers } = await onWire(path, { as: LA })
    const again = await onWire(path, { as: LA, headers: { 'If-None-Match': String(headers['etag']) } })
    expect([again.status, again.body.length, again.headers['content-type']]).toEqual([304, 0, undefined])
  })

  test('POST _search equals GET, parameters of address and form together', async () => {
    const get = await server.send({ as: LA, path: 'Organization?name=Derby&type=authority' })
    const post = await server.send({ as: LA, path: 'Organization/_search?name=Derby', form: { type: 'authority' } })
    expect(post.json).toEqual(get.json)
    const bare = await server.send({ as: LA, path: 'Organization/_search?name=Derby&type=authority', method: 'POST' })
    expect(bare.json).toEqual(get.json)
  })
})
