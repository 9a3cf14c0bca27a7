/** client_credentials (RFC 6749 §4.4): a system acts for itself; an authority's system names ONE authority per token (security.md "Tokens"). */
import type { AuthorityCode } from '../domain/brands.ts'
import type { Grant } from './access-token.ts'
import { narrowScopes } from './narrow-scopes.ts'
import { OAuthError } from './oauth-error.ts'
import type { RegisteredClient } from './registered-clients.ts'

export interface CredentialsForm {
  readonly scope: string | undefined
  /** GSS code; needed only by a client that serves several. */
  readonly authority: string | undefined
}

/** The grant for this client. Throws OAuthError. Pure. */
export function grantClientCredentials(form: CredentialsForm, client: RegisteredClient): Grant {
  const { kind, clientId } = client
  if (kind === 'nhs-system' || kind === 'staff-console') {
    throw new OAuthError(
      'unauthorized_client',
      'This system acts only for a person who is signed in: use token exchange.',
    )
  }
  const scopes = narrowScopes(form.scope, client.scopes)
  if (kind === 'number-feed') {
    if (form.authority !== undefined) throw new OAuthError('invalid_request', 'This client serves no authority.')
    return { kind, clientId, scopes }
  }
  return { kind, clientId, scopes, authority: authorityOf(form.authority, client.authorities) }
}

function authorityOf(asked: string | undefined, served: readonly AuthorityCode[]): AuthorityCode {
  const [only, another] = served
  if (asked === undefined && only !== undefined && another === undefined) return only
  if (asked === undefined) {
    throw new OAuthError(
      'invalid_request',
      'This client serves several authorities: name one by `authority` (GSS code).',
    )
  }
  const found = served.find((one) => one === asked)
  if (found === undefined) throw new OAuthError('invalid_request', 'This client does not serve the authority named.')
  return found
}
