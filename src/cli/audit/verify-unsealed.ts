/** Finds records that no seal lists: new ones, that wait for theirs, and such as were put where the seals have passed (issue 6: `cpis audit verify`). */
import { isLate } from '../../domain/audit-seal.ts'
import type { Verification } from './verification.ts'
import type { Heads } from './verify-chain.ts'

/** Resolves to the time of the oldest that waits. Store I/O, one batch in memory at a time. */
export async function verifyUnsealed(its: Verification, { database, all: head }: Heads): Promise<string | undefined> {
  let oldest: string | undefined
  for await (const names of its.inspection.names(its.range)) {
    const sealed = await its.inspection.sealedAt(
      names.map(({ recorded }) => recorded),
      database?.number ?? 0,
    )
    for (const { id, recorded } of names.filter((one) => !sealed.has(one.id))) {
      if (isLate(recorded, head)) {
        const words = `no seal has it, though all up to ${head?.through} is sealed: inserted, or its time was changed`
        its.report({ what: 'inserted', words, id, recorded })
        continue
      }
      its.count({ unsealed: 1 })
      oldest ??= recorded
    }
  }
  for (const { id, recorded } of await its.inspection.oddNames())
    its.report({ what: 'inserted', words: 'its time is no text: the register wrote no such record', id, recorded })
  return oldest
}
