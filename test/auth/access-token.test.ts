import { createHmac, createPublicKey, type JsonWebKey, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { verifyAccessToken } from '../../src/auth/access-token.ts'
import type { Caller } from '../../src/auth/caller.ts'
import { revokeClient, revokeToken } from '../../src/auth/revocations.ts'
import { signAssertion } from '../../src/auth/sandbox-token.ts'
import { VerifiedTokens } from '../../src/auth/verified-tokens.ts'
import { makeJwk } from '../../src/keys.ts'
import { type AuthWorld, BASE_URL, ENDPOINT, openAuthWorld } from '../support/auth-world.ts'
import { CALLERS } from '../support/callers.ts'
import { handMadeJwt } from '../support/tokens.ts'

let world: AuthWorld
beforeAll(async () => {
  world = await openAuthWorld()
})
afterAll(() => world.close())

function signingKey(): JsonWebKey & { kid: string } {
  const [key] = world.context.keys.tokens
  if (key === undefined) throw new Error('no key')
  return key
}

interface Parts {
  readonly header: Record<string, unknown>
  readonly claims: Record<string, unknown>
}

/** An access token of la-E10000007 in parts, as the server itself would issue it now. */
function good(): Parts {
  const iat = Math.floor(world.context.clock().getTime() / 1000)
  return {
    header: { alg: 'ES256', typ: 'at+jwt', kid: signingKey().kid },
    claims: {
      iss: BASE_URL,
      aud: `${BASE_URL}/FHIR/R4`,
      sub: 'la-E10000007',
      client_id: 'la-E10000007',
      jti: randomUUID(),
      iat,
      exp: iat + 300,
      scope: 'system/EpisodeOfCare.cruds',
      caller_kind: 'la-supplier',
      authority: 'E10000007',
    },
  }
}

function verify(header: string | undefined) {
  return verifyAccessToken(header, world.context)
}

function verifyParts({ header, claims }: Parts, key: JsonWebKey = signingKey()) {
  return verify(`Bearer ${handMadeJwt(header, claims, key)}`)
}

const REFUSED = { reason: expect.any(String), missing: false }

type Change = (parts: Parts, now: number) => Parts
const header =
  (change: Record<string, unknown>): Change =>
  (parts) => ({ ...parts, header: { ...parts.header, ...change } })
const claims =
  (change: Record<string, unknown> | ((now: number) => Record<string, unknown>)): Change =>
  (parts, now) => ({ ...parts, claims: { ...parts.claims, ...(typeof change === 'function' ? change(now) : change) } })

describe('an access token is refused', () => {
  test.each<[string, Change]>([
    ['said to be unsigned', header({ alg: 'none' })],
    ['said to be HS256', header({ alg: 'HS256' })],
    ['said to be ES384', header({ alg: 'ES384' })],
    ['with typ JWT', header({ typ: 'JWT' })],
    ['without typ', header({ typ: undefined })],
    ['without kid', header({ kid: undefined })],
    ['with an unknown kid', header({ kid: 'other' })],
    ['with jwk', header({ jwk: {} })],
    ['with jku', header({ jku: 'https://evil.example/jwks' })],
    ['with crit', header({ crit: ['x'], x: 1 })],
    ['without iss', claims({ iss: undefined })],
    ['of another issuer', claims({ iss: 'https://evil.example' })],
    ['of an issuer with a slash', claims({ iss: `${BASE_URL}/` })],
    ['without aud', claims({ aud: undefined })],
    ['for the origin', claims({ aud: BASE_URL })],
    ['for the token endpoint', claims({ aud: ENDPOINT })],
    ['for another server', claims({ aud: 'https://other.example/FHIR/R4' })],
    ['for several', claims({ aud: [`${BASE_URL}/FHIR/R4`, 'https://other.example'] })],
    ['without exp', claims({ exp: undefined })],
    ['whose exp is a text', claims((now) => ({ exp: String(now + 100) }))],
    ['expired', claims((now) => ({ exp: now }))],
    ['that lives a day', claims((now) => ({ exp: now + 86_400 }))],
    ['not to be used yet', claims((now) => ({ nbf: now + 60 }))],
    ['without iat', claims({ iat: undefined })],
    ['issued in the future', claims((now) => ({ iat: now + 60 }))],
    ['issued an hour ago', claims((now) => ({ iat: now - 3600 }))],
    ['without jti', claims({ jti: undefined })],
    ['without client_id', claims({ client_id: undefined })],
    ['without scope', claims({ scope: undefined })],
    ['of no kind of caller', claims({ caller_kind: undefined })],
    ['of an unknown kind of caller', claims({ caller_kind: 'superuser' })],
    ["of an authority's system without the authority", claims({ authority: undefined })],
    ['of a person without a name', claims({ caller_kind: 'nhs-user', organization: 'RCU', assurance_level: 3 })],
  ])('%s', async (_name, change) => {
    const parts = good()
    expect(await verifyParts(change(parts, Number(parts.claims['iat'])))).toEqual(REFUSED)
    expect(await verifyParts(parts)).toMatchObject({ caller: { kind: 'la-supplier' } })
  })

  test.each(['none', 'HS256', 'RS256', 'ES384', 'EdDSA'])(
    'with %s for its algorithm, before any key is looked for',
    async (alg) => {
      expect(await verifyParts(header({ alg })(good(), 0))).toEqual({
        ...REFUSED,
        reason: 'the algorithm is not allowed',
      })
    },
  )

  test('signed by another key', async () => {
    expect(await verifyParts(good(), makeJwk('ec'))).toEqual(REFUSED)
  })

  test('signed by the webhook key', async () => {
    const [key] = world.context.keys.webhooks
    const parts = good()
    expect(await verifyParts({ ...parts, header: { ...parts.header, alg: 'EdDSA', kid: key?.kid } }, key)).toEqual(
      REFUSED,
    )
  })

  test('signed with HS256 by the public key as a secret', async () => {
    const { kty, crv, x, y } = signingKey()
    const publicKey = createPublicKey({ key: { kty, crv, x, y } as JsonWebKey, format: 'jwk' })
    const parts = good()
    const unsigned = handMadeJwt({ ...parts.header, alg: 'HS256' }, parts.claims)
    const secrets = [
      publicKey.export({ type: 'spki', format: 'pem' }),
      publicKey.export({ type: 'spki', format: 'der' }),
      JSON.stringify({ kty, crv, x, y }),
    ]
    for (const secret of secrets) {
      const mac = createHmac('sha256', secret).update(unsigned.slice(0, -1)).digest('base64url')
      expect(await verify(`Bearer ${unsigned}${mac}`)).toEqual(REFUSED)
    }
  })

  test('without a signature', async () => {
    const { header: head, claims: body } = good()
    expect(await verify(`Bearer ${handMadeJwt({ ...head, alg: 'none' }, body)}`)).toEqual(REFUSED)
    expect(await verify(`Bearer ${handMadeJwt(head, body)}`)).toEqual(REFUSED)
  })

  test('when a claim stands twice', async () => {
    const { header: head, claims: body } = good()
    const text = JSON.stringify(body).replace('{', '{"authority":"E06000015",')
    expect(await verify(`Bearer ${handMadeJwt(head, text, signingKey())}`)).toEqual(REFUSED)
  })

  test('when it is an id_token', async () => {
    const form = await world.form('ed-nurse')
    expect(await verify(`Bearer ${form.find(([name]) => name === 'subject_token')?.[1]}`)).toEqual(REFUSED)
  })

  test('when it is an id_token signed by the key of access tokens', async () => {
    const { claims: body } = good()
    expect(await verifyParts({ header: { alg: 'ES256', typ: 'JWT', kid: signingKey().kid }, claims: body })).toEqual(
      REFUSED,
    )
  })

  test('when it is a client assertion', async () => {
    const [client] = world.identities.clients
    if (client === undefined) throw new Error('no client')
    const assertion = await signAssertion(client, {
      tokenEndpoint: ENDPOINT,
      now: world.context.clock(),
      newId: randomUUID,
    })
    expect(await verify(`Bearer ${assertion}`)).toEqual(REFUSED)
  })

  test.each([
    ['Basic', 'Basic dXNlcjpwYXNz'],
    ['Bearer without a token', 'Bearer '],
    ['Bearer with two tokens', 'Bearer a.b.c d.e.f'],
    ['a token without Bearer', 'a.b.c'],
    ['DPoP', 'DPoP a.b.c'],
    ['an empty header', ''],
  ])('in the header %s', async (_name, text) => {
    expect(await verify(text)).toEqual(REFUSED)
  })

  test('when there is none: the log can tell it from a bad one', async () => {
    expect(await verify(undefined)).toEqual({ reason: expect.any(String), missing: true })
  })

  test('after it has expired, though it was verified before', async () => {
    const header = `Bearer ${await world.token('ed-nurse')}`
    expect(await verify(header)).toMatchObject({ caller: {} })
    world.advance(299)
    expect(await verify(header)).toMatchObject({ caller: {} })
    world.advance(1)
    expect(await verify(header)).toEqual(REFUSED)
  })

  test('within a second after it was revoked, and no other token of its client is', async () => {
    const [one, other] = [await world.token('la-E10000007'), await world.token('la-E10000007')]
    const verified = await verify(`Bearer ${one}`)
    const until = new Date(world.context.clock().getTime() + 300_000)
    await revokeToken(verified.caller?.tokenId ?? '', until, world.context)
    world.advance(1)
    expect(await verify(`Bearer ${one}`)).toEqual(REFUSED)
    expect(await verify(`Bearer ${other}`)).toMatchObject({ caller: {} })
  })

  test('within a second after its client was revoked, and no token of another client is', async () => {
    const [mine, others] = [await world.token('receiver-E10000007'), await world.token('receiver-E06000015')]
    expect(await verify(`Bearer ${mine}`)).toMatchObject({ caller: {} })
    await revokeClient('receiver-E10000007', new Date(world.context.clock().getTime() + 60_000), world.context)
    world.advance(1)
    expect(await verify(`Bearer ${mine}`)).toEqual(REFUSED)
    expect(await verify(`Bearer ${others}`)).toMatchObject({ caller: {} })
  })

  test('until the longer of two revocations ends', async () => {
    const token = `Bearer ${await world.token('la-E06000015')}`
    const inSeconds = (seconds: number): Date => new Date(world.context.clock().getTime() + seconds * 1000)
    await revokeClient('la-E06000015', inSeconds(10), world.context)
    await revokeClient('la-E06000015', inSeconds(60), world.context)
    world.advance(30)
    expect(await verify(token)).toEqual(REFUSED)
    world.advance(31)
    expect(await verify(token)).toMatchObject({ caller: {} })
  })

  test('when the embedded issuer is off', async () => {
    const config = { ...world.context.config, embeddedIssuer: false }
    expect(await verifyAccessToken(`Bearer ${await world.token('ed-nurse')}`, { ...world.context, config })).toEqual(
      REFUSED,
    )
  })

  test('by a rejection, never as a caller, while revocations cannot be read', async () => {
    const away = await openAuthWorld()
    const token = await away.token('ed-nurse')
    expect(await verifyAccessToken(`Bearer ${token}`, away.context)).toMatchObject({ caller: {} })
    await away.context.store.close()
    away.advance(2)
    await expect(verifyAccessToken(`Bearer ${token}`, away.context)).rejects.toMatchObject({ kind: 'transient' })
    await away.close().catch(() => undefined)
  })
})

describe('an access token says who calls:', () => {
  test.each<[string, Partial<Caller>]>([
    ['la-E10000007', { kind: 'la-supplier', clientId: 'la-E10000007' }],
    ['receiver-E06000015', { kind: 'la-receiver', clientId: 'receiver-E06000015' }],
    ['number-feed', { kind: 'number-feed', clientId: 'number-feed' }],
    ['midwife', { kind: 'maternity-user', clientId: 'nhs-system-RJ1' }],
    ['auditor', { kind: 'auditor', clientId: 'staff-console' }],
    ['administrator', { kind: 'administrator', clientId: 'staff-console' }],
  ])('%s', async (name, expected) => {
    if (name === 'receiver-E06000015') world.advance(1)
    expect(await verify(`Bearer ${await world.token(name)}`)).toMatchObject({ caller: expected })
  })

  test('a nurse with name, role, organisation and assurance level', async () => {
    expect(await verify(`bearer ${await world.token('ed-nurse')}`)).toEqual({
      caller: {
        kind: 'nhs-user',
        clientId: 'nhs-system-RCU',
        tokenId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        scopes: ['https://cpis.example/fhir/scope/check'],
        user: {
          id: '555000000101',
          name: 'R. Khan',
          roleProfileId: '555000001101',
          roleCode: 'R8001',
          roleName: 'Nurse',
        },
        organization: 'RCU',
        assuranceLevel: 3,
      },
    })
  })

  test('signed by the older of two keys, while both are published', async () => {
    const token = await world.token('ed-nurse')
    const keys = { ...world.context.keys, tokens: [makeJwk('ec'), ...world.context.keys.tokens] }
    expect(await verifyAccessToken(`Bearer ${token}`, { ...world.context, keys })).toMatchObject({ caller: {} })
  })

  test('read from the store at most once a second, however many calls', async () => {
    let reads = 0
    const store = {
      ...world.context.store,
      claims: (kind: string) => {
        reads += 1
        return world.context.store.claims(kind)
      },
    }
    const header = `Bearer ${await world.token('ed-nurse')}`
    world.advance(1)
    const calls = Array.from({ length: 100 }, () => verifyAccessToken(header, { ...world.context, store }))
    await Promise.all(calls)
    for (let call = 0; call < 100; call += 1) await verifyAccessToken(header, { ...world.context, store })
    expect(reads).toBe(1)
  })
})

describe('VerifiedTokens', () => {
  const caller = CALLERS['number-feed']

  test('keeps a fixed number, and forgets the longest unused first', () => {
    const tokens = new VerifiedTokens(3)
    for (const name of ['a', 'b', 'c']) tokens.add(name, caller, 1000)
    expect(tokens.find('a', 0)).toBe(caller)
    tokens.add('d', caller, 1000)
    expect(['a', 'b', 'c', 'd'].map((name) => tokens.find(name, 0) !== undefined)).toEqual([true, false, true, true])
    expect(tokens.size).toBe(3)
  })

  test('gives nothing from the moment of expiry on, and forgets it', () => {
    const tokens = new VerifiedTokens()
    tokens.add('a', caller, 1000)
    expect(tokens.find('a', 999)).toBe(caller)
    expect(tokens.find('a', 1000)).toBeUndefined()
    expect(tokens.size).toBe(0)
  })
})
