/** Callers of each kind, as a verified token would make them, for tests of what comes after verification. */
import type { AuthorityCaller, Caller, CallerKind, UserCaller } from '../../src/auth/caller.ts'
import { MOST_SCOPES } from '../../src/auth/registered-clients.ts'
import { SCOPE } from '../../src/auth/scopes.ts'
import type { AuthorityCode, OdsCode } from '../../src/domain/brands.ts'

const PROVEN = { clientId: 'a-client', tokenId: 'a-token' } as const

/** An authority's system with all scopes of its kind. */
export function authorityCaller(
  kind: AuthorityCaller['kind'] = 'la-supplier',
  authority = 'E10000007',
): AuthorityCaller {
  return { ...PROVEN, kind, scopes: MOST_SCOPES[kind], authority: authority as AuthorityCode }
}

/** A person with the scopes of the kind; a nurse of RCU with assurance level 3 unless told otherwise. */
export function userCaller(
  kind: UserCaller['kind'] = 'nhs-user',
  { roleCode = 'R8001', assuranceLevel = 3, scopes = USER_SCOPES[kind] } = {},
): UserCaller {
  const user = { id: '555000000101', name: 'R. Khan', roleProfileId: '555000001101', roleCode, roleName: 'Nurse' }
  return { ...PROVEN, kind, scopes, user, organization: 'RCU' as OdsCode, assuranceLevel }
}

const USER_SCOPES: Readonly<Record<UserCaller['kind'], readonly string[]>> = {
  'nhs-user': [SCOPE.check],
  'maternity-user': [SCOPE.check, SCOPE.birth],
  auditor: [SCOPE.audit],
  administrator: [SCOPE.admin],
}

/** One caller of every kind, each with all that its kind may hold. */
export const CALLERS: Readonly<Record<CallerKind, Caller>> = {
  'nhs-user': userCaller('nhs-user'),
  'maternity-user': userCaller('maternity-user'),
  'la-supplier': authorityCaller('la-supplier'),
  'la-receiver': authorityCaller('la-receiver'),
  'number-feed': { ...PROVEN, kind: 'number-feed', scopes: MOST_SCOPES['number-feed'] },
  auditor: userCaller('auditor'),
  administrator: userCaller('administrator'),
}
