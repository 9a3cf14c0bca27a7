/** What the database did for some work, as its own profiler tells it (MongoDB manual, "Database Profiler"): the plan and the documents examined of every operation. */
import type { Db, Document } from 'mongodb'

export interface ProfiledOperation {
  readonly collection: string
  /** query, command, insert, update, getmore … */
  readonly op: string
  /** e.g. `IXSCAN { subjectKey: 1, live: 1 }` or COLLSCAN; empty for an insert. */
  readonly plan: string
  readonly documentsExamined: number
  readonly keysExamined: number
  readonly returned: number
  /** Whether documents were sorted in memory, for want of an index in that order. */
  readonly isSorted: boolean
  readonly command: Document
}

/** Runs `work` and tells of what it had this database do; others that use it meanwhile are told of too. Store I/O. */
export async function profileOperations(db: Db, work: () => Promise<unknown>): Promise<readonly ProfiledOperation[]> {
  await db.command({ profile: 2, slowms: 10_000 })
  try {
    await work()
  } finally {
    await db.command({ profile: 0 })
  }
  const entries = await db.collection('system.profile').find().sort({ ts: 1 }).toArray()
  await db.collection('system.profile').drop()
  return entries.filter(({ ns }) => !String(ns).endsWith('.system.profile')).map(toOperation)
}

function toOperation(entry: Document): ProfiledOperation {
  const { ns, op, planSummary, docsExamined, keysExamined, nreturned, hasSortStage, command } = entry
  return {
    collection: String(ns).slice(String(ns).indexOf('.') + 1),
    op: String(op),
    plan: String(planSummary ?? ''),
    documentsExamined: Number(docsExamined ?? 0),
    keysExamined: Number(keysExamined ?? 0),
    returned: Number(nreturned ?? 0),
    isSorted: hasSortStage === true,
    command: command ?? {},
  }
}
