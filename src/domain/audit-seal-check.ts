/** Judges seals and the records under them, and names the first that is not as it was sealed (issue 6: `cpis audit verify`). Pure. */
import type { JsonWebKey } from 'node:crypto'
import {
  checkSignature,
  compareEntries,
  GENESIS,
  isLate,
  rootOf,
  type Seal,
  type SealEntry,
  sealHash,
} from './audit-seal.ts'

export type AuditFaultKind =
  | 'edited'
  | 'dropped'
  | 'reordered'
  | 'inserted'
  | 'late'
  | 'cut-off'
  | 'number'
  | 'list'
  | 'chain'
  | 'signature'
  | 'second-place'
  | 'published'

/** One thing that is wrong: never with a value of a patient. */
export interface AuditFault {
  readonly what: AuditFaultKind
  readonly words: string
  readonly seal?: number
  /** Of the record. */
  readonly id?: string
  readonly recorded?: string
}

/** A record as it is found now. */
export interface FoundRecord {
  readonly entry: SealEntry
  /** The hash it was written with, where it has one: what it says must still have it. */
  readonly written?: string
  /** Whether its sealed number opens to the child that it names by subjectKey; absent without one. */
  readonly number?: 'fine' | 'other' | 'unopened'
}

export type PublicSealKey = JsonWebKey & { readonly kid: string }

/** Faults of the header: its place in the chain, and its signature. `before` undefined: it must be the first. */
export function checkHeader(
  seal: Seal,
  { before, keys }: { readonly before: Seal | undefined; readonly keys: readonly PublicSealKey[] },
): AuditFault[] {
  const faults: AuditFault[] = []
  const add = (what: AuditFaultKind, words: string): void => void faults.push({ what, words, ...sealPlace(seal) })
  if (seal.number !== (before?.number ?? 0) + 1) add('chain', `it does not follow seal ${before?.number ?? 0}`)
  if (seal.previous !== (before === undefined ? GENESIS : sealHash(before)))
    add('chain', 'it does not name the hash of the seal before: one of the two was rewritten')
  const signature = checkSignature(seal, keys)
  if (signature === 'unknown') add('signature', `signed with ${seal.kid}, which is no key of this register`)
  if (signature === 'bad') add('signature', 'its signature is not of its content')
  if (before !== undefined && seal.through < before.through) add('chain', 'it covers less than the seal before')
  return faults
}

export interface SealToCheck {
  readonly seal: Seal
  /** As the database lists them now. */
  readonly listed: readonly SealEntry[]
  /** As another place kept them; used when it fits the root and the list does not. */
  readonly kept?: readonly SealEntry[]
  /** What the audit holds now of these records, by id. */
  readonly found: ReadonlyMap<string, FoundRecord>
  /** Whether a record that is not there was archived. */
  readonly isArchived?: (entry: SealEntry) => boolean
}

/** All faults of the records of one seal, first one first. */
export function checkRecords(check: SealToCheck): AuditFault[] {
  const { seal, listed, kept } = check
  if (rootOf(listed) === seal.root) return listed.flatMap((entry) => checkRecord(check, entry))
  if (kept !== undefined && rootOf(kept) === seal.root) return checkAgainstKept(check, kept)
  return checkAlteredList(check)
}

/** The list was rewritten, and another place has the true one: what differs, by time. */
function checkAgainstKept(check: SealToCheck, kept: readonly SealEntry[]): AuditFault[] {
  const { seal, listed } = check
  const rewritten = 'the list of its seal was rewritten:'
  const keptIds = new Set(kept.map(({ id }) => id))
  const [known, added] = [listed.filter(({ id }) => keptIds.has(id)), listed.filter(({ id }) => !keptIds.has(id))]
  const knownIds = new Set(known.map(({ id }) => id))
  const still = kept.filter(({ id }) => knownIds.has(id))
  const moved = new Set(still.filter((entry, at) => !isSame(entry, known[at])).map(({ id }) => id))
  const faults = kept.flatMap((entry): AuditFault[] => {
    const place = placeOf(seal, entry)
    const ofRecord = checkRecord(check, entry)
    if (ofRecord.length > 0) return ofRecord
    if (!knownIds.has(entry.id)) return [{ what: 'list', words: `${rewritten} it is missing there`, ...place }]
    const words = `${rewritten} it stands there in another place or with other content`
    return moved.has(entry.id) ? [{ what: 'reordered', words, ...place }] : []
  })
  const inserted = added.map(
    (entry): AuditFault => ({ what: 'inserted', words: `${rewritten} it was never sealed`, ...placeOf(seal, entry) }),
  )
  return [...faults, ...inserted].toSorted((one, other) => compareEntries(nameOf(one), nameOf(other)))
}

const nameOf = ({ id = '', recorded = '' }: AuditFault) => ({ id, recorded })

/** Nothing tells what the list was: the first record that differs from it, or stands in a wrong place, else the seal. */
function checkAlteredList(check: SealToCheck): AuditFault[] {
  const { seal, listed } = check
  const ofRecords = listed.flatMap((entry) => checkRecord(check, entry))
  if (ofRecords.length > 0) return ofRecords
  const ordered = listed.toSorted(compareEntries)
  const at = listed.findIndex((entry, index) => entry !== ordered[index])
  const moved = listed[at]
  if (moved !== undefined)
    return [{ what: 'reordered', words: 'the list of its seal is not in its order', ...placeOf(seal, moved) }]
  const words = `its list of ${listed.length} records was rewritten (${seal.count} were sealed): which one, only the second place can tell`
  return [{ what: 'list', words, ...sealPlace(seal) }]
}

function checkRecord({ seal, found, isArchived }: SealToCheck, entry: SealEntry): AuditFault[] {
  const place = placeOf(seal, entry)
  const now = found.get(entry.id)
  if (now === undefined)
    return isArchived?.(entry) === true
      ? []
      : [{ what: 'dropped', words: 'it was sealed and is not there any more', ...place }]
  const faults: AuditFault[] = []
  if (!isSame(now.entry, entry)) faults.push({ what: 'edited', words: 'it is not what was sealed', ...place })
  else if (now.written !== undefined && now.written !== entry.content)
    faults.push({ what: 'edited', words: 'the hash it was written with was changed', ...place })
  if (now.number === 'other') faults.push({ what: 'number', words: 'its sealed number is of another child', ...place })
  if (now.number === 'unopened')
    faults.push({ what: 'number', words: 'its sealed number cannot be opened with the keys at hand', ...place })
  return faults
}

/** A late seal says that its records came after their time was closed; none may be in another. */
export function checkLateness(seal: Seal, before: Seal | undefined, entries: readonly SealEntry[]): AuditFault[] {
  const late = entries.find(({ recorded }) => isLate(recorded, before))
  if (late === undefined) return []
  const words = `it came to be there after all up to ${before?.through} had been sealed: inserted, or held up`
  return [{ what: 'late', words, ...placeOf(seal, late) }]
}

const placeOf = (seal: Seal, { id, recorded }: SealEntry) => ({ seal: seal.number, id, recorded })

/** Where its time begins. */
export function sealPlace({ number, from, through }: Seal): Pick<AuditFault, 'seal' | 'recorded'> {
  return { seal: number, recorded: String(from ?? through) }
}

function isSame(a: SealEntry, b: SealEntry | undefined): boolean {
  return a.id === b?.id && a.recorded === b.recorded && a.content === b.content
}
