/** Plans that wait for the Patient whom they name (register.md R8): one indexed read when there is none. */
import type { AuthorityCode } from '../domain/brands.ts'
import { ownRows } from './mongo-rows.ts'
import type { Scope } from './scope.ts'
import type { Row, Token } from './store.ts'

/** Far more plans than one LA can hold for one child. */
const MOST_PLANS = 500

/** Plans of that owner which name their child by one of these identifiers, with or without its system, and have no Patient. */
export function findPlansNaming(
  scope: Scope,
  owner: AuthorityCode,
  tokens: readonly Token[],
): Promise<readonly Row<'EpisodeOfCare'>[]> {
  if (tokens.length === 0) return Promise.resolve([])
  return ownRows(scope, 'EpisodeOfCare', owner).searchAny([{ field: 'patientToken', tokens }], MOST_PLANS)
}
