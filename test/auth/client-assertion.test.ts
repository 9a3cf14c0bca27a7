import { createHmac, generateKeyPairSync, type JsonWebKey, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parseClients } from '../../src/auth/registered-clients.ts'
import { revokeClient } from '../../src/auth/revocations.ts'
import { signAssertion, signIdToken } from '../../src/auth/sandbox-token.ts'
import { type AuthWorld, ENDPOINT, type Form, openAuthWorld, withField } from '../support/auth-world.ts'
import { handMadeJwt } from '../support/tokens.ts'

const CLIENT_ID = 'la-E10000007'
const ED25519 = newKey('ed25519')
const RSA = newKey('rsa')
const EC = newKey('ec')
const HOSTED = newKey('ec')

function newKey(kind: 'ed25519' | 'rsa' | 'ec'): JsonWebKey {
  if (kind === 'ed25519') return generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })
  return generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' })
}

function publicPart({ kty, crv, x, y, n, e }: JsonWebKey, kid: string): object {
  return { kty, crv, x, y, n, e, kid }
}

/** Clients of CPIS_CLIENTS beside the sandbox's: one with a key of each kind, one with its keys at a URL. */
const MORE = {
  clients: [
    {
      clientId: 'acme',
      kind: 'la-supplier',
      authorities: ['E10000007', 'E06000015'],
      scopes: ['system/EpisodeOfCare.cruds'],
      jwks: { keys: [publicPart(ED25519, 'ed'), publicPart(RSA, 'rsa'), publicPart(EC, 'ec')] },
    },
    {
      clientId: 'hosted',
      kind: 'la-receiver',
      authorities: ['E10000007'],
      scopes: ['system/EpisodeOfCare.rs'],
      jwks_uri: 'https://hosted.example/jwks',
    },
  ],
}

let world: AuthWorld
beforeAll(async () => {
  world = await openAuthWorld({
    auth: (own) => ({
      ...own,
      registry: {
        ...own.registry,
        clients: [
          ...own.registry.clients,
          ...parseClients({ value: JSON.parse(JSON.stringify(MORE)), place: 'test' }).clients,
        ],
      },
    }),
  })
})
afterAll(() => world.close())

interface Parts {
  readonly header: Record<string, unknown>
  readonly claims: Record<string, unknown>
}

/** Parts of a good assertion of la-E10000007, now. */
function good(): Parts {
  const iat = world.context.clock().getTime() / 1000
  return {
    header: { alg: 'ES384', typ: 'JWT', kid: key().kid },
    claims: { iss: CLIENT_ID, sub: CLIENT_ID, aud: ENDPOINT, jti: randomUUID(), iat, exp: iat + 300 },
  }
}

function key(name = CLIENT_ID): JsonWebKey & { kid: string } {
  const client = world.identities.clients.find((one) => one.clientId === name)
  if (client === undefined) throw new Error('no such client')
  return client.key
}

function formOf(assertion: string, more: Form = []): Form {
  return [
    ['grant_type', 'client_credentials'],
    ['client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'],
    ['client_assertion', assertion],
    ...more,
  ]
}

function post(parts: Parts, signingKey: JsonWebKey = key(), more: Form = []) {
  return world.post(formOf(handMadeJwt(parts.header, parts.claims, signingKey), more))
}

const REFUSED = {
  status: 401,
  headers: { 'Cache-Control': 'no-store', Pragma: 'no-cache' },
  body: { error: 'invalid_client', error_description: expect.stringMatching(/^The client could not be authenticated/) },
}

type Change = (parts: Parts, now: number) => Parts
const header =
  (change: Record<string, unknown>): Change =>
  (parts) => ({ ...parts, header: { ...parts.header, ...change } })
const claims =
  (change: Record<string, unknown> | ((now: number) => Record<string, unknown>)): Change =>
  (parts, now) => ({
    ...parts,
    claims: { ...parts.claims, ...(typeof change === 'function' ? change(now) : change) },
  })

describe('an assertion is refused, with one answer for all faults,', () => {
  const CASES: readonly (readonly [string, Change])[] = [
    ['signed with ES256', header({ alg: 'ES256' })],
    ['said to be RS384 by a client with an EC key', header({ alg: 'RS384' })],
    ['said to be HS384', header({ alg: 'HS384' })],
    ['said to be unsigned', header({ alg: 'none' })],
    ['said to be unsigned, in capitals', header({ alg: 'NONE' })],
    ['without kid', header({ kid: undefined })],
    ['with an unknown kid', header({ kid: 'other' })],
    ['with a kid that is a path', header({ kid: '../../keys.json' })],
    ['with a kid that is an operator', header({ kid: { $ne: '' } })],
    ['without typ', header({ typ: undefined })],
    ['with the typ of an access token', header({ typ: 'at+jwt' })],
    ['with jku', header({ jku: 'https://evil.example/jwks' })],
    ['with jwk', header({ jwk: publicPart(EC, 'k') })],
    ['with x5u', header({ x5u: 'https://evil.example/x' })],
    ['with crit', header({ crit: ['b64'], b64: true })],
    ['without iss', claims({ iss: undefined })],
    ['of another iss', claims({ iss: 'la-E06000015' })],
    ['without sub', claims({ sub: undefined })],
    ['of another sub', claims({ sub: 'la-E06000015' })],
    ['of a client that is not registered', claims({ iss: 'nobody', sub: 'nobody' })],
    ['whose sub is an operator', claims({ sub: { $ne: '' } })],
    ['whose sub is a list', claims({ sub: [CLIENT_ID] })],
    ['whose sub has other capitals', claims({ iss: 'LA-E10000007', sub: 'LA-E10000007' })],
    ['without aud', claims({ aud: undefined })],
    ['for the FHIR base', claims({ aud: 'http://127.0.0.1:8080/FHIR/R4' })],
    ['for the origin', claims({ aud: 'http://127.0.0.1:8080' })],
    ['for the endpoint with a slash', claims({ aud: `${ENDPOINT}/` })],
    ['for the endpoint with a query', claims({ aud: `${ENDPOINT}?a` })],
    ['for the endpoint in capitals', claims({ aud: ENDPOINT.toUpperCase() })],
    ['for the endpoint at another host', claims({ aud: 'http://localhost:8080/oauth2/token' })],
    ['for the endpoint and another', claims({ aud: [ENDPOINT, 'https://other.example'] })],
    ['for the endpoint twice', claims({ aud: [ENDPOINT, ENDPOINT] })],
    ['for nobody', claims({ aud: [] })],
    ['without exp', claims({ exp: undefined })],
    ['whose exp is a text', claims((now) => ({ exp: String(now + 100) }))],
    ['whose exp is an object', claims({ exp: { $gt: 0 } })],
    ['whose exp is negative', claims({ exp: -1 })],
    ['expired a second ago', claims((now) => ({ exp: now - 1 }))],
    ['expiring at this very moment', claims((now) => ({ exp: now }))],
    ['that lives 301 seconds', claims((now) => ({ exp: now + 301 }))],
    ['that lives an hour', claims((now) => ({ exp: now + 3600 }))],
    ['with exp in milliseconds', claims((now) => ({ exp: (now + 300) * 1000 }))],
    ['not to be used yet', claims((now) => ({ nbf: now + 60 }))],
    ['whose nbf is a text', claims((now) => ({ nbf: String(now) }))],
    ['made in the future', claims((now) => ({ iat: now + 60 }))],
    ['made an hour ago', claims((now) => ({ iat: now - 3600 }))],
    ['whose iat is a text', claims((now) => ({ iat: String(now) }))],
    ['without jti', claims({ jti: undefined })],
    ['with an empty jti', claims({ jti: '' })],
    ['with a jti that is a number', claims({ jti: 7 })],
    ['with a jti that is an operator', claims({ jti: { $exists: true } })],
    ['with a jti of 257 characters', claims({ jti: 'x'.repeat(257) })],
  ]

  test.each(CASES)('%s', async (_name, change) => {
    const parts = good()
    const bad = change(parts, Number(parts.claims['iat']))
    expect(await post(bad)).toEqual(REFUSED)
    expect(await post(good())).toMatchObject({ status: 200 })
  })

  test.each(['RS256', 'PS384'])(
    'signed with %s by a key that could sign with an allowed algorithm too',
    async (alg) => {
      const { claims: base } = good()
      const parts = { header: { alg, kid: 'rsa', typ: 'JWT' }, claims: { ...base, iss: 'acme', sub: 'acme' } }
      expect(await post(parts, RSA, [['authority', 'E06000015']])).toEqual(REFUSED)
      expect(world.logged.at(-1)).toContain('acme: the algorithm is not allowed')
    },
  )

  test('signed by another client', async () => {
    expect(await post(good(), key('la-E06000015'))).toEqual(REFUSED)
  })

  test('signed with HS384 by the public key as a secret', async () => {
    const parts = good()
    const unsigned = handMadeJwt({ ...parts.header, alg: 'HS384' }, parts.claims)
    const secret = JSON.stringify(publicPart(key(), key().kid))
    const mac = createHmac('sha384', secret).update(unsigned.slice(0, -1)).digest('base64url')
    expect(await world.post(formOf(unsigned + mac))).toEqual(REFUSED)
  })

  test('whose claims were changed after signing', async () => {
    const assertion = handMadeJwt(good().header, good().claims, key())
    const [head, , signature] = assertion.split('.')
    const body = Buffer.from(JSON.stringify({ ...good().claims, admin: true })).toString('base64url')
    expect(await world.post(formOf(`${head}.${body}.${signature}`))).toEqual(REFUSED)
  })

  test.each([
    ['nothing', undefined],
    ['a plain text', 'secret'],
    ['an unsigned JWT', handMadeJwt({ alg: 'none', kid: 'k' }, { sub: CLIENT_ID })],
    ['a text of 20,000 characters', 'x'.repeat(20_000)],
  ])('when it is %s', async (_name, assertion) => {
    expect(await world.post(withField(formOf(''), 'client_assertion', assertion))).toEqual(REFUSED)
  })

  test('when it is an id_token', async () => {
    const [person] = world.identities.people
    if (person === undefined) throw new Error('no person')
    const request = { now: world.context.clock(), newId: randomUUID }
    expect(await world.post(formOf(await signIdToken(world.identities, person, request)))).toEqual(REFUSED)
  })

  test('when it is an access token', async () => {
    expect(await world.post(formOf(await world.token(CLIENT_ID)))).toEqual(REFUSED)
  })

  test.each([
    ['missing', undefined],
    ['of SAML', 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer'],
  ])('when its type is %s', async (_name, type) => {
    const form = formOf(handMadeJwt(good().header, good().claims, key()))
    expect(await world.post(withField(form, 'client_assertion_type', type))).toEqual(REFUSED)
  })

  test('when the form names another client_id', async () => {
    expect(await post(good(), key(), [['client_id', 'la-E06000015']])).toEqual(REFUSED)
  })

  test('when its client is revoked, within a second, and is taken again after that', async () => {
    const client = world.identities.clients.find((one) => one.clientId === 'receiver-E06000015')
    if (client === undefined) throw new Error('no client')
    const assert = () =>
      signAssertion(client, { tokenEndpoint: ENDPOINT, now: world.context.clock(), newId: randomUUID })
    expect(await world.post(formOf(await assert()))).toMatchObject({ status: 200 })
    await revokeClient(client.clientId, new Date(world.context.clock().getTime() + 60_000), world.context)
    world.advance(1)
    expect(await world.post(formOf(await assert()))).toEqual(REFUSED)
    world.advance(61)
    expect(await world.post(formOf(await assert()))).toMatchObject({ status: 200 })
  })

  test('when it was used before: the log says why, the answer does not, and neither holds the token', async () => {
    const assertion = handMadeJwt(good().header, good().claims, key())
    expect(await world.post(formOf(assertion))).toMatchObject({ status: 200 })
    expect(await world.post(formOf(assertion))).toEqual(REFUSED)
    expect(world.logged.at(-1)).toContain('la-E10000007: the jti was used before')
    expect(world.logged.join('')).not.toContain(assertion.split('.')[1] ?? 'nothing')
  })

  test('when its jti was used by an assertion whose signature was wrong', async () => {
    const parts = good()
    expect(await post(parts, key('la-E06000015'))).toEqual(REFUSED)
    expect(await post(parts)).toEqual(REFUSED)
  })
})

describe('an assertion is taken', () => {
  test.each([
    ['RS384', 'rsa', RSA],
    ['RS512', 'rsa', RSA],
    ['ES384', 'ec', EC],
    ['EdDSA', 'ed', ED25519],
  ])('with %s', async (alg, kid, signingKey) => {
    const { claims: base } = good()
    const parts = { header: { alg, kid, typ: 'JWT' }, claims: { ...base, iss: 'acme', sub: 'acme' } }
    expect(await post(parts, signingKey, [['authority', 'E06000015']])).toMatchObject({ status: 200 })
  })

  test.each([
    ['with aud as a list of exactly the endpoint', claims({ aud: [ENDPOINT] })],
    ['with the typ of RFC 7523bis', header({ typ: 'client-authentication+jwt' })],
    ['without iat', claims({ iat: undefined })],
    ['from a clock that is five seconds ahead', claims((now) => ({ iat: now + 5, nbf: now + 5 }))],
    ['with claims of its own', claims({ note: 'x' })],
  ] as const)('%s', async (_name, change) => {
    const parts = good()
    expect(await post(change(parts, Number(parts.claims['iat'])))).toMatchObject({ status: 200 })
  })

  test('when the form names its own client_id', async () => {
    expect(await post(good(), key(), [['client_id', CLIENT_ID]])).toMatchObject({ status: 200 })
  })

  test('once of 50 parallel posts', async () => {
    const form = formOf(handMadeJwt(good().header, good().claims, key()))
    const answers = await Promise.all(Array.from({ length: 50 }, () => world.post(form)))
    expect(answers.filter((one) => one.status === 200)).toHaveLength(1)
    expect(answers.filter((one) => one.status === 401)).toHaveLength(49)
  })

  test('with one jti for two clients: each counts its own', async () => {
    const first = good()
    const second = { header: { ...first.header, kid: key('la-E06000015').kid }, claims: { ...first.claims } }
    second.claims['iss'] = 'la-E06000015'
    second.claims['sub'] = 'la-E06000015'
    expect(await post(first)).toMatchObject({ status: 200 })
    expect(await post(second, key('la-E06000015'))).toMatchObject({ status: 200 })
  })

  test('with keys by URL, and after the client has changed its key', async () => {
    const parts = (kid: string): Parts => {
      const { claims: base } = good()
      return { header: { alg: 'ES384', typ: 'JWT', kid }, claims: { ...base, iss: 'hosted', sub: 'hosted' } }
    }
    expect(await post(parts('h1'), HOSTED)).toEqual(REFUSED)
    world.hosts = async () => ({
      status: 200,
      headers: { 'cache-control': 'max-age=3600' },
      body: JSON.stringify({ keys: [publicPart(HOSTED, 'h1')] }),
    })
    world.advance(30)
    expect(await post(parts('h1'), HOSTED)).toMatchObject({ status: 200 })
    world.hosts = async () => ({
      status: 200,
      headers: {},
      body: JSON.stringify({ keys: [publicPart(EC, 'h2')] }),
    })
    world.advance(30)
    expect(await post(parts('h2'), EC)).toMatchObject({ status: 200 })
    expect(await post(parts('h1'), HOSTED)).toEqual(REFUSED)
  })
})
