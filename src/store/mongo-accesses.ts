/** The accesses of a child (R18, R19): one document each, by which the history is shown. */
import type { Access } from '../domain/access-history.ts'
import type { AuthorityCode, ChildKey, NhsNumber } from '../domain/brands.ts'
import { accessesOf, reading, run, type Scope, writing } from './scope.ts'

export interface AccessDocument extends Omit<Access, 'id'> {
  readonly _id: string
  readonly childKey: string
  /** Key of the number that was asked for: by it a history is split again when a link is undone (R23). */
  readonly subjectKey: string
  /** Authorities that have not answered it yet, and those that have: each of `authorities` stands in one of them. */
  readonly unacknowledged: readonly AuthorityCode[]
  readonly acknowledged?: readonly AuthorityCode[]
}

/** The child that was asked for, and the number it was asked for by. */
export interface AccessOf {
  readonly childKey: ChildKey
  readonly asked: NhsNumber
}

/** Adds one, made under a number; its id is that of the AuditEvent of the check. */
export async function insertAccess(scope: Scope, child: AccessOf, access: Access): Promise<void> {
  await run(scope, accessesOf(scope).insertOne(toAccessDocument(scope, child, access), writing(scope)))
}

/** An access as it is stored. Pure. */
export function toAccessDocument(scope: Pick<Scope, 'crypto'>, child: AccessOf, access: Access): AccessDocument {
  const { id, ...facts } = access
  const { childKey, asked } = child
  const subjectKey = scope.crypto.subjectKey(asked)
  return { _id: id, childKey, subjectKey, ...facts, unacknowledged: access.authorities }
}

/** Newest first; with an authority, only those made while a plan of it was visible. */
export async function findAccesses(
  scope: Scope,
  childKey: ChildKey,
  options: { readonly limit: number; readonly authority?: AuthorityCode },
): Promise<readonly Access[]> {
  if (options.limit <= 0) return []
  const filter = { childKey, ...(options.authority === undefined ? {} : { authorities: options.authority }) }
  const documents = await run(
    scope,
    accessesOf(scope)
      .find(filter, { ...reading(scope), sort: { at: -1, _id: -1 }, limit: options.limit })
      .toArray(),
  )
  return documents.map(toAccess)
}

function toAccess(document: AccessDocument): Access {
  const { _id, childKey: _key, subjectKey: _asked, unacknowledged: _waits, acknowledged: _done, ...facts } = document
  return { id: _id, ...facts }
}
