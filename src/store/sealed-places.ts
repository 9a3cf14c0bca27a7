/** Where sealed values are: collection, field, and the place that each was sealed for (storage.md "Collections"); what a rotation seals again. Pure. */
import type { Document } from 'mongodb'
import { COLLECTIONS, ROW_COLLECTIONS } from './collections.ts'

export interface SealedPlace {
  readonly collection: string
  readonly field: 'body' | 'number' | 'text'
  /** What the seal is bound to. */
  placeOf(document: Document): string
}

const text = (value: unknown): string => String(value)
const once = (collection: string, field: SealedPlace['field'], suffix: string): SealedPlace => ({
  collection,
  field,
  placeOf: ({ _id }) => `${collection}/${text(_id)}${suffix}`,
})

/** Every field that the store seals. */
export const SEALED_PLACES: readonly SealedPlace[] = [
  ...Object.values(ROW_COLLECTIONS).flatMap((name): SealedPlace[] => [
    {
      collection: name,
      field: 'body',
      placeOf: ({ _id, version }) => `${name}/${text(_id)}/${text(version)}`,
    },
    {
      collection: `${name}History`,
      field: 'body',
      placeOf: ({ id, version }) => `${name}/${text(id)}/${text(version)}`,
    },
  ]),
  once(COLLECTIONS.numberNotices, 'body', ''),
  once(COLLECTIONS.bundleReplies, 'body', '/1'),
  once(COLLECTIONS.keys, 'text', '/1'),
  once(COLLECTIONS.auditEvents, 'number', '/1'),
]
