/** A stored record as the judge of seals takes it. Pure. */
import { entryOf } from '../../domain/audit-seal.ts'
import type { FoundRecord } from '../../domain/audit-seal-check.ts'
import type { StoredRecord } from '../../store/audit-inspection.ts'

export function toFound({ kept, ...beside }: StoredRecord): FoundRecord {
  return { entry: entryOf(kept), ...beside }
}
