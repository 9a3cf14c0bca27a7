import { describe, expect, test } from '@jest/globals'
import { smartConfiguration, tokenKeySet, webhookKeySet } from '../../src/auth/discovery.ts'
import { parseConfig } from '../../src/config.ts'
import { makeKeys } from '../../src/keys.ts'

const keys = makeKeys()

function configuration(environment: Record<string, string> = {}) {
  const config = { ...parseConfig(environment), baseUrl: 'https://cpis.nhs.example' }
  return smartConfiguration({ config })
}

describe('discovery', () => {
  test.each([
    ['jwks.json', tokenKeySet({ keys }), { kty: 'EC', crv: 'P-256', alg: 'ES256' }],
    ['webhook-keys.json', webhookKeySet({ keys }), { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA' }],
  ])('%s shows public parts only, each with its kid', (_name, body, expected) => {
    expect(body.keys).toHaveLength(1)
    expect(body.keys[0]).toMatchObject({ ...expected, use: 'sig', kid: expect.any(String), x: expect.any(String) })
    const members = body.keys.flatMap((key) => Object.keys(key))
    expect(members.filter((name) => !['kty', 'crv', 'x', 'y', 'kid', 'alg', 'use'].includes(name))).toEqual([])
    expect(JSON.stringify(body)).not.toContain('undefined')
  })

  test('smart-configuration says what SMART Backend Services asks for', () => {
    expect(configuration()).toEqual({
      issuer: 'https://cpis.nhs.example',
      jwks_uri: 'https://cpis.nhs.example/.well-known/jwks.json',
      token_endpoint: 'https://cpis.nhs.example/oauth2/token',
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
      token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384', 'RS512', 'EdDSA'],
      grant_types_supported: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      code_challenge_methods_supported: ['S256'],
      scopes_supported: expect.arrayContaining([
        'system/EpisodeOfCare.cruds',
        'system/Subscription.cruds',
        'user/AuditEvent.rs',
        'https://cpis.example/fhir/scope/check',
        'https://cpis.example/fhir/scope/birth',
        'https://cpis.example/fhir/scope/numbers',
        'https://cpis.example/fhir/scope/admin',
      ]),
      capabilities: ['client-confidential-asymmetric', 'permission-v2'],
    })
  })

  test('smart-configuration names no token endpoint while the embedded issuer is off', () => {
    const body = configuration({ CPIS_EMBEDDED_ISSUER: 'off' })
    expect(body).not.toHaveProperty('token_endpoint')
    expect(body).toHaveProperty('capabilities')
  })
})
