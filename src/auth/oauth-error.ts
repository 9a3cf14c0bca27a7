/** Refusals of the token endpoint (RFC 6749 §5.2, RFC 8693 §2.2.2): thrown once by a step, answered by the endpoint. */

export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'temporarily_unavailable'

/** `description` is public and fixed words; `reason` is for the log only. Neither holds anything of a person. */
export class OAuthError extends Error {
  readonly code: OAuthErrorCode
  readonly description: string
  readonly reason: string
  /** The registered client that asked, or that the request named without proof. */
  readonly clientId?: string

  constructor(code: OAuthErrorCode, description: string, reason = description, clientId?: string) {
    super(`${code}: ${reason}`)
    this.name = 'OAuthError'
    this.code = code
    this.description = description
    this.reason = reason
    if (clientId !== undefined) this.clientId = clientId
  }
}
