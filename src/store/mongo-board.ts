/** Short messages from one server process to the others, by the database: a few a second at most, forgotten after a quarter of an hour (docs/decisions/0006). */
import { randomUUID } from 'node:crypto'
import { COLLECTIONS } from './collections.ts'
import { mapErrors } from './mongo-errors.ts'
import { OPERATION_MS, type Scope } from './scope.ts'
import type { Board, BoardMessage } from './store.ts'

/** By the database's clock: processes on several machines agree on it. */
interface BoardDocument {
  readonly _id: string
  readonly from: string
  readonly at: Date
  /** Sealed: what one process saw of a user's checks. */
  readonly text: string
}

/** How long a message is read: the window of the detector. The index removes it soon after. */
export const BOARD_SECONDS = 900
const MOST = 1_000
const CONTEXT = 'board'

/** The board of one database. Losing a message loses a second of what one process saw: nothing is majority-written. */
export function buildBoard(scope: Pick<Scope, 'db' | 'crypto'>): Board {
  const board = scope.db.collection<BoardDocument>(COLLECTIONS.board, {
    writeConcern: { w: 1 },
    readConcern: { level: 'local' },
  })
  return {
    async post(from, text) {
      const sealed = scope.crypto.sealText(text, CONTEXT)
      const set = { from: { $literal: from }, text: { $literal: sealed }, at: '$$NOW' }
      await mapErrors(
        board.updateOne({ _id: randomUUID() }, [{ $set: set }], { upsert: true, maxTimeMS: OPERATION_MS }),
      )
    },
    async read(notFrom, since) {
      const begin = since ?? new Date(0)
      const filter = { at: { $gte: begin }, from: { $ne: notFrom } }
      const found = await mapErrors(
        board.find(filter, { sort: { at: 1 }, limit: MOST, maxTimeMS: OPERATION_MS }).toArray(),
      )
      return found.flatMap((one): BoardMessage[] => {
        const text = scope.crypto.openText(one.text, CONTEXT)
        return text === undefined ? [] : [{ id: one._id, at: one.at, text }]
      })
    },
  }
}
