/** 60 requests written byte by byte on sockets (RFC 9112): what two readers could read differently is refused and the connection closed; nothing is smuggled, nothing changes, the server lives on. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { CATALOGUE } from '../../src/fhir/catalogue.ts'
import { type HostileWorld, MARKED_NAME, openHostileWorld } from './hostile-world.ts'

let world: HostileWorld
let token: string
let before: string
beforeAll(async () => {
  world = await openHostileWorld()
  token = await world.server.token(world.as)
  before = await world.state()
})
afterAll(() => world.close())

const QUIET_MS = 250
const FIRST_MS = 5_000

interface Talk {
  readonly statuses: readonly number[]
  readonly text: string
  readonly isClosed: boolean
}

/** Writes, and listens until the server closes or is quiet for a while; `half`: ends its own side after writing. */
function talk(bytes: string | Buffer, { half = false, isSilent = false } = {}): Promise<Talk> {
  const { hostname, port } = new URL(world.server.url)
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let isClosed = false
    const done = (): void => {
      socket.destroy()
      const text = Buffer.concat(chunks).toString('latin1')
      resolve({
        text,
        isClosed,
        statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status)),
      })
    }
    const socket = connect(Number(port), hostname, () => {
      socket.write(bytes)
      if (half) socket.end()
    })
    // an answer may take its time on a busy machine; what follows the first bytes comes at once
    socket.setTimeout(isSilent ? QUIET_MS : FIRST_MS, done)
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      socket.setTimeout(QUIET_MS)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      isClosed = true
      done()
    })
  })
}

const line = (...lines: readonly string[]): string => lines.join('\r\n')
const auth = (): string => `Authorization: Bearer ${token}`
const head = (method: string, path: string, ...more: readonly string[]): string =>
  `${line(`${method} ${path} HTTP/1.1`, 'Host: x', ...more)}\r\n\r\n`
const patient = (): string => JSON.stringify({ resourceType: 'Patient', name: [{ family: MARKED_NAME }] })
const smuggled = (): string =>
  head(
    'POST',
    '/FHIR/R4/Patient',
    auth(),
    'Content-Type: application/fhir+json',
    `Content-Length: ${patient().length}`,
  ) + patient()
const post = (...more: readonly string[]): string =>
  head('POST', '/FHIR/R4/EpisodeOfCare/_search', auth(), 'Content-Type: application/x-www-form-urlencoded', ...more)
const get = (...more: readonly string[]): string => head('GET', '/FHIR/R4/metadata', ...more)
const chunk = (size: string, data = ''): string => `${size}\r\n${data}\r\n`

/** What must be answered: these statuses in this order; an empty list is a closed or silent connection. */
type Case = readonly [
  words: string,
  bytes: () => string | Buffer,
  statuses: readonly (readonly number[])[],
  half?: boolean,
]
const BAD: readonly (readonly number[])[] = [[400]]

const SMUGGLING: readonly Case[] = [
  ['length and chunks', () => post('Content-Length: 5', 'Transfer-Encoding: chunked') + chunk('0') + smuggled(), BAD],
  ['chunks and length', () => post('Transfer-Encoding: chunked', 'Content-Length: 5') + chunk('0') + smuggled(), BAD],
  ['two lengths that differ', () => post('Content-Length: 0', 'Content-Length: 300') + smuggled(), BAD],
  ['two lengths that agree', () => post('Content-Length: 0', 'Content-Length: 0') + smuggled(), BAD],
  ['a list of lengths', () => post('Content-Length: 0, 300') + smuggled(), BAD],
  ['a length with a sign', () => post('Content-Length: +5') + smuggled(), BAD],
  ['a negative length', () => post('Content-Length: -5') + smuggled(), BAD],
  ['a length in hexadecimal', () => post('Content-Length: 0x10') + smuggled(), BAD],
  ['a length with letters', () => post('Content-Length: 5abc') + smuggled(), BAD],
  ['a length beyond 64 bits', () => post('Content-Length: 99999999999999999999999') + smuggled(), BAD],
  ['an empty length', () => post('Content-Length: ') + smuggled(), BAD],
  ['an unknown coding', () => post('Transfer-Encoding: xchunked') + smuggled(), BAD],
  ['chunked twice', () => post('Transfer-Encoding: chunked, chunked') + chunk('0') + smuggled(), BAD],
  ['chunked before identity', () => post('Transfer-Encoding: chunked, identity') + chunk('0') + smuggled(), BAD],
  [
    'two codings in two lines',
    () => post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity') + chunk('0') + smuggled(),
    BAD,
  ],
  ['a space before the colon', () => post('Transfer-Encoding : chunked') + chunk('0') + smuggled(), BAD],
  ['a vertical tab before the coding', () => post('Transfer-Encoding: \x0bchunked') + chunk('0') + smuggled(), BAD],
  ['a header after a bare line feed', () => post('X: y\nTransfer-Encoding: chunked') + chunk('0') + smuggled(), BAD],
  [
    'a header after a bare carriage return',
    () => post('X: y\rTransfer-Encoding: chunked') + chunk('0') + smuggled(),
    BAD,
  ],
  ['a folded coding', () => post('Transfer-Encoding:', ' chunked') + chunk('0') + smuggled(), BAD],
]

const CHUNKS: readonly Case[] = [
  ['a size that is no number', () => post('Transfer-Encoding: chunked') + chunk('zz', 'x') + smuggled(), BAD],
  ['a negative size', () => post('Transfer-Encoding: chunked') + chunk('-1', 'x') + smuggled(), BAD],
  ['a size with a sign', () => post('Transfer-Encoding: chunked') + chunk('+1', 'x') + smuggled(), BAD],
  ['a size with 0x', () => post('Transfer-Encoding: chunked') + chunk('0x1', 'x') + smuggled(), BAD],
  [
    'a size beyond 64 bits',
    () => post('Transfer-Encoding: chunked') + chunk('fffffffffffffffff', 'x') + smuggled(),
    BAD,
  ],
  ['more data than the size says', () => post('Transfer-Encoding: chunked') + chunk('1', 'xyz') + smuggled(), BAD],
  [
    'a line feed alone behind the data',
    () => `${post('Transfer-Encoding: chunked')}1\r\nx\n0\r\n\r\n${smuggled()}`,
    BAD,
  ],
  [
    'an extension of a chunk of 20 kB',
    () => post('Transfer-Encoding: chunked') + chunk(`1;${'a'.repeat(20_000)}`, 'x') + chunk('0'),
    BAD,
  ],
  [
    'a trailer that would be a token',
    () =>
      `${head('POST', '/FHIR/R4/EpisodeOfCare/_search', 'Content-Type: application/x-www-form-urlencoded', 'Transfer-Encoding: chunked')}0\r\n${auth()}\r\n\r\n`,
    [[401]],
  ],
  ['chunks that never end', () => post('Transfer-Encoding: chunked') + chunk('1', 'x'), []],
  ['chunks that end well', () => post('Transfer-Encoding: chunked') + chunk('8', '_count=1') + chunk('0'), [[200]]],
  [
    'chunks in HTTP/1.0',
    () =>
      `${line('POST /FHIR/R4/EpisodeOfCare/_search HTTP/1.0', 'Host: x', auth(), 'Transfer-Encoding: chunked')}\r\n\r\n${chunk('0')}`,
    [[400, 415]],
  ],
]

const HEADERS: readonly Case[] = [
  ['no Host', () => `GET /FHIR/R4/metadata HTTP/1.1\r\n\r\n`, BAD],
  ['two Hosts', () => get('Host: y'), BAD],
  ['two Hosts that agree', () => get('Host: x'), BAD],
  ['two tokens', () => get('Authorization: Bearer a', 'Authorization: Bearer b'), BAD],
  ['two content types', () => post('Content-Type: application/fhir+json', 'Content-Length: 0'), BAD],
  [
    'two request ids',
    () =>
      get('X-Request-ID: 7f0c9c7a-3b60-4f6e-9d3d-4b8a5f1c1001', 'X-Request-ID: 7f0c9c7a-3b60-4f6e-9d3d-4b8a5f1c1002'),
    BAD,
  ],
  ['a NUL in a value', () => get('X-A: a\0b'), BAD],
  ['a NUL in a name', () => get('X\0A: b'), BAD],
  ['a header without a name', () => get(': b'), BAD],
  ['a header without a colon', () => get('nonsense'), BAD],
  ['bytes above 127 in a name', () => Buffer.from(get('X-\xff: b'), 'latin1'), BAD],
  ['one header of 20 kB', () => get(`X-A: ${'a'.repeat(20_000)}`), [[431]]],
  ['5,000 headers', () => get(...Array.from({ length: 5000 }, (_, at) => `X-${at}: a`)), [[431]]],
  [
    'a token of 15 kB',
    () => head('GET', '/FHIR/R4/EpisodeOfCare', `Authorization: Bearer ${'a'.repeat(15_000)}`),
    [[401]],
  ],
  ['an upgrade to websocket', () => get('Connection: Upgrade', 'Upgrade: websocket'), [[200]]],
  [
    'an upgrade to HTTP/2',
    () => get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'),
    [[200]],
  ],
]

const LINES: readonly Case[] = [
  ['no HTTP at all', () => 'hello\r\n\r\n', BAD],
  ['the hello of TLS', () => Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc]), BAD],
  ['the preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', BAD],
  ['HTTP/0.9', () => 'GET /FHIR/R4/metadata\r\n\r\n', [[200, 400]]],
  ['HTTP/1.0 without a Host', () => 'GET /health/live HTTP/1.0\r\n\r\n', [[200]]],
  ['an absolute address', () => head('GET', 'http://elsewhere.example/FHIR/R4/EpisodeOfCare', auth()), [[404]]],
  ['CONNECT', () => head('CONNECT', 'elsewhere.example:443'), []],
  ['a space in the address', () => head('GET', '/FHIR/R4/meta data'), BAD],
  ['a NUL in the address', () => head('GET', '/FHIR/R4/meta\0data'), BAD],
  ['an escaped NUL in the address', () => head('GET', '/FHIR/R4/EpisodeOfCare/%00', auth()), [[404]]],
  ['a line end in the address', () => head('GET', '/FHIR/R4/x%0d%0aX-Injected:%201', auth()), [[404]]],
  ['an address of 20 kB', () => head('GET', `/FHIR/R4/Patient?name=${'a'.repeat(20_000)}`), [[431]]],
  ['dots that leave the base', () => head('GET', '/FHIR/R4/../../health/live'), [[401, 404]]],
  ['a method of 10 kB', () => head('A'.repeat(10_000), '/'), BAD],
  ['half a request', () => 'GET /FHIR/R4/meta', BAD, true],
  ['half a head', () => line('GET /FHIR/R4/metadata HTTP/1.1', 'Host: x', 'X-'), BAD, true],
  ['half a body', () => `${post('Content-Length: 100')}_count=1`, [], true],
  ['a body that GET did not announce', () => `${get()}{"resourceType":"Patient"}\r\n\r\n`, [[200], [400]]],
  ['ten requests at once', () => get().repeat(10), Array.from({ length: 10 }, () => [200])],
  ['a refused request before a good one', () => head('GET', '/FHIR/R4/EpisodeOfCare') + get(), [[401], [200]]],
]

const CASES = [...SMUGGLING, ...CHUNKS, ...HEADERS, ...LINES]

test('there are at least 60', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(60)
})

describe('each is answered as it must be, and no more', () => {
  // rest parameters: with a fourth one of its own jest would hand in a callback and wait for it
  test.each(CASES)('%s', async (...[, bytes, statuses, half]: Case) => {
    const {
      statuses: seen,
      text,
      isClosed,
    } = await talk(bytes(), { half: half === true, isSilent: statuses.length === 0 })
    // A fault in a body that is being read already closes the connection without a word
    const isCut = isClosed && seen.length === 0 && statuses.some((one) => one.includes(400))
    if (!isCut) expect([seen.length, text.slice(0, 400)]).toEqual([statuses.length, text.slice(0, 400)])
    for (const [at, status] of seen.entries()) expect(statuses[at]).toContain(status)
    expect(seen.filter((status) => status >= 500)).toEqual([])
    expect(text).not.toContain(MARKED_NAME)
    expect(text).not.toMatch(/<html|X-Injected/i)
    // Who sent what cannot be told apart is not listened to any longer
    if (seen.at(-1) === 400 && /INVALID_HEADER/.test(text) && /not well-formed HTTP/.test(text))
      expect(isClosed).toBe(true)
    const codes = [...text.matchAll(/cpis-error","code":"(\w+)"/g)].map(([, code = '']) => code)
    expect(codes.filter((code) => !Object.hasOwn(CATALOGUE, code))).toEqual([])
  })
})

test('no Patient was smuggled in, nothing stood still, and the server lives on', async () => {
  expect(await world.state()).toBe(before)
  await world.checkRest()
})
