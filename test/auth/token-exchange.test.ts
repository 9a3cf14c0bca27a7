import { generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { idTokenClaims } from '../../src/auth/sandbox-token.ts'
import { SCOPE } from '../../src/auth/scopes.ts'
import { parsePerson } from '../../src/auth/token-exchange.ts'
import { CIS2_CLAIMS, parseIssuers } from '../../src/auth/trusted-issuers.ts'
import { type AuthWorld, openAuthWorld, withField } from '../support/auth-world.ts'
import { handMadeJwt } from '../support/tokens.ts'

const OUTSIDE = 'https://idp.hospital.example'
const OUTSIDE_KEY: JsonWebKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })
const ISSUERS = {
  issuers: [
    {
      issuer: OUTSIDE,
      audience: ['cpis-hospital'],
      algorithms: ['RS256'],
      jwks: { keys: [{ kty: 'RSA', n: OUTSIDE_KEY.n, e: OUTSIDE_KEY.e, kid: 'o1' }] },
      claims: {
        userId: 'uid',
        roles: '',
        roleProfileId: 'profile',
        roleCode: 'role',
        roleName: 'role_text',
        organization: 'org',
        assuranceLevels: ['loa'],
      },
    },
  ],
}

/** Somebody at the outside issuer who is both. */
const TWO_DUTIES = { issuer: OUTSIDE, userId: '902', scopes: [SCOPE.audit, SCOPE.admin] }

let world: AuthWorld
beforeAll(async () => {
  world = await openAuthWorld({
    auth: (own) => ({
      ...own,
      issuers: [...own.issuers, ...parseIssuers({ value: ISSUERS, place: 'test' })],
      registry: { ...own.registry, people: [...own.registry.people, TWO_DUTIES] },
    }),
  })
})
afterAll(() => world.close())

function person(name = 'ed-nurse') {
  const found = world.identities.people.find((one) => one.name === name)
  if (found === undefined) throw new Error('no such person')
  return found
}

function times() {
  const iat = world.context.clock().getTime() / 1000
  return { iat, exp: iat + 300 }
}

interface Parts {
  readonly header?: Record<string, unknown>
  readonly claims?: Record<string, unknown>
  readonly key?: JsonWebKey
}

/** An id_token of the sandbox's issuer, changed in part. */
function idToken(
  { header = {}, claims = {}, key = world.identities.issuerKey }: Parts = {},
  name = 'ed-nurse',
): string {
  const base = { alg: 'ES256', typ: 'JWT', kid: world.identities.issuerKey.kid }
  return handMadeJwt({ ...base, ...header }, { ...idTokenClaims(person(name)), ...times(), ...claims }, key)
}

async function exchange(subjectToken: string | undefined, name = 'ed-nurse') {
  return world.post(withField(await world.form(name), 'subject_token', subjectToken))
}

const REFUSED = {
  status: 400,
  body: { error: 'invalid_grant', error_description: 'The subject_token was not accepted. Sign in again.' },
}

describe('an id_token is refused, with one answer for all faults,', () => {
  const now = () => times().iat
  const role = (change: Record<string, unknown>) => {
    const [entry] = idTokenClaims(person())['nhsid_nrbac_roles'] as readonly object[]
    return { claims: { nhsid_nrbac_roles: [{ ...entry, ...change }] } }
  }
  test.each<[string, () => Parts]>([
    [
      'signed by the key of a client',
      () => ({ key: world.identities.clients[0]?.key ?? {}, header: { alg: 'ES384' } }),
    ],
    [
      'signed by an unknown key',
      () => ({ key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }) }),
    ],
    ['with an algorithm not listed for its issuer', () => ({ key: OUTSIDE_KEY, header: { alg: 'RS256' } })],
    ['said to be unsigned', () => ({ header: { alg: 'none' } })],
    ['without kid', () => ({ header: { kid: undefined } })],
    ['with an unknown kid', () => ({ header: { kid: 'o1' } })],
    ['with jku', () => ({ header: { jku: 'https://evil.example/jwks' } })],
    ['with the typ of an access token', () => ({ header: { typ: 'at+jwt' } })],
    ['with the typ of a logout token', () => ({ header: { typ: 'logout+jwt' } })],
    ['of no issuer', () => ({ claims: { iss: undefined } })],
    ['of an issuer that is not trusted', () => ({ claims: { iss: 'https://evil.example' } })],
    ['of a trusted issuer that did not sign it', () => ({ claims: { iss: OUTSIDE } })],
    ['of an issuer with a slash', () => ({ claims: { iss: 'https://cis2.sandbox.cpis.example/' } })],
    ['for nobody', () => ({ claims: { aud: undefined } })],
    ['for another service', () => ({ claims: { aud: 'payroll' } })],
    ['for a list of other services', () => ({ claims: { aud: ['payroll', 'rota'] } })],
    ['without exp', () => ({ claims: { exp: undefined } })],
    ['expired', () => ({ claims: { exp: now() } })],
    ['without iat', () => ({ claims: { iat: undefined } })],
    ['made in the future', () => ({ claims: { iat: now() + 60 } })],
    ['made two days ago', () => ({ claims: { iat: now() - 172_800 } })],
    ['not to be used yet', () => ({ claims: { nbf: now() + 60 } })],
    ['without a user', () => ({ claims: { nhsid_useruid: undefined } })],
    ['whose user is a list', () => ({ claims: { nhsid_useruid: ['1'] } })],
    ['without a name', () => ({ claims: { name: '' } })],
    ['without a role chosen', () => ({ claims: { selected_roleid: undefined } })],
    ['whose chosen role is none of its roles', () => ({ claims: { selected_roleid: '1' } })],
    ['without roles', () => ({ claims: { nhsid_nrbac_roles: undefined } })],
    ['whose roles are no list', () => ({ claims: { nhsid_nrbac_roles: 'R8001' } })],
    ['without a role code', () => role({ role_code: undefined })],
    ['with a role code of another form', () => role({ role_code: 'S8000:G8000:R8001 R8000' })],
    ['without an organisation', () => role({ org_code: undefined })],
    ['with an organisation of another form', () => role({ org_code: 'RCU/../X26' })],
    ['of an organisation that does not use the system', () => role({ org_code: 'RJ1' })],
    ['without an assurance level', () => ({ claims: { id_assurance_level: undefined } })],
    ['with an assurance level in words', () => ({ claims: { authentication_assurance_level: 'high' } })],
  ])('%s', async (_name, parts) => {
    expect(await exchange(idToken(parts()))).toMatchObject(REFUSED)
    expect(await exchange(idToken())).toMatchObject({ status: 200 })
  })

  test.each(['RS512', 'PS256'])('of an issuer that signs with RS256 only, signed with %s by its key', async (alg) => {
    const claims = { iss: OUTSIDE, aud: 'cpis-hospital', ...outsideClaims(), ...times() }
    expect(await exchange(handMadeJwt({ alg, kid: 'o1' }, claims, OUTSIDE_KEY))).toMatchObject(REFUSED)
  })

  test.each([
    ['missing', undefined],
    ['a plain text', 'R. Khan'],
    ['unsigned', handMadeJwt({ alg: 'none', kid: 'k' }, { iss: 'https://cis2.sandbox.cpis.example' })],
  ])('when it is %s', async (_name, token) => {
    expect(await exchange(token)).toMatchObject(REFUSED)
  })

  test('when it is an access token', async () => {
    expect(await exchange(await world.token('ed-nurse'))).toMatchObject(REFUSED)
  })

  test('when it is a client assertion', async () => {
    const form = await world.form('ed-nurse')
    const assertion = form.find(([name]) => name === 'client_assertion')?.[1]
    expect(await exchange(assertion)).toMatchObject(REFUSED)
  })
})

describe('an exchange is refused', () => {
  test.each([
    ['subject_token_type', undefined],
    ['subject_token_type', 'urn:ietf:params:oauth:token-type:access_token'],
    ['subject_token_type', 'urn:ietf:params:oauth:token-type:jwt'],
    ['requested_token_type', 'urn:ietf:params:oauth:token-type:refresh_token'],
  ])('with %s %p', async (field, value) => {
    const answer = await world.post(withField(await world.form('ed-nurse'), field, value))
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
  })

  test("to an authority's system", async () => {
    const form = await world.form('la-E10000007')
    const bad = [
      ...withField(form, 'grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'),
      ['subject_token', idToken()],
      ['subject_token_type', 'urn:ietf:params:oauth:token-type:id_token'],
    ] as const
    expect(await world.post(bad)).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } })
  })

  test.each([
    ['ed-nurse', SCOPE.birth],
    ['ed-nurse', SCOPE.admin],
    ['ed-nurse', SCOPE.audit],
    ['ed-nurse', 'system/EpisodeOfCare.rs'],
    ['auditor', SCOPE.admin],
    ['auditor', SCOPE.check],
    ['auditor', 'user/AuditEvent.cruds'],
    ['administrator', SCOPE.audit],
    ['administrator', SCOPE.check],
  ])('to %s for %s', async (name, scope) => {
    const answer = await world.post(await world.form(name, { scope }))
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_scope' } })
  })

  test('to somebody who signs in at the staff console and is not named', async () => {
    const form = withField(await world.form('auditor'), 'subject_token', idToken())
    expect(await world.post(form)).toMatchObject({ status: 400, body: { error: 'invalid_scope' } })
  })

  test('to somebody of the same user id at another issuer: names are per issuer', async () => {
    const claims = {
      iss: OUTSIDE,
      aud: 'cpis-hospital',
      ...outsideClaims(),
      uid: person('auditor').user.id,
      ...times(),
    }
    const token = handMadeJwt({ alg: 'RS256', kid: 'o1' }, claims, OUTSIDE_KEY)
    const form = withField(await world.form('auditor'), 'subject_token', token)
    expect(await world.post(form)).toMatchObject({ status: 400, body: { error: 'invalid_scope' } })
  })
})

describe('somebody with two duties', () => {
  const ask = async (scope: string | undefined) => {
    const claims = { iss: OUTSIDE, aud: 'cpis-hospital', ...outsideClaims(), uid: '902', ...times() }
    const token = handMadeJwt({ alg: 'RS256', kid: 'o1' }, claims, OUTSIDE_KEY)
    return world.post(withField(withField(await world.form('auditor'), 'subject_token', token), 'scope', scope))
  }

  test.each([undefined, `${SCOPE.admin} ${SCOPE.audit}`])(
    'gets no token for both at once (scope %p)',
    async (scope) => {
      expect(await ask(scope)).toMatchObject({ status: 400, body: { error: 'invalid_scope' } })
    },
  )

  test.each([SCOPE.admin, SCOPE.audit])('gets a token for %s alone', async (scope) => {
    expect(await ask(scope)).toMatchObject({ status: 200, body: { scope } })
  })
})

function outsideClaims(): Record<string, unknown> {
  return { uid: '900', name: 'O. Side', profile: 'p1', role: 'R8000', role_text: 'Doctor', org: 'RCU', loa: 2 }
}

describe('an exchange is granted', () => {
  test.each([
    ['ed-nurse', SCOPE.check],
    ['midwife', `${SCOPE.check} ${SCOPE.birth}`],
    ['admin-clerk', SCOPE.check],
    ['auditor', SCOPE.audit],
    ['administrator', SCOPE.admin],
  ])('to %s with the scope %s', async (name, scope) => {
    expect(await world.post(await world.form(name))).toMatchObject({ status: 200, body: { scope } })
  })

  test('to a midwife for one duty only, when she asks so', async () => {
    const answer = await world.post(await world.form('midwife', { scope: SCOPE.birth }))
    expect(answer).toMatchObject({ status: 200, body: { scope: SCOPE.birth } })
  })

  test('for an id_token without typ, for several audiences, by its last role code', async () => {
    const token = idToken({ header: { typ: undefined }, claims: { aud: ['payroll', 'cpis-sandbox'] } })
    expect(await exchange(token)).toMatchObject({ status: 200 })
  })

  test('for an id_token of an outside issuer, by its own claim map', async () => {
    const claims = { iss: OUTSIDE, aud: 'cpis-hospital', ...outsideClaims(), ...times() }
    const token = handMadeJwt({ alg: 'RS256', kid: 'o1', typ: 'JWT' }, claims, OUTSIDE_KEY)
    expect(await exchange(token)).toMatchObject({ status: 200, body: { scope: SCOPE.check } })
  })
})

describe('parsePerson', () => {
  const issuer = { issuer: 'https://idp.example', claims: CIS2_CLAIMS }
  const claims = {
    nhsid_useruid: '555',
    name: 'Khan Ruth',
    selected_roleid: 'p2',
    nhsid_nrbac_roles: [
      { person_roleid: 'p1', org_code: 'RJ1', role_code: 'S8000:G8000:R8000', role_name: 'Doctor' },
      null,
      {
        person_roleid: 'p2',
        org_code: 'RCU',
        role_code: 'S8000:G8000:R8001',
        role_name: '"Clinical":"Clinical Provision":"Nurse Access Role"',
      },
    ],
    id_assurance_level: '3',
    authentication_assurance_level: '2',
  }

  test('takes the role that was chosen, and the lesser of two assurance levels', () => {
    expect(parsePerson(claims, issuer)).toEqual({
      issuer: 'https://idp.example',
      user: { id: '555', name: 'Khan Ruth', roleProfileId: 'p2', roleCode: 'R8001', roleName: 'Nurse Access Role' },
      organization: 'RCU',
      assuranceLevel: 2,
    })
  })

  test('shows the code where the role has no name', () => {
    const [first] = claims.nhsid_nrbac_roles
    const nameless = { ...claims, selected_roleid: 'p1', nhsid_nrbac_roles: [{ ...first, role_name: undefined }] }
    expect(parsePerson(nameless, issuer)?.user.roleName).toBe('R8000')
  })
})
