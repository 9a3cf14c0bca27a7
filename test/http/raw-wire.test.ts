/** Requests that are not well-formed HTTP, or that two readers would read differently: an OperationOutcome or a closed connection, and the next request is answered. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { sendRaw } from '../support/raw-request.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const GET = 'GET /FHIR/R4/metadata HTTP/1.1\r\nHost: x\r\n'

test.each([
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  ['binary', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]), 400],
  ['an unknown method', `BREW${GET.slice(3)}\r\n`, 400],
  ['an unknown version', 'GET / HTTP/9.9\r\nHost: x\r\n\r\n', 400],
  ['no Host', 'GET /FHIR/R4/metadata HTTP/1.1\r\n\r\n', 400],
  ['two Hosts', `${GET}Host: y\r\n\r\n`, 400],
  ['two tokens', `${GET}Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n`, 400],
  ['two request ids', `${GET}X-Request-ID: a\r\nX-Request-ID: b\r\n\r\n`, 400],
  ['a header without a colon', `${GET}nonsense\r\n\r\n`, 400],
  ['a folded header', `${GET}X-A: 1\r\n  2\r\n\r\n`, 400],
  ['a space before the colon', `${GET}X-A : 1\r\n\r\n`, 400],
  ['a NUL in a header', `${GET}X-A: a\0b\r\n\r\n`, 400],
  ['two lengths', 'POST /FHIR/R4 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx', 400],
  [
    'length and chunks',
    'POST /FHIR/R4 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['a negative length', 'POST /FHIR/R4 HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', 400],
  ['headers of 20 kB', `${GET}X-A: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
  ['an address of 20 kB', `GET /FHIR/R4/Patient?name=${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
  ['an address that is no address', 'GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n', 404],
  ['an absolute address', 'GET http://x/FHIR/R4/metadata HTTP/1.1\r\nHost: x\r\n\r\n', 404],
  ['two slashes', 'GET //FHIR/R4/metadata HTTP/1.1\r\nHost: x\r\n\r\n', 404],
  ['dots', 'GET /FHIR/R4/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n', 401],
  ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n', 404],
  ['TRACE', 'TRACE /FHIR/R4/metadata HTTP/1.1\r\nHost: x\r\n\r\n', 405],
])('%s is answered with %s', async (_what, bytes, status) => {
  const answer = await sendRaw(server.url, bytes)
  expect(answer.status).toBe(status)
  expect(answer.head).not.toMatch(/html/i)
  if (answer.body !== '') expect(JSON.parse(answer.body)).toMatchObject({ resourceType: 'OperationOutcome' })
  expect((await server.send({ path: 'metadata' })).status).toBe(200)
})

test('a caller that waits for 100 Continue is refused without it, and the connection is closed', async () => {
  const head = `POST /FHIR/R4 HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nContent-Length: 5\r\nExpect: 100-continue\r\n`
  const answer = await sendRaw(server.url, `${head}\r\n`)
  expect(answer.status).toBe(401)
  expect(answer.head).toMatch(/\r\nconnection: close/i)
})

test('a caller that waits for 100 Continue gets it when its body is wanted', async () => {
  const token = await server.token('la-E10000007')
  const answer = await sendRaw(
    server.url,
    `POST /FHIR/R4 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/fhir+json\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`,
  ).catch((error: Error) => error)
  // The 100 is all that comes until the body is sent
  expect(answer).toMatchObject({ status: 100 })
})

test('an announced body of 1 GB is refused at once, and the connection is closed', async () => {
  const token = await server.token('la-E10000007')
  const answer = await sendRaw(
    server.url,
    `POST /FHIR/R4 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/fhir+json\r\nContent-Length: 1000000000\r\n\r\n{`,
  )
  expect(answer.status).toBe(413)
  expect(answer.head).toMatch(/\r\nconnection: close/i)
})

test('several requests on one connection are each answered, whatever became of the one before', async () => {
  const refused = 'POST /FHIR/R4/Patient HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc'
  const answer = await sendRaw(
    server.url,
    `${refused}${GET}Connection: close\r\nAccept-Encoding: identity\r\n\r\n`,
    5000,
  )
  expect(answer.status).toBe(401)
  const both = await readAll(`${refused}${GET}Connection: close\r\n\r\n`)
  expect(both.match(/HTTP\/1\.1 (\d+)/g)).toEqual(['HTTP/1.1 401', 'HTTP/1.1 200'])
})

async function readAll(bytes: string): Promise<string> {
  const { connect } = await import('node:net')
  const { hostname, port } = new URL(server.url)
  return await new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
  })
}
