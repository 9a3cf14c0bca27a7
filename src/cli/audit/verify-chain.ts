/** Walks the seals of the audit beside the second place, and the records under each (issue 6: `cpis audit verify`), one seal in memory at a time. */
import type { Seal, SealEntry } from '../../domain/audit-seal.ts'
import { sealHash } from '../../domain/audit-seal.ts'
import {
  type AuditFault,
  checkHeader,
  checkLateness,
  checkRecords,
  type FoundRecord,
  sealPlace,
} from '../../domain/audit-seal-check.ts'
import type { CopiedSeal } from '../../seal-copy.ts'
import { toFound } from './found-record.ts'
import type { Verification } from './verification.ts'

const PAGE = 100
const BATCH = 1_000

/** The newest seal of the database, and of both places together. */
export interface Heads {
  readonly database: Seal | undefined
  readonly all: Seal | undefined
}

/** Judges every seal, and every record whose seal touches the range. Store and disk I/O. */
export async function verifyChain(its: Verification): Promise<Heads> {
  const copies = followCopies(its)
  let before: Seal | undefined
  for (;;) {
    const page = await its.inspection.seals({ after: before?.number ?? 0, limit: PAGE })
    for (const seal of page) {
      await copies.passBy(seal.number)
      const copied = await copies.take(seal.number)
      for (const fault of checkHeader(seal, { before, keys: its.keys })) its.report(fault)
      await verifySeal(its, { seal, before, copied })
      comparePublished(its, seal)
      before = seal
      its.count({ seals: 1 })
    }
    if (page.length < PAGE) break
  }
  const beyond = await copies.passBy(Number.POSITIVE_INFINITY)
  reportUnpublished(its, before)
  return { database: before, all: beyond ?? before }
}

interface SealInPlaces {
  readonly seal: Seal
  readonly before: Seal | undefined
  readonly copied: CopiedSeal | undefined
}

async function verifySeal(its: Verification, { seal, before, copied }: SealInPlaces): Promise<void> {
  const isOther = copied !== undefined && sealHash(copied.seal) !== sealHash(seal)
  if (isOther)
    its.report({ what: 'second-place', words: 'the second place has another seal of this number', ...sealPlace(seal) })
  // of two seals of one number the one that this register signed is the true one
  const isRewritten = isOther && checkHeader(copied.seal, { before, keys: its.keys }).length === 0
  await verifyRecords(its, { seal: isRewritten ? copied.seal : seal, before, copied })
}

async function verifyRecords(its: Verification, { seal, before, copied }: SealInPlaces): Promise<void> {
  if (!touches(its, seal)) return
  const listed = await its.inspection.entries(seal.number)
  const kept = copied?.entries
  const found = await findAll(its, [...listed, ...(kept ?? [])])
  const faults = checkRecords({
    seal,
    listed,
    ...(kept === undefined ? {} : { kept }),
    found,
    isArchived: ({ recorded }) => its.isArchived(recorded),
  })
  for (const fault of [...faults, ...checkLateness(seal, before, listed)]) its.report(fault)
  const archived = listed.filter(({ id, recorded }) => !found.has(id) && its.isArchived(recorded)).length
  its.count({ records: listed.length - archived, archived })
}

/** In both places a seal may be that only one of them has a list of. */
async function findAll(its: Verification, entries: readonly SealEntry[]): Promise<ReadonlyMap<string, FoundRecord>> {
  const ids = [...new Set(entries.map(({ id }) => id))]
  const found = new Map<string, FoundRecord>()
  for (let at = 0; at < ids.length; at += BATCH)
    for (const [id, record] of await its.inspection.records(ids.slice(at, at + BATCH))) found.set(id, toFound(record))
  return found
}

function touches({ range }: Verification, { from, to }: Seal): boolean {
  if (from === undefined || to === undefined) return true
  return to >= range.from && (range.before === undefined || from < range.before)
}

interface Copies {
  /** Judges seals below that number which the database lacks; resolves to the last of them. */
  passBy(number: number): Promise<Seal | undefined>
  /** The one of this number; undefined when the second place lacks it. */
  take(number: number): Promise<CopiedSeal | undefined>
}

/** Both places are in the order of their numbers: they are read side by side. */
function followCopies(its: Verification): Copies {
  const lines = its.copy?.[Symbol.asyncIterator]()
  let next: CopiedSeal | undefined
  let isEnd = lines === undefined
  let last: Seal | undefined
  let isAhead = false

  async function look(): Promise<CopiedSeal | undefined> {
    while (!isAhead && !isEnd) {
      const line = await lines?.next()
      if (line === undefined || line.done === true) isEnd = true
      else if (isNew(line.value)) {
        next = line.value
        isAhead = true
      }
    }
    return isAhead ? next : undefined
  }

  /** A process that lost its lease may have written a seal again; another seal of that number is a second chain. */
  function isNew({ seal }: CopiedSeal): boolean {
    if (last === undefined || seal.number > last.number) return true
    if (seal.number === last.number && sealHash(seal) === sealHash(last)) return false
    const words = `the second place has two chains: after seal ${last.number} came another ${seal.number}`
    its.report({ what: 'second-place', words, ...sealPlace(seal) })
    return false
  }

  function pass(copied: CopiedSeal): void {
    if (last !== undefined && copied.seal.number > last.number + 1)
      its.report({
        what: 'second-place',
        words: `the second place lacks seals from ${last.number + 1} on`,
        ...sealPlace(copied.seal),
      })
    last = copied.seal
    isAhead = false
  }

  return {
    async passBy(number) {
      let passed: Seal | undefined
      for (let copied = await look(); copied !== undefined && copied.seal.number < number; copied = await look()) {
        await reportMissing(its, copied, last)
        pass(copied)
        passed = copied.seal
      }
      return passed
    },
    async take(number) {
      const copied = await look()
      if (copied?.seal.number !== number) return undefined
      pass(copied)
      return copied
    },
  }
}

/** A seal that only the second place has: it was taken out of the database, with all after it when it is the last. */
async function reportMissing(
  its: Verification,
  { seal, entries }: CopiedSeal,
  before: Seal | undefined,
): Promise<void> {
  // one that was made while this command was reading is no fault
  const [now] = await its.inspection.seals({ after: seal.number - 1, limit: 1 })
  if (now !== undefined && sealHash(now) === sealHash(seal)) return
  const [first] = entries
  const words = `seal ${seal.number} is in the second place and not in the database: the chain was cut`
  its.report({ what: 'cut-off', words, ...sealPlace(seal), ...(first === undefined ? {} : { id: first.id }) })
  await verifyKept(its, { seal, entries }, before)
}

/** What of its records is still as it was. */
async function verifyKept(its: Verification, { seal, entries }: CopiedSeal, before: Seal | undefined): Promise<void> {
  const isOfChain = checkHeader(seal, { before, keys: its.keys }).length === 0
  if (!isOfChain || !touches(its, seal)) return
  const found = await findAll(its, entries)
  const isArchived = ({ recorded }: SealEntry): boolean => its.isArchived(recorded)
  for (const fault of checkRecords({ seal, listed: entries, found, isArchived })) its.report(fault)
}

function comparePublished({ published, report }: Verification, seal: Seal): void {
  if (published?.number !== seal.number || sealHash(published) === sealHash(seal)) return
  report({ what: 'published', words: 'another seal of this number was published', ...sealPlace(seal) })
}

function reportUnpublished({ published, report }: Verification, head: Seal | undefined): void {
  if (published === undefined || published.number <= (head?.number ?? 0)) return
  const fault: AuditFault = {
    what: 'cut-off',
    words: `seal ${published.number} was published, and the database ends at ${head?.number ?? 0}: the chain was cut`,
    ...sealPlace(published),
  }
  report(fault)
}
