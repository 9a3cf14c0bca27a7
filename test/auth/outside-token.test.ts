/** Access tokens of a trusted outside issuer: what is believed of them, and every confusion of kinds that is not (security.md "Tokens"; RFC 9068; RFC 8725). */
import { createHmac, createPublicKey, type JsonWebKey, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { verifyAccessToken } from '../../src/auth/access-token.ts'
import { revokeClient, revokeToken } from '../../src/auth/revocations.ts'
import { SANDBOX_AUDIENCE, SANDBOX_ISSUER } from '../../src/auth/sandbox-people.ts'
import { parseIssuers } from '../../src/auth/trusted-issuers.ts'
import { makeJwk } from '../../src/keys.ts'
import { type AuthWorld, BASE_URL, openAuthWorld, withField } from '../support/auth-world.ts'
import { handMadeJwt } from '../support/tokens.ts'

const ISSUER = 'https://idp.trust.example'
const AUDIENCE = `${BASE_URL}/FHIR/R4`
const KEYS_URL = 'https://idp.trust.example/keys'
const key = makeJwk('ec')
const rogue = makeJwk('ec')
const publicOf = ({ kty, crv, x, y, kid }: JsonWebKey & { kid: string }): object => ({ kty, crv, x, y, kid })

let world: AuthWorld
let fetched: string[] = []
beforeAll(async () => {
  const [outside] = parseIssuers({
    value: {
      issuers: [{ issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'], jwks_uri: KEYS_URL, use: 'access-token' }],
    },
    place: 'here',
  })
  if (outside === undefined) throw new Error('no issuer')
  world = await openAuthWorld({ auth: (own) => ({ ...own, issuers: [...own.issuers, outside] }) })
  world.hosts = async ({ url }) => {
    fetched.push(url)
    const keys = url === KEYS_URL ? [publicOf(key)] : [publicOf(rogue)]
    return { status: 200, headers: { 'cache-control': 'max-age=600' }, body: JSON.stringify({ keys }) } as never
  }
})
afterAll(() => world.close())
beforeEach(() => {
  fetched = []
})

interface Parts {
  readonly header: Record<string, unknown>
  readonly claims: Record<string, unknown>
}

const now = (): number => Math.floor(world.context.clock().getTime() / 1000)

/** An access token of an authority's system. */
function ofSystem(): Parts {
  return {
    header: { alg: 'ES256', typ: 'at+jwt', kid: key.kid },
    claims: {
      iss: ISSUER,
      aud: AUDIENCE,
      sub: 'la-E10000007',
      client_id: 'la-E10000007',
      jti: randomUUID(),
      iat: now(),
      exp: now() + 900,
      scope: 'system/EpisodeOfCare.rs openid',
    },
  }
}

/** An access token of a nurse in a hospital's system. */
function ofNurse(): Parts {
  const { header, claims } = ofSystem()
  return {
    header,
    claims: {
      ...claims,
      sub: '555000000999',
      client_id: 'nhs-system-RCU',
      scope: 'openid https://cpis.example/fhir/scope/check',
      nhsid_useruid: '555000000999',
      name: 'A. Nurse',
      selected_roleid: 'r1',
      nhsid_nrbac_roles: [{ person_roleid: 'r1', role_code: 'S8000:G8000:R8001', role_name: 'Nurse', org_code: 'RCU' }],
      id_assurance_level: '3',
      authentication_assurance_level: '3',
    },
  }
}

const verify = (token: string) => verifyAccessToken(`Bearer ${token}`, world.context)
const verifyParts = ({ header, claims }: Parts, signer: JsonWebKey = key) => verify(handMadeJwt(header, claims, signer))
const REFUSED = { reason: expect.any(String), missing: false }

describe('what is believed', () => {
  test('a system is the registered client, with no more than is granted here', async () => {
    expect(await verifyParts(ofSystem())).toEqual({
      caller: {
        kind: 'la-supplier',
        clientId: 'la-E10000007',
        authority: 'E10000007',
        scopes: ['system/EpisodeOfCare.rs'],
        tokenId: expect.any(String),
      },
    })
  })

  test('a person is who the claim map says', async () => {
    expect(await verifyParts(ofNurse())).toMatchObject({
      caller: {
        kind: 'nhs-user',
        clientId: 'nhs-system-RCU',
        organization: 'RCU',
        assuranceLevel: 3,
        user: { id: '555000000999', name: 'A. Nurse', roleCode: 'R8001' },
        scopes: ['https://cpis.example/fhir/scope/check'],
      },
    })
  })

  test('while the embedded issuer is off too', async () => {
    const config = { ...world.context.config, embeddedIssuer: false }
    const token = handMadeJwt(ofSystem().header, ofSystem().claims, key)
    expect(await verifyAccessToken(`Bearer ${token}`, { ...world.context, config })).toMatchObject({ caller: {} })
    const own = await world.token('la-E10000007')
    expect(await verifyAccessToken(`Bearer ${own}`, { ...world.context, config })).toMatchObject({ reason: /.*/ })
  })

  test('until it is revoked, by its id or by its client, and until it expires', async () => {
    const parts = ofSystem()
    const token = handMadeJwt(parts.header, parts.claims, key)
    expect(await verify(token)).toMatchObject({ caller: {} })
    await revokeToken(String(parts.claims['jti']), new Date((now() + 900) * 1000), world.context)
    world.advance(1)
    expect(await verify(token)).toEqual(REFUSED)
    expect(await verifyParts(ofSystem())).toMatchObject({ caller: {} })
    const another = { ...ofNurse(), claims: { ...ofNurse().claims, client_id: 'nhs-system-RJ1' } }
    await revokeClient('nhs-system-RJ1', new Date((now() + 900) * 1000), world.context)
    world.advance(1)
    expect(await verifyParts(another)).toEqual(REFUSED)
    const late = handMadeJwt(ofSystem().header, ofSystem().claims, key)
    expect(await verify(late)).toMatchObject({ caller: {} })
    world.advance(900)
    expect(await verify(late)).toEqual(REFUSED)
  })
})

type Change = (parts: Parts) => Parts
const claims =
  (change: object | ((iat: number) => object)): Change =>
  (parts) => ({
    header: parts.header,
    claims: { ...parts.claims, ...(typeof change === 'function' ? change(now()) : change) },
  })
const header =
  (change: object): Change =>
  (parts) => ({ claims: parts.claims, header: { ...parts.header, ...change } })

const MUTANTS: readonly (readonly [string, Change])[] = [
  ['typ of an id_token', header({ typ: 'JWT' })],
  ['no typ', header({ typ: undefined })],
  ['typ of a client assertion', header({ typ: 'client-authentication+jwt' })],
  ['typ of a logout token', header({ typ: 'logout+jwt' })],
  ['alg none', header({ alg: 'none' })],
  ['alg HS256', header({ alg: 'HS256' })],
  ['alg ES384, which is not allowed for the issuer', header({ alg: 'ES384' })],
  ['alg RS256', header({ alg: 'RS256' })],
  ['the algorithm in lower case', header({ alg: 'es256' })],
  ['the audience of the sandbox’s id_tokens', claims({ aud: SANDBOX_AUDIENCE })],
  ['the token endpoint for its audience', claims({ aud: `${BASE_URL}/oauth2/token` })],
  ['our origin for its audience', claims({ aud: BASE_URL })],
  ['our audience beside another', claims({ aud: [AUDIENCE, 'https://other.example'] })],
  ['no audience', claims({ aud: undefined })],
  ['an audience that is an object', claims({ aud: { 0: AUDIENCE } })],
  ['another issuer', claims({ iss: 'https://other.example' })],
  ['the issuer with a slash', claims({ iss: `${ISSUER}/` })],
  ['the issuer in a list', claims({ iss: [ISSUER] })],
  ['our own issuer', claims({ iss: BASE_URL })],
  ['the issuer of id_tokens', claims({ iss: SANDBOX_ISSUER })],
  ['an unknown kid', header({ kid: 'other' })],
  ['no kid', header({ kid: undefined })],
  ['a kid that is a path', header({ kid: '../../dev/null' })],
  ['a key of its own', header({ jwk: publicOf(rogue) })],
  ['a URL of keys of its own', header({ jku: 'https://rogue.example/keys' })],
  ['a certificate of its own', header({ x5c: ['MIIB'] })],
  ['a URL of certificates', header({ x5u: 'https://rogue.example/cert' })],
  ['a critical extension', header({ crit: ['exp'] })],
  ['no jti', claims({ jti: undefined })],
  ['a jti that is a number', claims({ jti: 1 })],
  ['no exp', claims({ exp: undefined })],
  ['exp as text', claims((iat) => ({ exp: String(iat + 300) }))],
  ['an end that has passed', claims((iat) => ({ iat: iat - 900, exp: iat - 1 }))],
  ['an end two hours ahead', claims((iat) => ({ exp: iat + 7200 }))],
  ['a beginning that is ahead', claims((iat) => ({ nbf: iat + 60 }))],
  ['no iat', claims({ iat: undefined })],
  ['a key it is bound to', claims({ cnf: { jkt: 'x' } })],
  ['the nonce of an id_token', claims({ nonce: 'n' })],
  ['the at_hash of an id_token', claims({ at_hash: 'h' })],
  ['the events of a logout token', claims({ events: {} })],
  ['someone who acts', claims({ act: { sub: 'other' } })],
  ['a client that is not registered', claims({ client_id: 'unknown' })],
  ['a client of Object.prototype', claims({ client_id: '__proto__' })],
  ['no client', claims({ client_id: undefined })],
  ['a client in a list', claims({ client_id: ['la-E10000007'] })],
  ['an authority that the client does not serve', claims({ authority: 'E06000015' })],
  ['an authority in a list', claims({ authority: ['E10000007'] })],
  ['no scope', claims({ scope: undefined })],
  ['no scope of ours', claims({ scope: 'openid profile' })],
  ['the scope of another kind', claims({ scope: 'https://cpis.example/fhir/scope/check' })],
  ['the scope of an administrator', claims({ scope: 'https://cpis.example/fhir/scope/admin' })],
  ['scopes in a list', claims({ scope: ['system/EpisodeOfCare.rs'] })],
  [
    'our own claim for its kind, and a client of another kind',
    claims({ caller_kind: 'la-supplier', client_id: 'staff-console' }),
  ],
]

const OF_PERSON: readonly (readonly [string, Change])[] = [
  ['no name', claims({ name: undefined })],
  ['a role profile that is not among the roles', claims({ selected_roleid: 'r2' })],
  ['no assurance level', claims({ id_assurance_level: undefined })],
  ['an organisation that does not use the system', claims({ client_id: 'nhs-system-RX8' })],
  ['the console, without a duty there', claims({ client_id: 'staff-console', scope: 'user/AuditEvent.rs' })],
]

describe(`refused, of an outside issuer that is trusted (${MUTANTS.length + OF_PERSON.length} mutants)`, () => {
  test.each(MUTANTS)('%s', async (_words, change) => {
    expect(await verifyParts(change(ofSystem()))).toEqual(REFUSED)
    expect(fetched.filter((url) => url !== KEYS_URL)).toEqual([])
    expect(await verifyParts(ofSystem())).toMatchObject({ caller: { kind: 'la-supplier' } })
  })

  test.each(OF_PERSON)('a person with %s', async (_words, change) => {
    expect(await verifyParts(change(ofNurse()))).toEqual(REFUSED)
  })

  test('signed by another key under its kid, by nothing, and by its public key as a secret', async () => {
    const { header: head, claims: body } = ofSystem()
    expect(await verifyParts(ofSystem(), { ...rogue, kid: key.kid } as JsonWebKey)).toEqual(REFUSED)
    expect(await verify(handMadeJwt(head, body))).toEqual(REFUSED)
    const secret = createPublicKey({ key: publicOf(key) as JsonWebKey, format: 'jwk' }).export({
      type: 'spki',
      format: 'pem',
    })
    const unsigned = handMadeJwt({ ...head, alg: 'HS256' }, body)
    const mac = createHmac('sha256', secret).update(unsigned.slice(0, -1)).digest('base64url')
    expect(await verify(unsigned + mac)).toEqual(REFUSED)
  })

  test('signed by our own key for access tokens, and ours signed by theirs', async () => {
    const [ours] = world.context.keys.tokens
    if (ours === undefined) throw new Error('no key')
    const parts = ofSystem()
    expect(await verifyParts({ ...parts, header: { ...parts.header, kid: ours.kid } }, ours)).toEqual(REFUSED)
    const forged = {
      ...parts.claims,
      iss: BASE_URL,
      exp: now() + 300,
      caller_kind: 'la-supplier',
      authority: 'E10000007',
    }
    expect(await verifyParts({ header: parts.header, claims: forged })).toEqual(REFUSED)
  })
})

describe('kinds never mix', () => {
  test('its access token is no subject_token for an exchange', async () => {
    const { header: head, claims: body } = ofNurse()
    for (const typ of ['at+jwt', 'JWT']) {
      const form = await world.form('ed-nurse')
      const token = handMadeJwt({ ...head, typ }, body, key)
      expect((await world.post(withField(form, 'subject_token', token))).status).toBe(400)
    }
  })

  test('the id_token of a trusted provider is no access token, whatever its typ', async () => {
    const form = await world.form('ed-nurse')
    const idToken = form.find(([name]) => name === 'subject_token')?.[1] ?? ''
    expect(await verify(idToken)).toEqual(REFUSED)
    const [, body = ''] = idToken.split('.')
    const said = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as object
    expect(
      await verify(handMadeJwt({ alg: 'ES256', typ: 'at+jwt', kid: key.kid }, { ...said, jti: 'x' }, key)),
    ).toEqual(REFUSED)
  })

  test('an issuer whose two kinds share an audience is refused at start', () => {
    const one = { issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'], jwks_uri: KEYS_URL }
    const both = [one, { ...one, use: 'access-token' }]
    expect(() => parseIssuers({ value: { issuers: both }, place: 'here' })).toThrow(/different audiences/)
    const apart = [
      { ...one, audience: 'cpis' },
      { ...one, use: 'access-token' },
    ]
    expect(parseIssuers({ value: { issuers: apart }, place: 'here' })).toHaveLength(2)
    expect(() => parseIssuers({ value: { issuers: [{ ...one, use: 'any' }] }, place: 'here' })).toThrow(/use must be/)
  })
})
