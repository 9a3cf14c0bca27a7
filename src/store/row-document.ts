/** Rows ↔ documents: the body sealed, the narrow search fields beside it (storage.md "Collections"). Pure, but for the nonce of a seal. */
import { Binary } from 'mongodb'
import type { AuthorityCode, ResourceId } from '../domain/brands.ts'
import { type HistoryDocument, ROW_COLLECTIONS, type RowDocument, type SealedField } from './collections.ts'
import type { StoreCrypto } from './crypto.ts'
import { foldName } from './fold-name.ts'
import type { OwnedResources, OwnedType, Row, RowIndex } from './store.ts'

interface SealedRow<T extends OwnedType> {
  readonly resource?: OwnedResources[T]
  readonly index: RowIndex
}

/** The documents of one new version: the same sealed body in both. */
export function toDocuments<T extends OwnedType>(
  row: Row<T>,
  crypto: StoreCrypto,
): { readonly current: RowDocument; readonly history: Omit<HistoryDocument, '_id'> } {
  const { id, version, lastUpdated, owner, method, deleted } = row
  const content: SealedRow<T> = {
    ...(row.resource === undefined ? {} : { resource: row.resource }),
    index: row.index,
  }
  const body = sealJson(content, placeOf(row.type, id, version), crypto)
  const fields = { version, lastUpdated, owner, method, deleted, body }
  return { current: { _id: id, ...fields, ...indexFields(row, crypto) }, history: { id, ...fields } }
}

/** The row of a current or history document. Throws StoreError when it cannot be opened. */
export function toRow<T extends OwnedType>(
  type: T,
  document: RowDocument | HistoryDocument,
  crypto: StoreCrypto,
): Row<T> {
  const id = 'id' in document ? document.id : document._id
  const { version, lastUpdated, deleted } = document
  const { resource, index } = openJson<SealedRow<T>>(document.body, placeOf(type, id, version), crypto)
  return {
    type,
    id: id as ResourceId,
    version,
    lastUpdated,
    owner: document.owner as AuthorityCode,
    method: document.method as Row<T>['method'],
    deleted,
    ...(resource === undefined ? {} : { resource }),
    index,
  }
}

/** JSON → sealed field. */
export function sealJson(content: unknown, place: string, crypto: StoreCrypto): SealedField {
  const { key, data } = crypto.seal(Buffer.from(JSON.stringify(content), 'utf8'), place)
  return { key, data: new Binary(data) }
}

/** Sealed field → what was sealed there; the caller knows its shape, as only this room can have sealed it. */
export function openJson<T>(sealed: SealedField, place: string, crypto: StoreCrypto): T {
  const plain = crypto.open({ key: sealed.key, data: Buffer.from(sealed.data.buffer) }, place)
  return JSON.parse(plain.toString('utf8')) as T
}

/** A body opens only as the version that it was sealed for; the history holds the same blob. */
function placeOf(type: OwnedType, id: string, version: number): string {
  return `${ROW_COLLECTIONS[type]}/${id}/${version}`
}

function indexFields(row: Row<OwnedType>, crypto: StoreCrypto): Omit<RowDocument, keyof HistoryDocument | '_id'> {
  const {
    nhsNumber,
    identifiers,
    unique,
    name,
    newNumber,
    babyNumbers: _sealed,
    sentAs: _sentAs,
    patientToken,
    ...clear
  } = row.index
  const subjectKey = nhsNumber === undefined ? undefined : crypto.subjectKey(nhsNumber)
  const isPlan = row.type === 'EpisodeOfCare'
  // Only the directory's names may be read in the database; a child's is in the sealed body alone.
  const isNamed = row.type === 'Organization' && name !== undefined
  return {
    ...clear,
    ...(subjectKey === undefined ? { parked: true } : { subjectKey }),
    identifiers: [...new Set(identifiers.flatMap(crypto.identifierKeys))],
    ...(row.deleted || unique.length === 0 ? {} : { unique: unique.map(crypto.searchKey) }),
    ...(isNamed ? { name, nameKey: foldName(name) } : {}),
    ...(isPlan ? { live: !row.deleted && row.index.withdrawn !== true, toldOn: row.index.toldOn ?? '' } : {}),
    ...(newNumber === undefined ? {} : { superseded: true }),
    ...(patientToken === undefined ? {} : { patientToken: crypto.searchKey(patientToken) }),
  }
}
