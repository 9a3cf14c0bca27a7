/** Group commit of checks that find nothing (storage.md "Transactions"): those that arrive while a transaction is in flight share the next one: one find, one insertMany, one commit. */
import type { ClientSession, MongoClient } from 'mongodb'
import type { AuditRecord } from '../domain/audit-record.ts'
import type { NhsNumber } from '../domain/brands.ts'
import type { LockQueues } from './lock-queue.ts'
import { type AuditDocument, insertAudits, toAuditDocument } from './mongo-audits.ts'
import { plansOf, reading, type Scope } from './scope.ts'
import { StoreError } from './store.ts'
import { runTransaction } from './transaction.ts'

/** Transactions of groups in flight, and checks in one of them. */
const MOST_IN_FLIGHT = 2
const MOST_MEMBERS = 256
/** As many must wait before a second one begins: a transaction costs more than fewer of them wait for the first. */
const WORTH_A_SECOND = 8

interface Member {
  readonly subjectKey: string
  readonly document: AuditDocument
  readonly settle: { readonly resolve: (isMiss: boolean) => void; readonly reject: (error: unknown) => void }
}

export interface MissGroup {
  /**
   * Records a check of this number when the register has no live plan (and no link) for it: true after the commit.
   * False, with nothing written, when there is something: then the check runs by itself. StoreError as Unit.appendAudit.
   */
  record(nhsNumber: NhsNumber, record: AuditRecord): Promise<boolean>
}

/**
 * An idle group flushes when the requests that have arrived together are read, so a lone caller waits for nobody. The snapshot
 * begins after the last member has joined: no plan acknowledged before is missed. Who is found to be known is told after the
 * read: that check reads again by itself, and must not wait for the commit of the others. It has left the group for good: were
 * the group to run again and find nothing any more, it must not record what is being answered elsewhere.
 */
export function buildMissGroup(client: MongoClient, scope: Scope, queues: LockQueues): MissGroup {
  const waiting: Member[] = []
  let inFlight = 0
  let isDue = false
  const left = new WeakSet<Member>()

  function flushSoon(): void {
    if (isDue) return
    isDue = true
    setImmediate(() => {
      isDue = false
      flush()
    })
  }

  function flush(): void {
    while (waiting.length >= leastToBegin()) {
      inFlight += 1
      void commit(waiting.splice(0, MOST_MEMBERS)).finally(() => {
        inFlight -= 1
        flushSoon()
      })
    }
  }

  function leastToBegin(): number {
    if (inFlight === 0) return 1
    return inFlight < MOST_IN_FLIGHT ? WORTH_A_SECOND : Number.POSITIVE_INFINITY
  }

  async function commit(members: readonly Member[]): Promise<void> {
    try {
      for (const { settle } of await recordTogether(members)) settle.resolve(true)
    } catch (error) {
      const isOfOne = error instanceof StoreError && error.kind === 'duplicate'
      if (isOfOne && members.length > 1) return commitSingly(members)
      for (const { settle } of members) settle.reject(error)
    }
  }

  /** One of them repeats a request id: it must not fail the others. */
  async function commitSingly(members: readonly Member[]): Promise<void> {
    for (const member of members) await commit([member])
  }

  function leave(member: Member): void {
    left.add(member)
    member.settle.resolve(false)
  }

  /** Those of whom nothing is known, and that is recorded. */
  function recordTogether(members: readonly Member[]): Promise<readonly Member[]> {
    const record = async (session: ClientSession): Promise<readonly Member[]> => {
      const within = { ...scope, session }
      const asking = members.filter((one) => !left.has(one))
      const known = await findKnown(within, asking)
      for (const one of asking) if (known.has(one.subjectKey)) leave(one)
      const misses = asking.filter((one) => !left.has(one))
      await insertAudits(
        within,
        misses.map((one) => one.document),
      )
      return misses
    }
    return runTransaction(client, queues.open(), record, (misses) => (misses.length > 0 ? 'commit' : 'abort'))
  }

  return {
    record(nhsNumber, record) {
      const { promise, resolve, reject } = Promise.withResolvers<boolean>()
      const document = toAuditDocument(scope, record)
      const subjectKey = document.subjectKey ?? scope.crypto.subjectKey(nhsNumber)
      waiting.push({ subjectKey, document, settle: { resolve, reject } })
      flushSoon()
      return promise
    },
  }
}

/** Keys under which a plan or a link stands. */
async function findKnown(scope: Scope, members: readonly Member[]): Promise<ReadonlySet<string>> {
  const keys = [...new Set(members.map((one) => one.subjectKey))]
  const [only, second] = keys
  const subjectKey = second === undefined && only !== undefined ? only : { $in: keys }
  const options = { ...reading(scope), projection: { _id: 0, subjectKey: 1 } } as const
  const found = await plansOf(scope).find({ subjectKey, live: true }, options).toArray()
  return new Set(found.flatMap((one) => one.subjectKey ?? []))
}
