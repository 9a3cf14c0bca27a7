import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parseJwt } from '../../src/auth/jwt.ts'
import { parseClients } from '../../src/auth/registered-clients.ts'
import { SCOPE } from '../../src/auth/scopes.ts'
import { type AuthWorld, BASE_URL, ENDPOINT, type Form, openAuthWorld, withField } from '../support/auth-world.ts'
import { handMadeJwt } from '../support/tokens.ts'

const SHARED_KEY = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' })
const { d: _, ...SHARED_PUBLIC } = SHARED_KEY
const SHARED = {
  clientId: 'shared',
  kind: 'la-supplier',
  authorities: ['E10000007', 'E06000015'],
  scopes: ['system/EpisodeOfCare.cruds', 'system/Flag.rs'],
  jwks: { keys: [{ ...SHARED_PUBLIC, kid: 's1' }] },
}

let world: AuthWorld
let production: AuthWorld
beforeAll(async () => {
  world = await openAuthWorld({
    auth: (own) => {
      const more = parseClients({ value: { clients: [SHARED] }, place: 'test' })
      return { ...own, registry: { ...own.registry, clients: [...own.registry.clients, ...more.clients] } }
    },
  })
  production = await openAuthWorld({ environment: { CPIS_EMBEDDED_ISSUER: 'off' } })
})
afterAll(async () => {
  await world.close()
  await production.close()
})

/** A form of the client that serves two authorities. */
function sharedForm(more: Form = []): Form {
  const iat = world.context.clock().getTime() / 1000
  const claims = { iss: 'shared', sub: 'shared', aud: ENDPOINT, jti: world.context.newId(), iat, exp: iat + 60 }
  return [
    ['grant_type', 'client_credentials'],
    ['client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'],
    ['client_assertion', handMadeJwt({ alg: 'ES384', typ: 'JWT', kid: 's1' }, claims, SHARED_KEY)],
    ...more,
  ]
}

const NO_STORE = { 'Cache-Control': 'no-store', Pragma: 'no-cache' }

describe('a token request is refused', () => {
  test.each([
    ['without grant_type', 'grant_type', undefined, 'invalid_request'],
    ['with an empty grant_type', 'grant_type', '', 'invalid_request'],
    ['with a password', 'grant_type', 'password', 'unsupported_grant_type'],
    ['with a code', 'grant_type', 'authorization_code', 'unsupported_grant_type'],
    ['with a refresh token', 'grant_type', 'refresh_token', 'unsupported_grant_type'],
    ['with client_secret', 'client_secret', 'x', 'invalid_request'],
    ['for another resource', 'resource', 'https://other.example/', 'invalid_target'],
    ['for another audience', 'audience', 'https://other.example/', 'invalid_target'],
    ['with an actor', 'actor_token', 'x', 'invalid_request'],
    ['with an unknown scope', 'scope', 'openid', 'invalid_scope'],
    ['with a scope that is not granted', 'scope', 'system/AuditEvent.cruds', 'invalid_scope'],
    ['with a scope of another kind of caller', 'scope', SCOPE.check, 'invalid_scope'],
    ['with one granted scope and one that is not', 'scope', `system/Flag.rs ${SCOPE.admin}`, 'invalid_scope'],
    ['with a blank scope', 'scope', ' ', 'invalid_scope'],
    ['for an authority that it does not serve', 'authority', 'E06000015', 'invalid_request'],
    ['for an authority by its DfE code', 'authority', '830', 'invalid_request'],
  ])('%s', async (_name, field, value, error) => {
    const answer = await world.post(withField(await world.form('la-E10000007'), field, value))
    expect(answer).toEqual({ status: 400, headers: NO_STORE, body: { error, error_description: expect.any(String) } })
  })

  test.each(['grant_type', 'client_assertion', 'client_assertion_type', 'scope', 'something'])(
    'when %s stands twice, be it empty',
    async (name) => {
      const form = withField(await world.form('la-E10000007'), name, undefined)
      const answer = await world.post([...form, [name, ''], [name, 'client_credentials']])
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    },
  )

  test('when a client of two authorities names none', async () => {
    expect(await world.post(sharedForm())).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
  })

  test.each(['E06000016', 'E10000007 E06000015', '__proto__'])(
    'when a client of two authorities names %s',
    async (gss) => {
      const answer = await world.post(sharedForm([['authority', gss]]))
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    },
  )

  test('when the number feed names an authority', async () => {
    const answer = await world.post(await world.form('number-feed', { authority: 'E10000007' }))
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
  })

  test('when an NHS system asks for itself, without a person', async () => {
    const exchange = await world.form('ed-nurse')
    const form = withField(
      exchange.filter(([name]) => !name.startsWith('subject_')),
      'grant_type',
      'client_credentials',
    )
    expect(await world.post(form)).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } })
  })

  test('when the embedded issuer is off', async () => {
    const answer = await production.post(await production.form('ed-nurse'))
    expect(answer).toMatchObject({ status: 400, headers: NO_STORE, body: { error: 'unauthorized_client' } })
  })

  test('with 503 and Retry-After while the database is away', async () => {
    const away = await openAuthWorld()
    const form = await away.form('la-E10000007')
    await away.context.store.close()
    const answer = await away.post(form)
    await away.close().catch(() => undefined)
    expect(answer).toEqual({
      status: 503,
      headers: { ...NO_STORE, 'Retry-After': '2' },
      body: { error: 'temporarily_unavailable', error_description: expect.any(String) },
    })
  })
})

describe('a token request is answered', () => {
  test('with the fields of RFC 6749 for a system, all that is granted when no scope is asked', async () => {
    expect(await world.post(await world.form('number-feed'))).toEqual({
      status: 200,
      headers: NO_STORE,
      body: { access_token: expect.any(String), token_type: 'Bearer', expires_in: 300, scope: SCOPE.numbers },
    })
  })

  test('with issued_token_type as well for an exchange', async () => {
    expect(await world.post(await world.form('ed-nurse'))).toEqual({
      status: 200,
      headers: NO_STORE,
      body: {
        access_token: expect.any(String),
        token_type: 'Bearer',
        expires_in: 300,
        scope: SCOPE.check,
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      },
    })
  })

  test('with the part of the scopes that was asked for, letters left out included', async () => {
    const scope = 'system/Flag.rs system/EpisodeOfCare.r'
    const answer = await world.post(await world.form('la-E10000007', { scope }))
    expect(answer.body['scope']).toBe(scope)
  })

  test('for the one authority named, of a client that serves two', async () => {
    const { body } = await world.post(sharedForm([['authority', 'E06000015']]))
    expect(parseJwt(String(body['access_token']))?.claims).toMatchObject({
      client_id: 'shared',
      authority: 'E06000015',
    })
  })

  test('when it names this service as audience, leaves a field empty, or sends fields that mean nothing', async () => {
    const form = await world.form('la-E10000007')
    const more: Form = [
      ['audience', `${BASE_URL}/FHIR/R4`],
      ['scope', ''],
      ['foo', 'bar'],
    ]
    expect(await world.post([...form, ...more])).toMatchObject({ status: 200 })
  })

  test('with a token of RFC 9068, signed by a key that is published', async () => {
    const token = await world.token('la-E10000007')
    const jwt = parseJwt(token)
    const iat = world.context.clock().getTime() / 1000
    expect(jwt).toMatchObject({ alg: 'ES256', typ: 'at+jwt', kid: world.context.keys.tokens[0]?.kid })
    expect(jwt?.claims).toEqual({
      iss: BASE_URL,
      aud: `${BASE_URL}/FHIR/R4`,
      sub: 'la-E10000007',
      client_id: 'la-E10000007',
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      iat,
      exp: iat + 300,
      scope: expect.stringContaining('system/EpisodeOfCare.cruds'),
      caller_kind: 'la-supplier',
      authority: 'E10000007',
    })
  })

  test('and logged with client and kind, without token or person', async () => {
    const token = await world.token('ed-nurse')
    expect(JSON.parse(world.logged.at(-1) ?? '')).toMatchObject({
      msg: 'token issued',
      client: 'nhs-system-RCU',
      kind: 'nhs-user',
      requestId: 'a-request',
    })
    for (const secret of [token, 'R. Khan', '555000000101']) expect(world.logged.join('')).not.toContain(secret)
  })
})
