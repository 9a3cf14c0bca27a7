/** The scopes of a token: all that is granted, or the part that is asked for (RFC 6749 §3.3). */
import { OAuthError } from './oauth-error.ts'
import { hasScope, parseScopes } from './scopes.ts'

/** What the token carries. Throws OAuthError invalid_scope when something unknown or not granted is asked for, or nothing is left. Pure. */
export function narrowScopes(asked: string | undefined, granted: readonly string[]): readonly string[] {
  if (granted.length === 0) throw new OAuthError('invalid_scope', 'Nothing is granted to this caller.')
  if (asked === undefined) return granted
  const scopes = parseScopes(asked)
  if (scopes === undefined || scopes.length === 0) throw new OAuthError('invalid_scope', 'A scope is not known here.')
  if (!scopes.every((scope) => hasScope(granted, scope))) {
    throw new OAuthError('invalid_scope', 'A scope is not granted to this caller.')
  }
  return scopes
}
