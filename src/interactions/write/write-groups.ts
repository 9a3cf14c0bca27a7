/** Group commit of small writes (docs/decisions/0010): those of one authority that arrive while a transaction of it is under way share the next one, each still all or nothing by itself. */
import type { AuditRecord } from '../../domain/audit-record.ts'
import type { AuthorityCode } from '../../domain/brands.ts'
import { type Store, StoreError, type Unit } from '../../store/store.ts'
import { inTurns } from '../../turns.ts'
import { type AppliedOrIssues, applyChanges } from './apply-changes.ts'
import type { Applied, Change, WriteFacts } from './change.ts'
import { openChunkUnit } from './chunk-unit.ts'

/** Changes of one authority that stand or fall together, and what is written with them. */
export interface Write {
  readonly changes: readonly Change[]
  readonly facts: WriteFacts
  /** The audit record of what was done; its id is taken before. */
  readonly record: (applied: readonly Applied[]) => AuditRecord
  /** More to do in the same transaction, behind all changes of it. */
  readonly also?: ((unit: Unit, applied: readonly Applied[]) => Promise<void>) | undefined
  /** It may see nothing in its transaction but what was committed before and its own. */
  readonly isAlone: boolean
}

export interface WriteGroups {
  /** Resolves after the commit, or with all faults of a write of which nothing was stored. StoreError as Store.transact; what `also` throws. */
  commit(write: Write): Promise<AppliedOrIssues>
}

interface Member extends PromiseWithResolvers<AppliedOrIssues> {
  readonly write: Write
}

/** Changes that share a transaction: as many as a batch commits in a fraction of a second. */
const MOST_CHANGES = 100
/** A write of more is long enough to be worth its own commit, and would keep others waiting. */
const MOST_OF_ONE = 20

/** After so many the event loop is let go on. */
const WRITES_A_TURN = 4
/** Transactions of one authority under way: while the database works for one, the process prepares the other. */
const MOST_UNDER_WAY = 2
/** As many must wait before a second one begins: a transaction costs more than fewer of them wait for the first. */
const WORTH_A_SECOND = 4

interface Line {
  readonly waiting: Member[]
  underWay: number
}

/** Nothing waits, nothing is under way. A lone write never waits. */
export function buildWriteGroups(store: Pick<Store, 'transact'>): WriteGroups {
  /** Only of authorities with something under way. */
  const lines = new Map<AuthorityCode, Line>()

  function next(owner: AuthorityCode, line: Line): void {
    if (line.waiting.length >= leastToBegin(line)) {
      line.underWay += 1
      void settle(store, takeGroup(line.waiting)).finally(() => {
        line.underWay -= 1
        next(owner, line)
      })
    } else if (line.underWay === 0) lines.delete(owner)
  }

  return {
    async commit(write) {
      if (write.isAlone || write.changes.length > MOST_OF_ONE) return commitAlone(store, write)
      const { owner } = write.facts
      const member = { write, ...Promise.withResolvers<AppliedOrIssues>() }
      const line = lines.get(owner) ?? { waiting: [], underWay: 0 }
      lines.set(owner, line)
      line.waiting.push(member)
      next(owner, line)
      return member.promise
    },
  }
}

function leastToBegin({ underWay }: Line): number {
  if (underWay === 0) return 1
  return underWay < MOST_UNDER_WAY ? WORTH_A_SECOND : Number.POSITIVE_INFINITY
}

/** In the order of arrival; at least one. */
function takeGroup(waiting: Member[]): readonly Member[] {
  let count = 0
  const end = waiting.findIndex(({ write }, at) => {
    count += write.changes.length
    return at > 0 && count > MOST_CHANGES
  })
  return waiting.splice(0, end === -1 ? waiting.length : end)
}

/** What fails by one of them fails for that one only; a database that is not there, for all. Never rejects. */
async function settle(store: Pick<Store, 'transact'>, group: readonly Member[]): Promise<void> {
  try {
    const outcomes = await commitTogether(
      store,
      group.map(({ write }) => write),
    )
    for (const [at, outcome] of outcomes.entries()) group[at]?.resolve(outcome)
  } catch (error) {
    const isOfAll = error instanceof StoreError && error.kind === 'transient' && error.on !== 'lock'
    if (isOfAll || group.length === 1) for (const { reject } of group) reject(error)
    // at once: one whose records another holds must not keep the others
    else await Promise.all(group.map((member) => settle(store, [member])))
  }
}

async function commitAlone(store: Pick<Store, 'transact'>, write: Write): Promise<AppliedOrIssues> {
  const [outcome] = await commitTogether(store, [write])
  if (outcome === undefined) throw new Error('A write has no outcome.')
  return outcome
}

function commitTogether(store: Pick<Store, 'transact'>, writes: readonly Write[]): Promise<readonly AppliedOrIssues[]> {
  return store.transact(async (unit) => {
    const outcomes = await applyInTurn(unit, writes)
    const records: AuditRecord[] = []
    for (const [at, { also, record }] of writes.entries()) {
      const outcome = outcomes[at]
      if (outcome === undefined || 'issues' in outcome) continue
      await also?.(unit, outcome.applied)
      records.push(record(outcome.applied))
    }
    await unit.appendAudits(records)
    return outcomes
  })
}

/**
 * Writes of one authority, each seeing what those before it left; a refused one leaves nothing. All reads that can be foreseen in a
 * few, all writes and locks in a few more: round trips are what a transaction costs. Inside a transaction.
 */
export async function applyInTurn(
  unit: Unit,
  writes: readonly Pick<Write, 'changes' | 'facts'>[],
): Promise<readonly AppliedOrIssues[]> {
  const [first] = writes
  if (first === undefined) return []
  const chunk = openChunkUnit(unit, first.facts.owner)
  await chunk.readAhead(writes.flatMap(({ changes }) => changes))
  const outcomes: AppliedOrIssues[] = []
  await inTurns(writes, WRITES_A_TURN, async ({ changes, facts }) => {
    chunk.begin()
    outcomes.push(await applyChanges(chunk.unit, changes, facts))
  })
  await chunk.flush()
  return outcomes
}
