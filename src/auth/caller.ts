/** Who calls, as a verified access token says it (security.md "Callers"). */

import type { UserFacts } from '../domain/access-history.ts'
import type { AuthorityCode, OdsCode } from '../domain/brands.ts'

export type CallerKind = Caller['kind']

interface Proven {
  readonly clientId: string
  /** jti of the access token. */
  readonly tokenId: string
  readonly scopes: readonly string[]
}

/** A local authority's system; the token is for ONE authority. */
export interface AuthorityCaller extends Proven {
  readonly kind: 'la-supplier' | 'la-receiver'
  readonly authority: AuthorityCode
}

/** A named person in an NHS system. */
export interface UserCaller extends Proven {
  readonly kind: 'nhs-user' | 'maternity-user' | 'auditor' | 'administrator'
  readonly user: UserFacts
  readonly organization: OdsCode
  readonly assuranceLevel: number
}

/** The PDS side. */
export interface FeedCaller extends Proven {
  readonly kind: 'number-feed'
}

export type Caller = AuthorityCaller | UserCaller | FeedCaller

/** A caller with the authority it writes for: the token's own, or the one whose Organization an administrator corrects. */
export type WritingCaller = AuthorityCaller | (UserCaller & { readonly authority: AuthorityCode })
