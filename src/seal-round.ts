/** One round of sealing the audit (issue 6): closes what is new, looks for what came late, and keeps the second place up to the chain. */
import type { Context } from './context.ts'
import {
  buildSeal,
  checkSignature,
  compareEntries,
  earlier,
  entryOf,
  isLate,
  type KeptRecord,
  type Seal,
  type SealEntry,
  sealHash,
  signSeal,
} from './domain/audit-seal.ts'
import { sealKeys } from './keys.ts'
import type { SealCopy } from './seal-copy.ts'
import type { Lease } from './store/delivery-store.ts'
import type { RecordedRange, SealStore } from './store/seal-store.ts'
import { inTurns } from './turns.ts'

export interface SealParts {
  readonly context: Pick<Context, 'clock' | 'log' | 'metrics' | 'newId' | 'keys'>
  readonly seals: SealStore
  /** Undefined: there is no second place. */
  readonly copy?: SealCopy | undefined
}

/** Beside what is new, by counts: `recent` the last ten minutes, `hours` the last two hours, `whole` all of history. */
export type Look = 'new' | 'recent' | 'hours' | 'whole'

/** The chain is not as it was: nothing may be built on it until a person has looked. */
export class ChainBroken extends Error {}

export interface Round {
  readonly holder: string
  readonly look: Look
  readonly isStopped: () => boolean
  /** The newest seal that this process has seen. */
  seen: Seal | undefined
}

/** Records of one seal: their tree is made in one go, and requests wait for that. */
const MOST_RECORDS = 500
/** Records hashed in one go. */
const SLICE = 50
/** A record is in the database this long after its `recorded` at most, nearly always: rounds look back so far. */
const OVERLAP_MS = 10_000
const LOOK_MS = { recent: 10 * 60_000, hours: 2 * 60 * 60_000 } as const
/** Without any record a seal of none says so, so that later nothing can be put there. */
const IDLE_MS = 5 * 60_000
const BEGINNING = '0'
const LAST_CHARACTER = '\uffff'
const HOUR_CHARACTERS = 13
const COPY_PAGE = 20

/** Does nothing while another process has the lease. Throws StoreError, ChainBroken. Store and disk I/O. */
export async function runRound(parts: SealParts, round: Round): Promise<void> {
  const { context, seals } = parts
  const startedAt = context.clock().toISOString()
  if ((await seals.take(round.holder)) === undefined) return
  const head = await seals.head()
  await checkChain(parts, round, head)
  round.seen = head
  const from = head === undefined ? BEGINNING : earlier(head.through, OVERLAP_MS)
  const isDone = await sealRange(parts, round, { from, startedAt })
  if (!isDone) return
  if (round.look !== 'new') await sweep(parts, round, startedAt)
  await sealNothing(parts, round, startedAt)
  context.metrics.auditSealedThrough.set(Date.parse(startedAt) / 1_000)
}

/** Closes all of a range that is not sealed, seal after seal; false when it was stopped or the lease lost. */
async function sealRange(
  parts: SealParts,
  round: Round,
  range: RecordedRange & { readonly startedAt: string },
): Promise<boolean> {
  let isFirst = true
  for (;;) {
    const previous = await parts.seals.head()
    const { isAll, ...found } = await parts.seals.unsealed(isFirst ? range : onward(range, previous), MOST_RECORDS)
    isFirst = false
    const entries = [...found.entries, ...(await hashInSlices(found.records))]
    if (entries.length === 0) return true
    const late = entries.filter(({ recorded }) => isLate(recorded, previous))
    const group = (late.length > 0 ? late : entries).toSorted(compareEntries)
    const isEnd = isAll && range.before === undefined && group.length === entries.length
    const lookedThrough = isEnd ? range.startedAt : lastOf(group, range.startedAt, previous)
    if (!(await close(parts, round, { previous, entries: group, lookedThrough }))) return false
    if (isAll && group.length === entries.length) return true
  }
}

/** Requests are answered between the slices. */
async function hashInSlices(records: readonly KeptRecord[]): Promise<readonly SealEntry[]> {
  const entries: SealEntry[] = []
  await inTurns(records, SLICE, (record) => void entries.push(entryOf(record)))
  return entries
}

/** What is new is looked for behind what the seal before has covered: a time is read once, not again for each of its seals. */
function onward(range: RecordedRange, previous: Seal | undefined): RecordedRange {
  const isFurther = range.before === undefined && previous !== undefined && previous.through > range.from
  return isFurther ? { from: previous.through } : range
}

/** A page of many covers its own records only; a look at a range that is past covers nothing new. */
function lastOf(entries: readonly SealEntry[], startedAt: string, previous: Seal | undefined): string {
  const last = entries.at(-1)?.recorded ?? ''
  const covered = last < startedAt ? last : startedAt
  return previous !== undefined && previous.through > covered ? previous.through : covered
}

/** Minutes in which more is recorded than sealed. */
async function sweep(parts: SealParts, round: Round, startedAt: string): Promise<void> {
  if (round.look === 'recent' || round.look === 'hours') {
    const range = { from: earlier(startedAt, LOOK_MS[round.look]), before: LAST_CHARACTER }
    return sweepRange(parts, round, { ...range, startedAt })
  }
  let at = await parts.seals.firstRecorded({ from: BEGINNING })
  while (at !== undefined) {
    const from = at.slice(0, HOUR_CHARACTERS)
    const before = from + LAST_CHARACTER
    await sweepRange(parts, round, { from, before, startedAt })
    if (round.isStopped() || (await parts.seals.take(round.holder)) === undefined) return
    at = await parts.seals.firstRecorded({ from: before })
  }
}

async function sweepRange(
  parts: SealParts,
  round: Round,
  { startedAt, ...range }: RecordedRange & { readonly startedAt: string },
): Promise<void> {
  for (const minute of await parts.seals.unevenMinutes(range)) {
    const isDone = await sealRange(parts, round, { from: minute, before: minute + LAST_CHARACTER, startedAt })
    if (!isDone) return
  }
}

async function sealNothing(parts: SealParts, round: Round, startedAt: string): Promise<void> {
  const previous = await parts.seals.head()
  if (previous === undefined || previous.through >= earlier(startedAt, IDLE_MS)) return
  await close(parts, round, { previous, entries: [], lookedThrough: startedAt })
}

/** Signs and adds one seal, then writes it to the second place. False when it may not go on. */
async function close(
  { context, seals, copy }: SealParts,
  round: Round,
  parts: {
    readonly previous: Seal | undefined
    readonly entries: readonly SealEntry[]
    readonly lookedThrough: string
  },
): Promise<boolean> {
  const [key] = sealKeys(context.keys)
  if (key === undefined) throw new ChainBroken('CPIS_KEYS has no key for the seals of the audit.')
  const lease: Lease | undefined = round.isStopped() ? undefined : await seals.take(round.holder)
  if (lease === undefined) return false
  const closedAt = context.clock().toISOString()
  const seal = signSeal(buildSeal({ ...parts, closedAt, kid: key.kid }), key)
  if (!(await seals.append(lease, seal, parts.entries))) return false
  round.seen = seal
  context.metrics.auditSealed.inc(seal.count)
  if (seal.late === true)
    context.log.error(
      { seal: seal.number, records: seal.count },
      'audit records were sealed late: held up, or inserted',
    )
  if (copy !== undefined) await besides(context, () => copy.append([{ seal, entries: parts.entries }]))
  return true
}

/** The head must be signed by a key of this register, and hold what this process and the second place have seen of the chain. Then the second place gets what it lacks. */
async function checkChain(parts: SealParts, round: Round, head: Seal | undefined): Promise<void> {
  const { context, copy } = parts
  if (head !== undefined && checkSignature(head, sealKeys(context.keys)) !== 'good')
    throw new ChainBroken(`Seal ${head.number} of the audit is not signed by a key of CPIS_KEYS.`)
  await checkSeen(parts, { head, seen: round.seen, where: 'this process has seen' })
  if (copy === undefined) return
  await besides(context, async () => {
    const last = await copy.last()
    await checkSeen(parts, { head, seen: last, where: `is in ${copy.folder}` })
    await catchUp(parts, round, copy, last?.number ?? 0)
  })
}

async function checkSeen(
  { seals }: SealParts,
  { head, seen, where }: { readonly head: Seal | undefined; readonly seen: Seal | undefined; readonly where: string },
): Promise<void> {
  if (seen === undefined) return
  const [now] = (head?.number ?? 0) < seen.number ? [] : await seals.list({ after: seen.number - 1, limit: 1 })
  if (now !== undefined && sealHash(now) === sealHash(seen)) return
  const what = now === undefined ? 'not there any more' : 'another'
  throw new ChainBroken(
    `Seal ${seen.number} of the audit, which ${where}, is ${what} in the database. Run \`cpis audit verify\`; after a restore from a backup, keep that folder and name a new one in CPIS_SEAL_COPY.`,
  )
}

async function catchUp({ seals }: SealParts, round: Round, copy: SealCopy, from: number): Promise<void> {
  for (let after = from; ; ) {
    const page = await seals.list({ after, limit: COPY_PAGE })
    const [last] = page.slice(-1)
    if (last === undefined || round.isStopped() || (await seals.take(round.holder)) === undefined) return
    for (const seal of page) await copy.append([{ seal, entries: await seals.entries(seal.number) }])
    after = last.number
  }
}

/** What the second place refuses is said and made up for later: sealing goes on. A chain that is not what it holds stops it. */
async function besides({ log, metrics }: SealParts['context'], work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (error instanceof ChainBroken || !isOfDisk(error)) throw error
    metrics.auditSealFaults.inc()
    log.error({ fault: error.code }, 'seals not written to CPIS_SEAL_COPY: made up for when it can be')
  }
}

function isOfDisk(error: unknown): error is { readonly code: string } {
  return typeof Object(error).code === 'string' && typeof Object(error).syscall === 'string'
}
