/** The contract of the seals of the audit: what is not sealed yet, and the one way to add a seal (security.md "Audit"; issue 6). The audit itself is only read. */
import type { KeptRecord, Seal, SealEntry } from '../domain/audit-seal.ts'
import type { Lease } from './delivery-store.ts'

/** Bounds on `recorded`, as text: from inclusive, before exclusive. */
export interface RecordedRange {
  readonly from: string
  readonly before?: string
}

export interface Unsealed {
  /** Of records that were written with the hash of what they say. */
  readonly entries: readonly SealEntry[]
  /** The others, whole. */
  readonly records: readonly KeptRecord[]
  /** Whether the range has no more. */
  readonly isAll: boolean
}

export interface SealStore {
  /** Takes or prolongs the lease: undefined while another process seals. */
  take(holder: string): Promise<Lease | undefined>
  release(lease: Lease): Promise<void>
  /** The newest seal. One indexed read. */
  head(): Promise<Seal | undefined>
  /** Seals after that number, oldest first. */
  list(page: { readonly after: number; readonly limit: number }): Promise<readonly Seal[]>
  /** What a seal closed, in its order. */
  entries(number: number): Promise<readonly SealEntry[]>
  /** Records of the range that no seal closes, oldest first, `limit` at most: reads ids by index, and what those are sealed by only. Ask for the head before, so that a seal made meanwhile is noticed by append. */
  unsealed(range: RecordedRange, limit: number): Promise<Unsealed>
  /** When the first record at or after that instant was recorded, if there is one before the other. */
  firstRecorded(range: RecordedRange): Promise<string | undefined>
  /** Minutes (`YYYY-MM-DDTHH:MM`) of the range with another number of records than seals close in them. Counts by index only. */
  unevenMinutes(range: RecordedRange): Promise<readonly string[]>
  /** Adds a seal, in one transaction under the lease. False, with nothing written, when the lease is lost or a seal of that number is there: nothing may be sealed twice. StoreError 'conflict' when a list of it is there that has no seal. */
  append(lease: Lease, seal: Seal, entries: readonly SealEntry[]): Promise<boolean>
}
