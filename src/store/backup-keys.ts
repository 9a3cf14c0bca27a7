/** Whether the keys at hand are those of a backup: a key of the same name but of another register opens nothing, and finds nobody (register.md P1). */
import { Binary, type Document } from 'mongodb'
import type { NhsNumber } from '../domain/brands.ts'
import { BackupError } from './backup-format.ts'
import type { StoreCrypto } from './crypto.ts'
import { SEALED_PLACES, type SealedPlace } from './sealed-places.ts'
import { StoreError } from './store.ts'

export interface KeyCheck {
  /** Whether documents of this collection are sealed. Pure. */
  concerns(collection: string): boolean
  /** Opens the first sealed value of each collection and key, and compares the number in it with the key it is found under. Throws BackupError. */
  look(collection: string, document: Document): void
}

const PLACES: ReadonlyMap<string, SealedPlace> = new Map(SEALED_PLACES.map((place) => [place.collection, place]))

/** No I/O. */
export function buildKeyCheck(crypto: StoreCrypto): KeyCheck {
  const opened = new Set<string>()
  const compared = new Set<string>()
  return {
    concerns: (collection) => PLACES.has(collection),
    look(collection, document) {
      const place = PLACES.get(collection)
      const sealed = place === undefined ? undefined : document[place.field]
      if (place === undefined || sealed === undefined) return
      const { subjectKey } = document
      const mayCompare = typeof subjectKey === 'string' && !compared.has(collection)
      const name = `${collection} ${String(sealed.key)}`
      if (opened.has(name) && !mayCompare) return
      const number = numberIn(open(crypto, sealed, place.placeOf(document)))
      opened.add(name)
      if (!mayCompare || number === undefined) return
      if (crypto.subjectKey(number) !== subjectKey) throw wrongKeys()
      compared.add(collection)
    },
  }
}

function open(crypto: StoreCrypto, sealed: Document, place: string): unknown {
  const { key, data } = sealed
  if (!(data instanceof Binary))
    throw new BackupError('The backup holds a record that is not sealed as the register seals. Take another backup.')
  try {
    return JSON.parse(crypto.open({ key: String(key), data: Buffer.from(data.buffer) }, place).toString('utf8'))
  } catch (error) {
    if (error instanceof StoreError) throw wrongKeys()
    // Sealed text that is no JSON was opened all the same
    return undefined
  }
}

/** An audit record seals its number alone, a row its number in the index. */
function numberIn(content: unknown): NhsNumber | undefined {
  if (typeof content === 'string') return content as NhsNumber
  const number: unknown = Object(Object(content).index).nhsNumber
  return typeof number === 'string' ? (number as NhsNumber) : undefined
}

function wrongKeys(): BackupError {
  return new BackupError(
    'The keys at hand are not those of this backup: its records do not open with them. Bring the key file of that register.',
  )
}
