/** Organizations of the directory, remembered for a few seconds: every answer to a check names some, and they seldom change. */
import type { AuthorityCode, OdsCode } from '../domain/brands.ts'
import { ROW_COLLECTIONS, type RowDocument } from './collections.ts'
import { mapErrors } from './mongo-errors.ts'
import { toRow } from './row-document.ts'
import { OPERATION_MS, type Scope } from './scope.ts'
import type { Row } from './store.ts'

const KEEP_MS = 3_000
/** More codes than the directory has: only nonsense codes fill it, and then it is emptied. */
const MOST_ENTRIES = 5_000
const ODS_SYSTEM = 'https://fhir.nhs.uk/Id/ods-organization-code'

type Organization = Row<'Organization'>

export interface DirectoryCache {
  /** In the order asked; unknown codes are left out. */
  authorities(codes: readonly AuthorityCode[]): Promise<readonly Organization[]>
  site(code: OdsCode): Promise<Organization | undefined>
  /** After this process has changed an Organization. */
  clear(): void
}

interface Remembered {
  readonly row: Organization | undefined
  readonly until: number
}

/** Reads outside any transaction, so that what is remembered is majority-committed. */
export function buildDirectoryCache(scope: Omit<Scope, 'session'>): DirectoryCache {
  const remembered = new Map<string, Remembered>()
  const organizations = scope.db.collection<RowDocument>(ROW_COLLECTIONS.Organization)
  const read = async (filter: object): Promise<readonly Organization[]> => {
    const found = organizations.find({ ...filter, deleted: false }, { maxTimeMS: OPERATION_MS })
    return (await mapErrors(found.toArray())).map((one) => toRow('Organization', one, scope.crypto))
  }
  const fresh = (key: string): Remembered | undefined => {
    const entry = remembered.get(key)
    return entry !== undefined && entry.until > performance.now() ? entry : undefined
  }
  const remember = (key: string, row: Organization | undefined): void => {
    if (remembered.size >= MOST_ENTRIES) remembered.clear()
    remembered.set(key, { row, until: performance.now() + KEEP_MS })
  }

  return {
    async authorities(codes) {
      const known = new Map(codes.map((code) => [code, fresh(`la/${code}`)]))
      const missing = codes.filter((code) => known.get(code) === undefined).map(String)
      const loaded = missing.length === 0 ? [] : await read({ owner: { $in: missing }, orgType: 'authority' })
      const byOwner = new Map(loaded.map((row) => [row.owner, row]))
      for (const code of missing) remember(`la/${code}`, byOwner.get(code as AuthorityCode))
      return codes.map((code) => known.get(code)?.row ?? byOwner.get(code)).filter((row) => row !== undefined)
    },
    async site(code) {
      const known = fresh(`site/${code}`)
      if (known !== undefined) return known.row
      const key = scope.crypto.searchKey({ system: ODS_SYSTEM, value: String(code) })
      const [row] = await read({ owner: 'directory', identifiers: key })
      remember(`site/${code}`, row)
      return row
    },
    clear: () => remembered.clear(),
  }
}
