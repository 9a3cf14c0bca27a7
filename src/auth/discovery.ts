/** What callers read before they have a token: SMART configuration (SMART App Launch 2.2 §2.6) and key sets (RFC 7517). */
import type { JWK } from 'jose'
import type { Context } from '../context.ts'
import { ASSERTION_ALGORITHMS } from './client-assertion.ts'
import { publicSealKeys, publicTokenKeys, publicWebhookKeys } from './published-keys.ts'
import { MOST_SCOPES } from './registered-clients.ts'
import { GRANT_TYPES, tokenEndpoint } from './token-endpoint.ts'

export const JWKS_PATH = '/.well-known/jwks.json'

/** Body of `/FHIR/R4/.well-known/smart-configuration`; without the issuer's parts while the embedded issuer is off. Pure. */
export function smartConfiguration({ config }: Pick<Context, 'config'>): Readonly<Record<string, unknown>> {
  const issuer = {
    issuer: config.baseUrl,
    jwks_uri: config.baseUrl + JWKS_PATH,
    token_endpoint: tokenEndpoint(config.baseUrl),
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: [...ASSERTION_ALGORITHMS],
    grant_types_supported: [...GRANT_TYPES],
  }
  return {
    ...(config.embeddedIssuer ? issuer : {}),
    code_challenge_methods_supported: ['S256'],
    scopes_supported: [...new Set(Object.values(MOST_SCOPES).flat())],
    capabilities: ['client-confidential-asymmetric', 'permission-v2'],
  }
}

/** Body of `/.well-known/jwks.json`: keys of access tokens. Pure. */
export function tokenKeySet({ keys }: Pick<Context, 'keys'>): { readonly keys: readonly JWK[] } {
  return { keys: publicTokenKeys(keys) }
}

/** Body of `/.well-known/webhook-keys.json`: keys of notification signatures. Pure. */
export function webhookKeySet({ keys }: Pick<Context, 'keys'>): { readonly keys: readonly JWK[] } {
  return { keys: publicWebhookKeys(keys) }
}

/** Body of `/.well-known/audit-seal-keys.json`: keys of the audit's seals. Pure. */
export function sealKeySet({ keys }: Pick<Context, 'keys'>): { readonly keys: readonly JWK[] } {
  return { keys: publicSealKeys(keys) }
}
