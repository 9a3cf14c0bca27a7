/** When the server itself cannot: 503 with Retry-After, 500 with a fixed phrase, never a value, a stack or a half answer. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { pino } from 'pino'
import type { Context } from '../../src/context.ts'
import { buildInFlight } from '../../src/http/in-flight.ts'
import { type Store, StoreError } from '../../src/store/store.ts'
import { createRow, publicRow, startOwnApp } from '../support/http-world.ts'
import { sendRaw } from '../support/raw-request.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { waitFor } from '../support/wait-for.ts'

const NUMBER = '9995973952'
const LA = 'la-E10000007'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

function loggingContext(more: Partial<Context> = {}): { context: Context; lines: string[] } {
  const lines: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  return { context: { ...server.context, log, ...more }, lines }
}

/** A store of which some methods fail. */
function failingStore(broken: Partial<Store>): Store {
  return Object.assign(Object.create(server.context.store) as Store, broken)
}

describe('a fault of the program', () => {
  test('is 500 with a fixed phrase; the log has its class and places, not its words', async () => {
    const { context, lines } = loggingContext()
    const app = await startOwnApp(context, [
      publicRow(() => Promise.reject(new RangeError(`the child ${NUMBER} has no shoes`))),
    ])
    const response = await fetch(`${app.base}/metadata`)
    const text = await response.text()
    await app.http.close()
    expect(response.status).toBe(500)
    expect(JSON.parse(text).issue[0].details.coding[0].code).toBe('INTERNAL')
    expect(text).not.toMatch(/shoes|RangeError|at /)
    const log = lines.join('')
    expect(log).toContain('RangeError')
    expect(log).toContain('faults.test.ts')
    expect(log).not.toMatch(new RegExp(`shoes|${NUMBER}`))
  })

  test('in what a story gives back is 500 too', async () => {
    const { context } = loggingContext()
    const loop: Record<string, unknown> = { resourceType: 'Basic' }
    loop['self'] = loop
    const app = await startOwnApp(context, [publicRow(async () => ({ status: 200, resource: loop as never }))])
    const response = await fetch(`${app.base}/metadata`)
    expect([response.status, ((await response.json()) as { resourceType: string }).resourceType]).toEqual([
      500,
      'OperationOutcome',
    ])
    await app.http.close()
  })
})

describe('a database that does not answer', () => {
  test('while reading is 503 with Retry-After', async () => {
    const { context } = loggingContext()
    const app = await startOwnApp(context, [publicRow(() => Promise.reject(new StoreError('transient', 'gone')))])
    const response = await fetch(`${app.base}/metadata`)
    await app.http.close()
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2'])
    expect(await response.json()).toMatchObject({ issue: [{ code: 'transient' }] })
  })

  test('when the audit is written lets nothing out: the story’s answer is not sent', async () => {
    const store = failingStore({ appendAudit: () => Promise.reject(new StoreError('transient', 'gone')) })
    const { context } = loggingContext({ store })
    const app = await startOwnApp(context, [
      createRow(async () => ({ status: 200, resource: { resourceType: 'Patient', id: 'secret' } })),
    ])
    const response = await fetch(`${app.base}/Patient`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${await server.token(LA)}`, 'Content-Type': 'application/fhir+json' },
      body: '{}',
    })
    const text = await response.text()
    await app.http.close()
    expect(response.status).toBe(503)
    expect(text).not.toContain('secret')
  })

  test('makes the server not ready, with the reason; it still lives', async () => {
    const store = failingStore({ ping: () => Promise.reject(new StoreError('transient', 'gone')) })
    const app = await startOwnApp(loggingContext({ store }).context, [])
    const ready = await fetch(`${app.url}/health/ready`)
    const live = await fetch(`${app.url}/health/live`)
    expect([ready.status, live.status]).toEqual([503, 200])
    expect(await ready.json()).toEqual({ status: 'not ready', reasons: ['The database does not answer.'] })
    await app.http.close()
  })
})

describe('too much at once', () => {
  test('beyond the bound of requests in flight 503 is said at once, and counted; what is in flight is answered', async () => {
    const { context } = loggingContext()
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let entered = 0
    const row = publicRow(async () => {
      entered += 1
      await held
      return { status: 200, resource: { resourceType: 'Basic', code: {} } }
    })
    const app = await startOwnApp(context, [row], { inFlight: buildInFlight({ requests: 2, bodyBytes: 1000 }) })
    const waiting = [fetch(`${app.base}/metadata`), fetch(`${app.base}/metadata`)]
    await waitFor('two in flight', () => entered === 2)
    const turnedAway = await fetch(`${app.base}/metadata`)
    expect([turnedAway.status, turnedAway.headers.get('retry-after')]).toEqual([503, '1'])
    release()
    expect((await Promise.all(waiting)).map((one) => one.status)).toEqual([200, 200])
    expect((await fetch(`${app.base}/metadata`)).status).toBe(200)
    await app.http.close()
  })

  test('beyond the bound of bytes a body is not read', async () => {
    const { context } = loggingContext()
    const row = createRow(async () => ({ status: 200 }))
    const app = await startOwnApp(context, [row], { inFlight: buildInFlight({ requests: 10, bodyBytes: 100 }) })
    const post = async (length: number): Promise<number> => {
      const headers = { Authorization: `Bearer ${await server.token(LA)}`, 'Content-Type': 'application/fhir+json' }
      return (await fetch(`${app.base}/Patient`, { method: 'POST', headers, body: `{"x":"${'y'.repeat(length)}"}` }))
        .status
    }
    expect([await post(500), await post(10), await post(10)]).toEqual([503, 200, 200])
    await app.http.close()
  })
})

describe('callers that do not go on', () => {
  test('a caller that leaves in the middle of its body is forgotten: the story never runs', async () => {
    const { context, lines } = loggingContext()
    let ran = 0
    const app = await startOwnApp(context, [
      createRow(async () => {
        ran += 1
        return { status: 200 }
      }),
    ])
    const { port } = new URL(app.url)
    const socket = connect(Number(port), '127.0.0.1')
    await once(socket, 'connect')
    const token = await server.token(LA)
    socket.write(
      `POST /FHIR/R4/Patient HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/fhir+json\r\nContent-Length: 100\r\n\r\n{"half"`,
    )
    socket.end()
    socket.destroySoon()
    await waitFor('its log line', () => lines.some((line) => line.includes('"status":499')))
    expect(ran).toBe(0)
    await app.http.close()
  })

  test('a caller that does not finish its headers, or its body, is cut', async () => {
    const { context } = loggingContext()
    const times = { headersTimeout: 200, requestTimeout: 400, connectionsCheckingInterval: 50 }
    const app = await startOwnApp(context, [createRow(async () => ({ status: 200 }))], { times })
    const slow = await sendRaw(app.url, 'GET /FHIR/R4/metadata HTTP/1.1\r\nHost: x\r\n')
    expect(slow.status).toBe(408)
    const token = await server.token(LA)
    const half = `POST /FHIR/R4/Patient HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/fhir+json\r\nContent-Length: 100\r\n\r\n{`
    await expect(sendRaw(app.url, half)).rejects.toThrow('closed without an answer')
    await app.http.close()
  })
})

test('connections on which nothing is ever said are cut, all of them', async () => {
  const { context } = loggingContext()
  const times = { headersTimeout: 200, requestTimeout: 400, connectionsCheckingInterval: 50 }
  const app = await startOwnApp(context, [createRow(async () => ({ status: 200 }))], { times })
  const { port } = new URL(app.url)
  const sockets = Array.from({ length: 200 }, () => connect(Number(port), '127.0.0.1').on('error', () => undefined))
  let closed = 0
  for (const socket of sockets) {
    socket.resume()
    socket.on('close', () => {
      closed += 1
    })
  }
  await waitFor('all to be cut', () => closed === sockets.length)
  await app.http.close()
})

test('before there is an app, and while none is served, 503 is said', async () => {
  const { listenHttp } = await import('../../src/http/http-server.ts')
  const http = await listenHttp({ host: '127.0.0.1', port: 0, clock: server.context.clock })
  const response = await fetch(`http://127.0.0.1:${http.port}/FHIR/R4/metadata`)
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2'])
  expect(await response.json()).toMatchObject({ resourceType: 'OperationOutcome' })
  await http.close()
})

test('closing lets what is in flight end, and cuts what does not', async () => {
  const { context } = loggingContext()
  let entered = 0
  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const row = publicRow(async () => {
    entered += 1
    await held
    return { status: 200, resource: { resourceType: 'Basic', code: {} } }
  })
  const app = await startOwnApp(context, [row])
  const inFlight = fetch(`${app.base}/metadata`)
  await waitFor('it in flight', () => entered === 1)
  const closed = app.http.close()
  release()
  expect((await inFlight).status).toBe(200)
  await closed
  await expect(fetch(`${app.base}/metadata`)).rejects.toThrow()
  let stuckIn = 0
  const forever = publicRow(() => {
    stuckIn += 1
    return new Promise(() => {})
  })
  const stuck = await startOwnApp(context, [forever])
  const never = expect(fetch(`${stuck.base}/metadata`)).rejects.toThrow()
  await waitFor('it in flight', () => stuckIn === 1)
  await stuck.http.close(100)
  await never
})
