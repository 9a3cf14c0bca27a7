import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import {
  findClient,
  joinRegistries,
  parseClients,
  readClients,
  scopesOfPerson,
} from '../../src/auth/registered-clients.ts'
import { CIS2_CLAIMS, parseIssuers, readIssuers } from '../../src/auth/trusted-issuers.ts'
import { ConfigError } from '../../src/config.ts'

const KEY = {
  ...generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' }),
  kid: 'k1',
}
const CLIENT = {
  clientId: 'acme',
  kind: 'la-supplier',
  authorities: ['E10000007', 'E06000015'],
  scopes: ['system/EpisodeOfCare.cruds'],
  jwks: { keys: [KEY] },
}
const ISSUER = {
  issuer: 'https://idp.example',
  audience: 'cpis',
  algorithms: ['RS256'],
  jwks_uri: 'https://idp.example/keys',
}

function clients(change: object) {
  return () => parseClients({ value: { clients: [{ ...CLIENT, ...change }] }, place: 'CPIS_CLIENTS: file' })
}

function issuers(change: object) {
  return () => parseIssuers({ value: { issuers: [{ ...ISSUER, ...change }] }, place: 'CPIS_ISSUERS: file' })
}

describe('CPIS_CLIENTS', () => {
  test.each([
    ['no kind', { kind: undefined }],
    ['an unknown kind', { kind: 'superuser' }],
    ['a kind of Object.prototype', { kind: 'constructor' }],
    ['no client id', { clientId: '' }],
    ['a client id with a space', { clientId: 'a b' }],
    ['an authority by its DfE code', { authorities: ['830'] }],
    ['an authority of Wales', { authorities: ['W06000001'] }],
    ['an LA client without an authority', { authorities: [] }],
    ['an authority for a number feed', { kind: 'number-feed', scopes: ['https://cpis.example/fhir/scope/numbers'] }],
    ['no scopes', { scopes: [] }],
    ['an unknown scope', { scopes: ['system/*.*'] }],
    ['a scope beyond the kind', { scopes: ['https://cpis.example/fhir/scope/check'] }],
    ['a receiver that writes plans', { kind: 'la-receiver', scopes: ['system/EpisodeOfCare.cruds'] }],
    ['no keys', { jwks: undefined }],
    ['keys by value and by URL', { jwks_uri: 'https://acme.example/keys' }],
    ['keys at no URL', { jwks: undefined, jwks_uri: 'file:///etc/keys' }],
    ['an empty key set', { jwks: { keys: [] } }],
    ['a private key', { jwks: { keys: [{ ...KEY, d: 'secret' }] } }],
    ['a misspelt member', { authority: ['E10000007'] }],
    ['an organisation in lower case', { organizations: ['rcu'] }],
  ])('refuses %s, naming variable and place', (_name, change) => {
    expect(clients(change)).toThrow(ConfigError)
    expect(clients(change)).toThrow(/^CPIS_CLIENTS: file: clients\[0\]: /)
  })

  test('never repeats the private key in its message', () => {
    expect(clients({ jwks: { keys: [{ ...KEY, d: 'very-secret' }] } })).not.toThrow(/very-secret/)
  })

  test('takes a client of several authorities, and finds it by its id', () => {
    const registry = clients({})()
    expect(findClient(registry, 'acme')).toMatchObject({ kind: 'la-supplier', authorities: ['E10000007', 'E06000015'] })
    expect(findClient(registry, 'ACME')).toBeUndefined()
    expect(findClient(registry, '__proto__')).toBeUndefined()
  })

  test('takes keys by URL', () => {
    const registry = clients({ jwks: undefined, jwks_uri: 'https://acme.example/keys' })()
    expect(registry.clients[0]?.keys).toEqual({ url: 'https://acme.example/keys' })
  })

  test('refuses two clients of one id, also across files', () => {
    expect(() => joinRegistries([clients({})(), clients({})()])).toThrow(
      /CPIS_CLIENTS: the client id acme stands twice/,
    )
  })

  test('names persons by issuer and user id together', () => {
    const person = { issuer: 'https://idp.example', userId: '555', scopes: ['user/AuditEvent.rs'] }
    const { people } = parseClients({ value: { people: [person] }, place: 'CPIS_CLIENTS: file' })
    expect(scopesOfPerson(people, 'https://idp.example', '555')).toEqual(['user/AuditEvent.rs'])
    expect(scopesOfPerson(people, 'https://other.example', '555')).toEqual([])
    expect(scopesOfPerson(people, 'https://idp.example', '556')).toEqual([])
  })

  test.each([
    ['is absent', undefined],
    ['is no JSON', '{'],
    ['is a list', '[]'],
  ])('refuses a file that %s', (_name, content) => {
    const file = join(mkdtempSync(join(tmpdir(), 'cpis-auth-')), 'clients.json')
    if (content !== undefined) writeFileSync(file, content)
    expect(() => readClients(file)).toThrow(/^CPIS_CLIENTS: .*clients\.json/)
    expect(() => readIssuers(file)).toThrow(/^CPIS_ISSUERS: .*clients\.json/)
  })
})

describe('CPIS_ISSUERS', () => {
  test.each([
    ['no issuer', { issuer: undefined }],
    ['no audience', { audience: undefined }],
    ['an audience that is no text', { audience: [1] }],
    ['no algorithms', { algorithms: [] }],
    ['none as algorithm', { algorithms: ['none'] }],
    ['a symmetric algorithm', { algorithms: ['RS256', 'HS256'] }],
    ['no keys', { jwks_uri: undefined }],
    ['an unknown member', { discovery: true }],
    ['an unknown claim', { claims: { emailAddress: 'email' } }],
    ['a claim map that is a list', { claims: [] }],
    ['a claim name that is no text', { claims: { userId: 5 } }],
  ])('refuses %s, naming variable and place', (_name, change) => {
    expect(issuers(change)).toThrow(ConfigError)
    expect(issuers(change)).toThrow(/^CPIS_ISSUERS: file: /)
  })

  test('refuses one issuer twice', () => {
    const value = { issuers: [ISSUER, ISSUER] }
    expect(() => parseIssuers({ value, place: 'CPIS_ISSUERS: file' })).toThrow(/stands twice/)
  })

  test('maps claims as CIS2 names them, but where the file says otherwise', () => {
    const [issuer] = issuers({ claims: { userId: 'uid', assuranceLevels: ['acr'] } })()
    expect(issuer?.claims).toEqual({ ...CIS2_CLAIMS, userId: 'uid', assuranceLevels: ['acr'] })
    expect(issuer?.audiences).toEqual(['cpis'])
  })
})
