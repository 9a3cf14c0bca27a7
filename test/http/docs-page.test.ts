/** The page at /docs: Swagger UI from this machine alone, under a strict policy, by fixed names. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { sendRaw } from '../support/raw-request.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const get = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${server.url}${path}`, init)

const FILES: readonly (readonly [path: string, type: string, holds: string])[] = [
  ['/docs', 'text/html; charset=utf-8', 'src="/docs/start.js"'],
  ['/docs/', 'text/html; charset=utf-8', 'src="/docs/start.js"'],
  ['/docs/start.js', 'text/javascript; charset=utf-8', 'SwaggerUIBundle'],
  ['/docs/page.css', 'text/css; charset=utf-8', 'margin'],
  ['/docs/swagger-ui-bundle.js', 'text/javascript; charset=utf-8', 'SwaggerUIBundle'],
  ['/docs/swagger-ui.css', 'text/css; charset=utf-8', '.swagger-ui'],
]

describe('refused', () => {
  test.each([
    '/docs/../package.json',
    '/docs/%2e%2e/package.json',
    '/docs/..%2f..%2fpackage.json',
    '/docs/%2e%2e%2f%2e%2e%2fkeys.json',
    '/docs/..\\..\\package.json',
    '/docs//start.js',
    '/docs/start.js/',
    '/docs/page.html',
    '/docs/index.html',
    '/docs/swagger-ui-bundle.js.map',
    '/docs/swagger-initializer.js',
    '/docs/absolute-path.js',
    '/docs/start.js%00.css',
  ])('%s is not found, as written on the wire', async (path) => {
    const answer = await sendRaw(server.url, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect([400, 401, 404]).toContain(answer.status)
    expect(answer.body).toContain('OperationOutcome')
  })

  test('any method but GET and HEAD', async () => {
    const answer = await get('/docs', { method: 'POST', body: 'x' })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
  })
})

describe('served', () => {
  test.each(FILES)('%s, to everyone, as %s', async (path, type, holds) => {
    const answer = await get(path)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, type])
    expect(await answer.text()).toContain(holds)
    const head = await get(path, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  test.each(FILES)('%s under a policy that runs and reaches nothing but this server', async (path) => {
    const answer = await get(path)
    const policy = new Map(
      (answer.headers.get('content-security-policy') ?? '').split('; ').map((one) => {
        const [name = '', ...sources] = one.split(' ')
        return [name, sources.join(' ')]
      }),
    )
    expect(Object.fromEntries(policy)).toEqual({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'img-src': "'self' data:",
      'connect-src': "'self'",
      'base-uri': "'none'",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
    })
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  })

  test('packed and bare are the same', async () => {
    const [packed, bare] = await Promise.all(
      ['gzip', 'identity'].map((one) => get('/docs/swagger-ui.css', { headers: { 'Accept-Encoding': one } })),
    )
    expect(packed?.headers.get('content-encoding')).toBe('gzip')
    expect(bare?.headers.get('content-encoding')).toBeNull()
    expect(await packed?.text()).toBe(await bare?.text())
  })

  test('the page has no script or style of its own inside it, and names no other host', async () => {
    const page = await (await get('/docs')).text()
    expect(page).not.toMatch(/<script(?![^>]*\ssrc="\/docs\/)|<style|style=|\son\w+=|https?:\/\//)
    const start = await (await get('/docs/start.js')).text()
    expect(start).not.toMatch(/https?:\/\//)
    expect(start).toMatch(/validatorUrl: null/)
    expect(start).toMatch(/persistAuthorization: false/)
  })

  test('the other answers keep the policy of an API: nothing at all', async () => {
    expect((await get('/health/live')).headers.get('content-security-policy')).toContain("default-src 'none'")
    expect((await get('/openapi.json')).headers.get('content-security-policy')).not.toContain('self')
  })
})
