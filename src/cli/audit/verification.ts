/** What the steps of `cpis audit verify` share: where they read, and the faults and counts they find (issue 6). */
import { compareEntries, type Seal } from '../../domain/audit-seal.ts'
import type { AuditFault, PublicSealKey } from '../../domain/audit-seal-check.ts'
import type { CopiedSeal } from '../../seal-copy.ts'
import type { AuditInspection } from '../../store/audit-inspection.ts'
import type { RecordedRange } from '../../store/seal-store.ts'

export interface Counts {
  readonly seals: number
  /** Looked at in the database. */
  readonly records: number
  /** Removed after they were written to an archive. */
  readonly archived: number
  /** Looked at in an archive. */
  readonly inArchive: number
  /** In an archive, with a number under a data key that is not at hand. */
  readonly unopened: number
  readonly unsealed: number
}

export interface Verification {
  readonly inspection: AuditInspection
  readonly keys: readonly PublicSealKey[]
  readonly copy?: AsyncIterable<CopiedSeal>
  /** Head of the chain as others have seen it. */
  readonly published?: Seal
  readonly range: RecordedRange
  /** Whether records of that time may have been removed for an archive. */
  readonly isArchived: (recorded: string) => boolean
  readonly report: (fault: AuditFault) => void
  readonly count: (more: Partial<Counts>) => void
}

export interface Findings {
  readonly report: Verification['report']
  readonly count: Verification['count']
  readonly counts: () => Counts
  /** By time, the first first; of very many only some. */
  readonly faults: () => readonly AuditFault[]
  readonly total: () => number
}

const MOST_KEPT = 1_000

/** Collects what is found, in bounded memory: of many faults it keeps those that come first. `onCount` is told of progress. */
export function collectFindings(onCount: (counts: Counts) => void): Findings {
  let counts: Counts = { seals: 0, records: 0, archived: 0, inArchive: 0, unopened: 0, unsealed: 0 }
  let faults: AuditFault[] = []
  let total = 0
  const order = (): readonly AuditFault[] => faults.toSorted((a, b) => compareEntries(placeOf(a), placeOf(b)))
  return {
    report(fault) {
      total += 1
      faults.push(fault)
      if (faults.length > 2 * MOST_KEPT) faults = order().slice(0, MOST_KEPT)
    },
    count(more) {
      counts = {
        seals: counts.seals + (more.seals ?? 0),
        records: counts.records + (more.records ?? 0),
        archived: counts.archived + (more.archived ?? 0),
        inArchive: counts.inArchive + (more.inArchive ?? 0),
        unopened: counts.unopened + (more.unopened ?? 0),
        unsealed: counts.unsealed + (more.unsealed ?? 0),
      }
      onCount(counts)
    },
    counts: () => counts,
    faults: order,
    total: () => total,
  }
}

const placeOf = ({ id = '', recorded = '' }: AuditFault) => ({ id, recorded })
