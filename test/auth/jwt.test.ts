import { createHmac, createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { hasValidSignature, parseJwt, signJwt } from '../../src/auth/jwt.ts'
import { findKey, parseKeySet } from '../../src/auth/key-set.ts'
import { handMadeJwt } from '../support/tokens.ts'

const HEADER = { alg: 'ES256', typ: 'JWT', kid: 'k1' }
const PRIVATE: JsonWebKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const { d: _, ...PUBLIC } = PRIVATE
const GOOD = handMadeJwt(HEADER, { sub: 'x' }, PRIVATE)
const [HEAD = '', BODY = '', SIGNATURE = ''] = GOOD.split('.')

function encoded(text: string | Uint8Array): string {
  return Buffer.from(text).toString('base64url')
}

describe('parseJwt takes nothing that could be read two ways', () => {
  test.each([
    ['an empty text', ''],
    ['two segments', `${HEAD}.${BODY}`],
    ['four segments', `${GOOD}.x`],
    ['five segments, as encrypted tokens have', `${GOOD}.x.x`],
    ['an unsigned token', `${HEAD}.${BODY}.`],
    ['padding', `${HEAD}=.${BODY}.${SIGNATURE}`],
    ['base64 letters that are not base64url', `${HEAD}.${BODY}+/.${SIGNATURE}`],
    ['a space', ` ${GOOD}`],
    ['a line end', `${GOOD}\n`],
    ['claims that are no JSON', `${HEAD}.${encoded('sub')}.${SIGNATURE}`],
    ['claims that are a list', `${HEAD}.${encoded('[1]')}.${SIGNATURE}`],
    ['claims that are null', `${HEAD}.${encoded('null')}.${SIGNATURE}`],
    ['claims that are not UTF-8', `${HEAD}.${encoded(Buffer.from('{"a":"\xff"}', 'latin1'))}.${SIGNATURE}`],
    ['a header that is a text', `${encoded('"ES256"')}.${BODY}.${SIGNATURE}`],
    ['a claim that stands twice', handMadeJwt(HEADER, '{"sub":"a","sub":"b"}', PRIVATE)],
    ['a claim that stands twice, once escaped', handMadeJwt(HEADER, '{"sub":"a","s\\u0075b":"b"}', PRIVATE)],
    ['a name that stands twice deep inside', handMadeJwt(HEADER, '{"a":[{"b":{"c":1,"c":2}}]}', PRIVATE)],
    ['more than 16,384 characters', handMadeJwt(HEADER, { sub: 'x'.repeat(13_000) }, PRIVATE)],
    ['no alg', handMadeJwt({ typ: 'JWT', kid: 'k1' }, {}, PRIVATE)],
    ['an alg that is no text', handMadeJwt({ ...HEADER, alg: ['ES256'] }, {}, PRIVATE)],
    ['no kid', handMadeJwt({ alg: 'ES256', typ: 'JWT' }, {}, PRIVATE)],
    ['an empty kid', handMadeJwt({ ...HEADER, kid: '' }, {}, PRIVATE)],
    ['a kid that is a query', handMadeJwt({ ...HEADER, kid: { $ne: '' } }, {}, PRIVATE)],
    ['a typ that is no text', handMadeJwt({ ...HEADER, typ: 1 }, {}, PRIVATE)],
    ['jku', handMadeJwt({ ...HEADER, jku: 'https://evil.example/keys' }, {}, PRIVATE)],
    ['jwk', handMadeJwt({ ...HEADER, jwk: PUBLIC }, {}, PRIVATE)],
    ['x5u', handMadeJwt({ ...HEADER, x5u: 'https://evil.example/cert' }, {}, PRIVATE)],
    ['x5c', handMadeJwt({ ...HEADER, x5c: ['MII'] }, {}, PRIVATE)],
    ['crit', handMadeJwt({ ...HEADER, crit: ['exp'], exp: 1 }, {}, PRIVATE)],
    ['b64', handMadeJwt({ ...HEADER, b64: false }, {}, PRIVATE)],
    ['zip', handMadeJwt({ ...HEADER, zip: 'DEF' }, {}, PRIVATE)],
  ])('%s', (_name, text) => {
    expect(parseJwt(text)).toBeUndefined()
  })

  test('a deep nest is refused without harm', () => {
    const deep = handMadeJwt(HEADER, `{"a":${'['.repeat(6000)}${']'.repeat(6000)}}`, PRIVATE)
    expect(() => parseJwt(deep)).not.toThrow()
  })

  test('a good one is taken apart, typ in lower case and without application/', () => {
    expect(parseJwt(handMadeJwt({ ...HEADER, typ: 'application/AT+JWT' }, { sub: 'x' }, PRIVATE))).toMatchObject({
      alg: 'ES256',
      kid: 'k1',
      typ: 'at+jwt',
      claims: { sub: 'x' },
    })
  })

  test('equal names in different objects are no repetition', () => {
    expect(parseJwt(handMadeJwt(HEADER, '{"a":{"n":1},"b":[{"n":1},{"n":"n"}],"n":2}', PRIVATE))).toBeDefined()
  })
})

describe('hasValidSignature', () => {
  const parsed = (text: string): NonNullable<ReturnType<typeof parseJwt>> => {
    const jwt = parseJwt(text)
    if (jwt === undefined) throw new Error('not parsed')
    return jwt
  }

  test('refuses changed claims, another key, and an HMAC made with the public key', async () => {
    const other: JsonWebKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
    const pem = createPublicKey({ key: PUBLIC, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
    const unsigned = handMadeJwt({ ...HEADER, alg: 'HS256' }, { sub: 'x' })
    const hmac = unsigned + createHmac('sha256', pem).update(unsigned.slice(0, -1)).digest('base64url')
    const bad = [`${HEAD}.${encoded('{"sub":"y"}')}.${SIGNATURE}`, handMadeJwt(HEADER, { sub: 'x' }, other), hmac]
    for (const text of bad) expect(await hasValidSignature(parsed(text), { ...PUBLIC })).toBe(false)
  })

  test('agrees with a signature made by node:crypto, and signJwt makes one that it takes', async () => {
    expect(await hasValidSignature(parsed(GOOD), { ...PUBLIC })).toBe(true)
    const made = await signJwt(HEADER, { sub: 'x' }, { ...PRIVATE })
    expect(await hasValidSignature(parsed(made), { ...PUBLIC })).toBe(true)
  })
})

describe('key sets', () => {
  const key = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid: 'k1' }

  test.each([
    ['no object', 'keys'],
    ['no keys', {}],
    ['keys that are no list', { keys: key }],
    ['a private key', { keys: [key, { ...key, kid: 'k2', d: 'secret' }] }],
    ['a symmetric key', { keys: [{ kty: 'oct', k: 'secret', kid: 'k1' }] }],
  ])('%s is no key set', (_name, value) => {
    expect(parseKeySet(value)).toBeUndefined()
  })

  test('keys for encryption, without kid, of unknown kind or of short RSA are left out', () => {
    const { kid, ...nameless } = key
    const short = { kty: 'RSA', n: 'n'.repeat(171), e: 'AQAB', kid }
    const keys = [{ ...key, use: 'enc' }, nameless, { kty: 'AKP', kid }, short, 7, null]
    expect(parseKeySet({ keys })).toEqual([])
  })

  test.each([
    ['another kid', 'k2', 'ES256'],
    ['an algorithm of another curve', 'k1', 'ES384'],
    ['an algorithm of another kind', 'k1', 'RS256'],
    ['a symmetric algorithm', 'k1', 'HS256'],
    ['none', 'k1', 'none'],
    ['a name of Object.prototype', 'k1', 'constructor'],
  ])('no key for %s', (_name, kid, alg) => {
    expect(findKey([key], kid, alg)).toBeUndefined()
  })

  test('no key when two fit: which one is meant is not known', () => {
    expect(findKey([key, { ...key, x: 'z' }], 'k1', 'ES256')).toBeUndefined()
  })

  test('no key when the key is for another algorithm by its own word', () => {
    expect(findKey([{ ...key, alg: 'ES512' }], 'k1', 'ES256')).toBeUndefined()
  })

  test('the key that fits by kid and algorithm together', () => {
    const curve384 = { ...key, crv: 'P-384' }
    expect(findKey([key, curve384], 'k1', 'ES384')).toBe(curve384)
  })
})
