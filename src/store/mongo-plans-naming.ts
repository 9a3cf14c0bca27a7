/** Plans that wait for the Patient whom they name (register.md R8): one indexed read when there is none. */
import type { AuthorityCode } from '../domain/brands.ts'
import { toRow } from './row-document.ts'
import { reading, rowsOf, run, type Scope } from './scope.ts'
import type { Row, Token } from './store.ts'

/** Far more plans than one LA can hold for one child. */
const MOST_PLANS = 500

/** Plans of that owner which name their child by one of these identifiers, with or without its system, and have no Patient. */
export async function findPlansNaming(
  scope: Scope,
  owner: AuthorityCode,
  tokens: readonly Token[],
): Promise<readonly Row<'EpisodeOfCare'>[]> {
  if (tokens.length === 0) return []
  const { searchKey } = scope.crypto
  const keys = tokens.flatMap((token) => [
    searchKey(token),
    ...(token.value === undefined ? [] : [searchKey({ value: token.value })]),
  ])
  const filter = { owner: String(owner), deleted: false, patientToken: { $in: keys } }
  const found = rowsOf(scope, 'EpisodeOfCare').find(filter, { ...reading(scope), limit: MOST_PLANS })
  return (await run(scope, found.toArray())).map((one) => toRow('EpisodeOfCare', one, scope.crypto))
}
